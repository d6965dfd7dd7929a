"""python -m hil.bench.memory_worker KEYOFF.TOML FRAMES: `keyoff run`'s parts, fed two seconds of a bus again and again.

Prints, as JSON, the most memory that was resident in MiB, and what was resident after the first and the third hour (simulated).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from agent.__main__ import front  # noqa: F401 - the command's front door is loaded in every start
from agent.cli.load import load_config, setup_of
from agent.cli.run import Loop
from agent.cli.sending import attach
from agent.daemon import Daemon, calm_collector
from agent.io import clock
from agent.io.buses.live import LiveBus
from agent.io.buses.recording import Recording
from agent.io.unit_store import open_for_daemon
from agent.model import NS, Frame, Wall

LOOP_NS = 2 * NS
HOURS = 3
WALL = Wall(1_793_000_000 * NS, "synchronised")


def resident_mib(what: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def main(path: Path, recording: Path) -> None:
    config = load_config(path)
    setup, plan = setup_of(config, path)
    store = open_for_daemon(Path(config.unit.state_dir) / "keyoff.db", config.unit.id, config.store.max_mb)
    daemon = Daemon(setup, plan, store, "bench")
    with attach(daemon, config, path) as uplink:
        bus = LiveBus(config.bus[0], ())
        bus.start()
        loop = Loop(daemon, [bus], Path(config.unit.state_dir), uplink)
        loop.beat()
        loop.calendar.take(WALL)
        calm_collector()
        once = [f for piece in Recording(recording, tuple(setup.vehicle.bus)).chunks() for f in piece if isinstance(f, Frame)]
        after: list[float] = []
        base_ns = clock.boottime_ns()
        for n in range(HOURS * 3600 * NS // LOOP_NS):
            t_ns = base_ns + n * LOOP_NS
            daemon.frames([Frame(f.arbitration_id, f.is_extended, f.data, f.bus, f.t_ns + t_ns) for f in once])
            daemon.tick(t_ns + LOOP_NS, WALL)
            daemon.take()
            if (n + 1) * LOOP_NS % (3600 * NS) == 0:
                after.append(resident_mib("VmRSS:"))
        driven_s = daemon.engine.trip.tally.observed_s
        loop.calendar.stop()
        bus.stop()
    print(json.dumps({"peak": resident_mib("VmHWM:"), "first": after[0], "last": after[-1], "driven_s": driven_s}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
