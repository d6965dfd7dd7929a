"""python -m hil.bench.first_frame KEYOFF.TOML ID DATA: start as `keyoff run` does, until one frame is through the engine.

Prints the moment (CLOCK_MONOTONIC, which is every process's), the CPU time spent and the most memory taken, in s, s, MiB.
The bus is a unit's: SocketCAN's reader, its frames from a socket pair (hil/wire.py).
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from agent.__main__ import front  # noqa: F401 - the command's front door is loaded in every start
from agent.cli.load import load_config, setup_of
from agent.cli.run import Loop
from agent.daemon import Daemon
from agent.io import clock
from agent.io.buses.live import LiveBus
from agent.io.store import Store
from hil.wire import Wire

OPENING_S = 0.001  # between two looks whether the bus is open


def most_mib() -> float:
    """The most memory that was resident. (ru_maxrss would tell of the process that started this one, too.)"""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def main(path: Path, arbitration_id: int, data: bytes) -> None:
    config = load_config(path)
    setup, plan = setup_of(config, path)
    store = Store(Path(config.unit.state_dir) / "keyoff.db", config.unit.id)
    daemon = Daemon(setup, plan, store, clock.boot_id())
    before = daemon.engine.context(0).last_ns  # what an earlier start in this boot heard
    with Wire() as wire:
        bus = LiveBus(config.bus[0], plan.filters().get(config.bus[0].name, ()), wire.opened)
        bus.start()
        loop = Loop(daemon, [bus], Path(config.unit.state_dir), None)
        while bus.trouble is not None:
            clock.pause(OPENING_S)
        wire.send(arbitration_id, False, data)
        while daemon.engine.context(0).last_ns == before:
            loop.beat()
        done_s = time.monotonic()
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(done_s, used.ru_utime + used.ru_stime, most_mib())
        bus.stop()
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2], 16), bytes.fromhex(sys.argv[3]))
