"""A car that is serviced, to test what becomes of it: days of driving in one call each, at event level."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from agent.config import Owner, Service
from agent.engine import Engine
from agent.events.appointment import AppointmentChanged
from agent.events.concern import Concern
from agent.events.habits import HabitsRule
from agent.events.household import HouseholdRule
from agent.events.message import Answer, PromptAnswered
from agent.events.odometer import OdometerAdvanced
from agent.events.service import ServiceRule
from agent.events.service_record import ServiceDue, ServiceReported
from agent.events.trip import Trip, TripEnded
from agent.model import NS, ClockQuality, Event, Rule, Setup, Value, Wall, derive_id
from agent.service.interval import Interval
from tests.sim.car import BY_SIGNAL, Bench, E

OIL = Service("oil change", 10_000, 10_001)  # due at 20,001 km
TYRES = Service("tyres", 40_000, 0)
START_M = 20_000_000.0
ZONE = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 1, 5, 18, tzinfo=ZONE)
RULES: tuple[type[Rule], ...] = (HabitsRule, HouseholdRule, ServiceRule, Trip)
DAY_NS = 86_400 * NS


class Unit:
    """A unit at event level: days of driving in one call each. Day 0 is Monday, 2026-01-05."""

    def __init__(self, *services: Service, reading_m: float = START_M, boot: str = "b1") -> None:
        self.setup = Setup("unit-1", BY_SIGNAL, Owner(timezone=str(ZONE)), services)
        self.engine = Engine(self.setup, boot, {}, RULES)
        self.events: list[Event] = []
        self.wall: Wall | None = Wall(round(MONDAY.timestamp()) * NS, "synchronised")
        self.day = 0
        self.reading_m = reading_m

    def drive(self, days: int, km: float = 30.0, heard: dict[str, Value] | None = None, **metrics: float) -> Unit:
        """A trip of `km` on each evening; `heard`: what the car says of itself meanwhile."""
        for _ in range(days):
            self.until(self.day + 1)
            before, self.reading_m = self.reading_m, self.reading_m + km * 1000
            t_ns = self.day * DAY_NS
            said = [(t_ns + 2 * n * NS, path, value) for n in range(5) for path, value in (heard or {}).items()]
            self.events += self.engine.feed(said)
            self.enter(self._odometer(before), self._trip(t_ns, metrics | {"distance_m": km * 1000}))
        return self

    def until(self, day: int) -> Unit:
        for each in range(self.day, day + 1):
            self.events += self.engine.wake(each * DAY_NS, self.wall)
        self.day = day
        assert not self.engine.failures
        return self

    def enter(self, *events: Event) -> Unit:
        self.events += self.engine.raised(events)
        assert not self.engine.failures
        return self

    def says(self, item: str, says: str, **more: object) -> Unit:
        said = {"item": item, "says": says, "id": "", "t_ns": self.day * DAY_NS, "boot_id": "b1"} | more
        return self.enter(msgspec.convert(said, ServiceReported))

    def answers(self, concern: Concern, answer: Answer, person: str = "owner") -> Unit:
        prompt_id = derive_id("unit-1", "prompt", concern.id, person)
        return self.enter(PromptAnswered(id="", t_ns=0, boot_id="b1", prompt_id=prompt_id, answer=answer))

    def clock(self, days: float = 0.0, quality: ClockQuality | None = None) -> Unit:
        """Step the wall clock, or trust it otherwise."""
        assert self.wall is not None
        self.wall = Wall(self.wall.offset_ns + round(days * DAY_NS), quality or self.wall.quality)
        return self

    def restart(self, *services: Service, boot: str = "b1") -> Unit:
        states = self.engine.states()
        self.setup = self.setup._replace(services=services or self.setup.services)
        self.engine = Engine(self.setup, boot, {}, RULES)
        self.engine.restore(states)
        return self.until(self.day)

    def of(self, kind: type[E]) -> list[E]:
        return [e for e in self.events if isinstance(e, kind)]

    @property
    def today(self) -> str:
        return (MONDAY + timedelta(days=self.day)).date().isoformat()

    def _odometer(self, before_m: float) -> OdometerAdvanced:
        reading_m = self.reading_m
        return OdometerAdvanced(id="", t_ns=self.day * DAY_NS, boot_id="b1", reading_m=reading_m, previous_m=before_m)

    def _trip(self, t_ns: int, metrics: dict[str, float]) -> TripEnded:
        wall = self.wall if self.wall and self.wall.quality == "synchronised" else None
        return TripEnded(
            id="",
            t_ns=t_ns,
            boot_id=self.engine.boot_id,
            trip_id=f"t{t_ns}",
            kind="trip",
            ended_by="ignition-off",
            start_ns=t_ns - 1800 * NS,
            start_boot_id=self.engine.boot_id,
            end_ns=t_ns,
            clock="synchronised",
            driver="unknown",
            vehicle="car",
            metrics=metrics,
            start_utc_ns=wall.utc_ns(t_ns - 1800 * NS) if wall else None,
            end_utc_ns=wall.utc_ns(t_ns) if wall else None,
        )


def interval_of(unit: Unit, item: str) -> Interval:
    rule = next(r for r in unit.engine.rules if isinstance(r, ServiceRule))
    return rule.state.items[item]


def told(unit: Unit | Bench) -> list[tuple[str, str]]:
    return [(e.item, e.stage) for e in unit.of(ServiceDue)]


def driven_in(*services: Service, reading_m: float = START_M) -> Unit:
    """A unit that has known the car for six weeks: 30 km a day."""
    return Unit(*services, reading_m=reading_m - 42 * 30_000.0).drive(42)


def changed(item: str, change: str) -> AppointmentChanged:
    return msgspec.convert({"id": "", "t_ns": 0, "boot_id": "b1", "bookable": item, "change": change}, AppointmentChanged)
