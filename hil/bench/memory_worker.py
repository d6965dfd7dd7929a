"""python -m hil.bench.memory_worker KEYOFF.TOML FRAMES: `keyoff run`'s parts, fed two seconds of a bus again and again.

The frames stay in their file, and become objects in pieces as long as the loop's longest wait: so the measured is what
`keyoff run` holds, not what feeds it. Prints, as JSON and in MiB, the most memory that was resident, what was
resident after the first and the third hour (simulated), and the most of a child process: the plan's compiler.
"""

from __future__ import annotations

import json
import resource
import sys
from itertools import groupby
from pathlib import Path
from struct import Struct
from typing import BinaryIO, NamedTuple

from agent.__main__ import front  # noqa: F401 - the command's front door is loaded in every start
from agent.cli.load import load_config, setup_of
from agent.cli.run import IDLE_S, TICK_NS, Loop
from agent.cli.sending import attach
from agent.daemon import Daemon
from agent.io import clock
from agent.io.buses.live import LiveBus
from agent.io.collector import calm_collector
from agent.io.unit_store import open_for_daemon
from agent.model import NS, Frame, Wall
from hil.wire import Wire

RECORD = Struct("<I?B8sq")  # a frame: id, is_extended, length, data, t_ns since the loop began
LOOP_NS = 2 * NS
PIECE_NS = round(IDLE_S * NS)
HOURS = 3
WALL = Wall(1_793_000_000 * NS, "synchronised")


def resident_mib(what: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def main(path: Path, recording: Path) -> None:
    config = load_config(path)
    setup, plan = setup_of(config, path)
    compiler_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    store = open_for_daemon(Path(config.unit.state_dir) / "keyoff.db", config.unit.id, config.store.max_mb)
    daemon = Daemon(setup, plan, store, "bench")
    with attach(daemon, config, path, takes_commands=True) as uplink:
        wire = Wire()
        bus = LiveBus(config.bus[0], plan.filters()[config.bus[0].name], wire.opened)
        bus.start()
        loop = Loop(daemon, [bus], Path(config.unit.state_dir), uplink)
        calm_collector()
        loop.beat()
        loop.calendar.take(WALL)
        with recording.open("rb", buffering=0) as file:
            after = drive(daemon, config.bus[0].name, file, pieces(file.read()))
        driven_s = daemon.engine.trip.tally.observed_s
        loop.calendar.stop()
        bus.stop()
    found = {"peak": resident_mib("VmHWM:"), "first": after[0], "last": after[-1], "compiler": compiler_mib}
    print(json.dumps(found | {"driven_s": driven_s, "acknowledged": uplink.state.acknowledged}))


class Piece(NamedTuple):
    """Where in the file lie the frames that the daemon is handed together."""

    at: int
    size: int


def pieces(encoded: bytes) -> list[Piece]:
    """The loop, cut where the daemon would be handed what has come; one piece for each PIECE_NS."""
    whole = range(0, len(encoded), RECORD.size)
    cut = groupby(whole, lambda at: RECORD.unpack_from(encoded, at)[-1] // PIECE_NS)
    return [Piece(first, (1 + sum(1 for _ in rest)) * RECORD.size) for _, rest in cut for first in [next(rest)]]


def drive(daemon: Daemon, bus: str, file: BinaryIO, loop: list[Piece]) -> list[float]:
    """HOURS of it, with a tick a second as `keyoff run` does; gives what was resident after each hour."""
    after = []
    t_ns = clock.boottime_ns()
    for _ in range(HOURS):
        for _ in range(3600 * NS // LOOP_NS):
            for n, piece in enumerate(loop, 1):
                file.seek(piece.at)
                read = RECORD.iter_unpack(file.read(piece.size))
                daemon.frames([Frame(id, ext, data[:size], bus, t_ns + at_ns) for id, ext, size, data, at_ns in read])
                if n * PIECE_NS % TICK_NS == 0:
                    daemon.tick(t_ns + n * PIECE_NS, WALL)
                    daemon.take()
            t_ns += LOOP_NS
        after.append(resident_mib("VmRSS:"))
    return after


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
