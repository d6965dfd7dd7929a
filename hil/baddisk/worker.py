"""python -m hil.baddisk.worker DATABASE MAX_MB: a unit in simulated time, told by lines on standard input what to do:

    drive SECONDS   stand SECONDS   link up|silent|down   hear FRAMES   sql QUERY   close

After each it prints how it is, as JSON. `hear` is answered by a thread of its own: as soon as the daemon is in a commit,
a bus brings so many frames, and the reader has them.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

from agent.config import BusConfig
from agent.io import clock
from agent.io.buses.live import LiveBus
from agent.io.store import Batch
from agent.io.unit_store import UnitStore
from agent.model import NS
from hil.baddisk.unit import UNIT, Car

CHANNEL = "car"
LOOK_S = 0.005


class Watched(UnitStore):
    """Knows whether it is in a commit now."""

    committing = False

    def commit(self, batch: Batch, utc_ns: int | None = None) -> int:
        self.committing = True
        try:
            return super().commit(batch, utc_ns)
        finally:
            self.committing = False


class Unit:
    def __init__(self, database: Path, max_mb: int) -> None:
        clock.boottime_ns = lambda: 0
        self.store = Watched(database, UNIT, max_mb)
        self.car = Car(self.store)
        clock.boottime_ns = lambda: self.car.t_s * NS  # the store waits in the unit's time, too

    def drive(self, seconds: str) -> None:
        self.car.drive(int(seconds))

    def stand(self, seconds: str) -> None:
        self.car.stand(int(seconds))

    def link(self, how: str) -> None:
        self.car.far_side.is_there, self.car.far_side.is_silent = how != "down", how == "silent"

    def hear(self, frames: str) -> None:
        threading.Thread(target=self._hear, args=(int(frames),), daemon=True).start()

    def _hear(self, frames: int) -> None:
        import can

        bus = LiveBus(BusConfig("can0", "virtual", CHANNEL), ())
        bus.start()
        pause = threading.Event()
        with can.Bus(interface="virtual", channel=CHANNEL) as neighbour:
            while bus.trouble is not None:
                pause.wait(LOOK_S)
            while not self.store.committing:
                pause.wait(LOOK_S)
            for n in range(frames):
                neighbour.send(can.Message(arbitration_id=n, is_extended_id=True, data=b"12345678"))
            while bus.frames < frames:
                pause.wait(LOOK_S)
        say({"heard": bus.frames, "waiting": len(bus.take()), "lost": bus.overrun, "committing": self.store.committing})
        bus.stop()

    def sql(self, *query: str) -> None:
        rows = self.store.conn.execute(" ".join(query)).fetchall()
        say({"rows": [[v.decode() if isinstance(v, bytes) else v for v in row] for row in rows]})

    def close(self) -> None:
        self.store.close()

    def how_it_is(self) -> dict[str, Any]:
        daemon = self.car.daemon
        return {
            "t_s": self.car.t_s,
            "trouble": daemon.store_trouble,
            "behind_s": (daemon.now_ns - daemon._committed_ns) // NS,
            "events": len(daemon._events),
            "points": len(daemon.engine.trace),
            "raised": len(daemon.raised),
            "received": len(self.car.far_side.received),
            "differs": self.car.far_side.differs,
            "epoch": self.store.epoch,
        }


def say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


def main(database: str, max_mb: str) -> None:
    unit = Unit(Path(database), int(max_mb))
    say(unit.how_it_is())
    for line in sys.stdin:
        what, *words = line.split()
        getattr(unit, what)(*words)
        if what not in ("hear", "sql"):
            say(unit.how_it_is() if what != "close" else {})


if __name__ == "__main__":
    main(*sys.argv[1:])
