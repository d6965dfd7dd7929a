"""How much memory `keyoff run` takes: 4,000 frames/s for three simulated hours, cold plan cache, runtime packages only.

The uplink is configured and finds nobody, so TLS and MQTT are loaded; the calendar runs. The plan's compiler is a child
process of its own and not counted.
"""

from __future__ import annotations

import json
import subprocess
from itertools import islice

from agent.model import NS, Frame
from hil.bench.figures import Figure, Group, LeftOut, Place, at_most, progress
from hil.bench.runtime import ROOT, runtime_python
from hil.ca import Authority
from hil.vehicle import Drive, car, frames, trace_of
from hil.vehicle.outputs import write_candump

FRAMES_PER_S = 4000
FROM_S = 200  # well into the motorway cycle: ignition on, moving
LOOP_S = 2
RUN_S = 600

CONFIG = """
[unit]
id = "bench"
state_dir = "{folder}"
cache_dir = "{folder}/cache"
[vehicle]
profile = "sim_petrol"
[[bus]]
name = "can0"
interface = "virtual"
channel = "bench"
[uplink]
host = "localhost"
port = 1
ca = "{ca}"
certificate = "{certificate}"
key = "{key}"
"""


def measure(place: Place) -> list[Figure]:
    python, folder = runtime_python(), place.folder / "memory"
    folder.mkdir()
    authority = Authority(folder / "ca")
    pair = authority.client("bench")
    config = folder / "keyoff.toml"
    config.write_text(CONFIG.format(folder=folder, ca=authority.pair.certificate, certificate=pair.certificate, key=pair.key))
    for _ in write_candump(busy_bus(), folder / "bus.log"):
        pass
    command = [str(python), "-m", "hil.bench.memory_worker", str(config), str(folder / "bus.log")]
    for _ in progress("Three hours of memory", [0]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=RUN_S)
    if done.returncode:
        raise LeftOut(f"the worker failed: {done.stderr.strip().splitlines()[-1:]}")
    found = json.loads(done.stdout)
    note = f"{FRAMES_PER_S} frames/s, {found['driven_s']:.0f} s driven, uplink and calendar loaded, cold plan cache"
    return [
        Figure("run_peak_rss_mib", found["peak"], "MiB", at_most(50), note),
        Figure("run_rss_growth_mib", found["last"] - found["first"], "MiB", at_most(1), "hour 3 less hour 1"),
    ]


def busy_bus() -> list[Frame]:
    """Two seconds of the simulated car in mid-drive, filled up to 4,000 frames/s with frames that nobody wants."""
    drive = Drive(car("sim_petrol"), trace_of(["hwfet"], "trace", seed=0))
    start_ns, end_ns = FROM_S * NS, (FROM_S + LOOP_S) * NS
    known = [f for f in frames(drive) if start_ns <= f.t_ns < end_ns]
    gap_ns = LOOP_S * NS // (FRAMES_PER_S * LOOP_S - len(known))
    others = (Frame(0x500 + n % 64, False, n.to_bytes(8, "little"), known[0].bus, start_ns + n * gap_ns) for n in range(1 << 20))
    filled = [*known, *islice(others, FRAMES_PER_S * LOOP_S - len(known))]
    return sorted(filled, key=lambda f: f.t_ns)


GROUP = Group("memory", ("run_peak_rss_mib", "run_rss_growth_mib"), measure)
