"""A unit through its boots, in simulated time: the whole daemon on a real store, and a clock that is right only when it is set.

Times are local to its owner, as text: "2026-10-30 18:00".
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from agent.config import Owner, Service
from agent.daemon import Daemon
from agent.io.clock import judged
from agent.io.ledger import Ledger
from agent.io.store import Store
from agent.model import NS, Setup, Wall
from agent.plan import Plan
from agent.vehicle import Vehicle
from tests.sim.car import BY_SIGNAL, at, drive, seconds

PLAN = Plan(vehicle="test car", messages=())
BUILT_UTC_NS = at(datetime(2025, 11, 22, tzinfo=UTC).timestamp())  # before all that is played here, and stays
DRIVE_S = 300  # the default drive's length; it is over 31 s later
WAIT_S = 12 * 3600  # between two ticks while nothing happens: what is due comes at its own time anyway


class Unit:
    """See the module. Until its clock is set, it shows 1970."""

    def __init__(self, folder: Path, owner: Owner | None = None, services: tuple[Service, ...] = ()) -> None:
        self.path = folder / "keyoff.db"
        self.owner = owner or Owner(timezone="Europe/Berlin")
        self.services = services
        self.vehicle: Vehicle = BY_SIGNAL
        self.boots = 0
        self.is_cut = False

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.owner.timezone)

    def utc_s(self, local: str) -> float:
        return datetime.fromisoformat(local).replace(tzinfo=self.zone).timestamp()

    def local(self, utc_ns: int | None) -> str | None:
        """To the minute."""
        return None if utc_ns is None else f"{datetime.fromtimestamp(utc_ns / NS, self.zone):%Y-%m-%d %H:%M}"

    # -- what happens to it ------------------------------------------------------------------------

    def boot(self, local: str) -> Unit:
        """Power comes on at this time. Whatever ran before has been off since it last did something."""
        if self.boots and not self.is_cut:
            self.off()
        self.boots, self.is_cut = self.boots + 1, False
        self.begun_s, self.t_s = self.utc_s(local), 5.0
        self.error_s, self.synchronised = -self.begun_s, False
        self.store = Store(self.path, "unit-1")
        self.floor_utc_ns = Ledger(self.store).floor_utc_ns()
        setup = Setup("unit-1", self.vehicle, self.owner, self.services)
        self.daemon = Daemon(setup, PLAN, self.store, f"boot-{self.boots}")
        return self

    def off(self) -> None:
        self.daemon.commit()
        self.cut()

    def cut(self) -> None:
        """Power is gone: what was not committed is lost."""
        self.store.close()
        self.is_cut = True

    def clock(self, local: str | None = None, *, synchronised: bool = True) -> Unit:
        """The clock is set: right, or to this time."""
        self.error_s = 0.0 if local is None else self.utc_s(local) - self.begun_s - self.t_s
        self.synchronised = synchronised
        return self

    def wall(self) -> Wall | None:
        t_ns = at(self.t_s)
        read_ns = int(self.t_s) % 3  # the two clocks are never read in the same nanosecond
        utc_ns = at(self.begun_s + self.error_s) + t_ns + read_ns
        return judged(utc_ns, t_ns, self.synchronised, self.floor_utc_ns, BUILT_UTC_NS)

    def tick(self) -> Unit:
        """A second goes by."""
        self.t_s += 1
        self.daemon.tick(at(self.t_s), self.wall())
        return self

    def until(self, local: str) -> Unit:
        """Parked until then."""
        end_s = self.utc_s(local) - self.begun_s
        assert end_s > self.t_s
        self.tick()
        while self.t_s < end_s:
            self.t_s = min(self.t_s + WAIT_S, end_s)
            self.tick()
        return self.tick()

    def drive(self, length_s: int = DRIVE_S, *, odometer_m: float | None = None, half_way: Callable[[], object] = int) -> Unit:
        """The default drive now, over and told at its end; `half_way`: what happens in the middle."""
        begun_s = self.t_s
        for second, samples in seconds(drive(begun_s, length_s, odometer_m=odometer_m)):
            self.t_s = second - 1.0
            if second == begun_s + length_s // 2:
                half_way()
            self.tick()
            self.daemon.samples(samples)
        self.t_s += 40
        return self.tick().tick()

    # -- what came of it ---------------------------------------------------------------------------

    def told(self, kind: str) -> list[dict[str, Any]]:
        self.daemon.commit()
        rows = self.store.conn.execute("SELECT * FROM events WHERE kind = ? ORDER BY seq", (kind,)).fetchall()
        return [msgspec.json.decode(r["body"]) | dict(r) for r in rows]

    def months(self) -> list[tuple[str, int, int]]:
        """(month, trips, revision) as they were told."""
        return [(e["month"], e["trips"], e.get("revision", 0)) for e in self.told("DriverSummary")]

    def trips(self) -> list[str | None]:
        """When they began, by the unit's own account, in the order in which they were driven."""
        self.daemon.commit()
        return [self.local(t["start_utc_ns"]) for t in self.store.trips()]
