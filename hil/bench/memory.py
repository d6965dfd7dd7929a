"""How much memory `keyoff run` takes: 4,000 frames/s for three simulated hours, cold plan cache, runtime packages only.

The uplink is up, over TLS to mosquitto, and publishes what the drive raises; the calendar runs; the environment is the
service's. It is a unit's very first start: the plan's compiler, told apart, and the first migration are child processes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from itertools import islice
from pathlib import Path

from agent.model import NS, Frame
from hil.bench.figures import Figure, Group, LeftOut, Place, at_most, progress
from hil.bench.memory_worker import LOOP_NS, RECORD
from hil.bench.runtime import ROOT, runtime_python
from hil.broker import Broker, mosquitto_path
from hil.ca import Authority
from hil.vehicle import Drive, car, frames, trace_of

SERVICE = ROOT / "systemd" / "keyoff.service"
FRAMES_PER_S = 4000
FRAMES = FRAMES_PER_S * LOOP_NS // NS
FROM_NS = 200 * NS  # well into the motorway cycle: ignition on, moving
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
[uplink]
host = "{host}"
port = {port}
ca = "{ca}"
certificate = "{certificate}"
key = "{key}"
"""


def measure(place: Place) -> list[Figure]:
    if mosquitto_path() is None:
        raise LeftOut("mosquitto is not installed")
    python, folder = runtime_python(), place.folder / "memory"
    folder.mkdir()
    authority = Authority(folder / "ca")
    with Broker(authority, kind="mosquitto") as broker:
        found = worker(python, prepare(folder, authority, broker))
    if not found["acknowledged"]:
        raise LeftOut("the link did not come up")
    note = f"{FRAMES_PER_S} frames/s, {found['driven_s']:.0f} s driven, {found['acknowledged']} events published, cold plan cache"
    return [
        Figure("run_peak_rss_mib", found["peak"], "MiB", at_most(50), note),
        Figure("run_rss_growth_mib", found["last"] - found["first"], "MiB", at_most(1), "hour 3 less hour 1"),
        Figure("plan_compiler_peak_rss_mib", found["compiler"], "MiB", None, "a child process, once for each profile"),
    ]


def prepare(folder: Path, authority: Authority, broker: Broker) -> Path:
    """keyoff.toml in `folder`, and the frames beside it."""
    pair, config = authority.client("bench"), folder / "keyoff.toml"
    text = CONFIG.format(
        folder=folder,
        host=broker.host,
        port=broker.port,
        ca=authority.pair.certificate,
        certificate=pair.certificate,
        key=pair.key,
    )
    config.write_text(text)
    (folder / "frames").write_bytes(b"".join(map(encoded, busy_bus())))
    return config


def worker(python: Path, config: Path) -> dict[str, float]:
    """What hil/bench/memory_worker.py prints. Raises LeftOut."""
    command = [str(python), "-m", "hil.bench.memory_worker", str(config), str(config.with_name("frames"))]
    env = {**os.environ, **service_environment()}
    for _ in progress("Three hours of memory", [0]):
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=RUN_S)
    if done.returncode:
        raise LeftOut(f"the worker failed: {done.stderr.strip().splitlines()[-1:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def busy_bus() -> list[Frame]:
    """Two seconds of the simulated car in mid-drive, filled up to 4,000 frames/s with frames that nobody wants."""
    drive = Drive(car("sim_petrol"), trace_of(["hwfet"], "trace", seed=0))
    known = [f for f in frames(drive) if FROM_NS <= f.t_ns < FROM_NS + LOOP_NS]
    gap_ns = LOOP_NS // (FRAMES - len(known))
    others = (Frame(0x500 + n % 64, False, n.to_bytes(8, "little"), known[0].bus, FROM_NS + n * gap_ns) for n in range(FRAMES))
    return sorted([*known, *islice(others, FRAMES - len(known))], key=lambda f: f.t_ns)


def encoded(frame: Frame) -> bytes:
    """As the worker reads it."""
    return RECORD.pack(frame.arbitration_id, frame.is_extended, len(frame.data), frame.data, frame.t_ns - FROM_NS)


def service_environment() -> dict[str, str]:
    """What the service sets before it starts the daemon."""
    return dict(re.findall(r"(?m)^Environment=(\w+)=(\S+)$", SERVICE.read_text()))


GROUP = Group("memory", ("run_peak_rss_mib", "run_rss_growth_mib"), measure)
