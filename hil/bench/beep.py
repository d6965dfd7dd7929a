"""Beat the beep: how many services are told at least two weeks before the car's own reminder starts.

Random owners (hil/bench/owners.py), three years each, through the real rules at event level. A car's reminder starts some
kilometres or days before the service is due, by one of hil/bench/needs.py's RULES; Keyoff was told which, sees it start, or
knows nothing of it. The owner waits for it in any case and has the service done within six weeks after, which is noticed, told
or read.

Told means shown: the message was released, nothing withdrew it, and its time had come. A reminder within SETTLING days of the
unit's first day is left out: nobody could have told it two weeks before.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from functools import cache
from statistics import median, quantiles
from typing import NamedTuple
from zoneinfo import ZoneInfo

from agent import signals
from agent.config import Owner as OwnerConfig
from agent.config import Service
from agent.engine import Engine
from agent.events import discover
from agent.events.message import PromptAnswered, PromptDelivered, PromptReleased, PromptWithdrawn
from agent.events.odometer import OdometerAdvanced
from agent.events.service_record import ServiceDone, ServiceDue, ServiceReported
from agent.events.trip import TripEnded, TripStarted
from agent.localtime import after_months
from agent.model import NS, Event, Rule, Sample, Setup, Wall
from agent.vehicle import Vehicle
from hil.bench.figures import Figure, Group, Place, at_least, progress
from hil.bench.needs import Need, need
from hil.bench.owners import START, Owner, Ride, owner

OWNERS = 200
DAYS = 3 * 365
AHEAD_DAYS = 14
EARLY_DAYS = 60  # before the reminder: a word that comes sooner is put aside
SETTLING = 21
HEARD_S = 60  # after a drive's start: its cluster is awake, and the bus not yet silent, which it is for the rest of the drive
ZONE = ZoneInfo("Europe/Berlin")
VEHICLE = Vehicle("a simulated car")
RULES_USED = ("household", "ignition", "trip", "habits", "service", "appointment", "prompt")


class Told(NamedTuple):
    """One reminder of a car, and what Keyoff had said before. Days count from START."""

    owner: int
    beep: int
    due: int | None  # when it would have been due, had nobody done it
    raised: float | None
    told: float | None
    words: int  # messages in this interval
    expected: tuple[str, str] | None  # earliest and latest day, when it was raised
    cause: str
    by: str = ""  # the limit that it was raised by

    @property
    def ahead(self) -> float | None:
        return None if self.told is None else self.beep - self.told


class Life:
    """One car with its unit, from day to day."""

    def __init__(self, number: int, car: Owner, need: Need, rng: random.Random) -> None:
        self.number, self.car, self.need, self.rng = number, car, need, rng
        self.reading_m = rng.uniform(20e6, 120e6)
        self.last_m = self.reading_m - need.used * (need.every_m or need.oil_m or 0.0)
        self.last = 0 - round(need.used * (need.every_months or 0) * 30.4)
        unit = f"u{number}"
        self.setup = Setup(unit, VEHICLE, OwnerConfig(timezone=str(ZONE)), (self._service(),))
        self.boots = 0
        self.engine = Engine(self.setup, "b0", {}, rules())
        self.shown: dict[str, tuple[PromptReleased, int, int]] = {}  # prompt → release, revision, when
        self.prompts: list[str] = []
        self.raised: tuple[float, ServiceDue] | None = None
        self.told: float | None = None
        self.words = 0
        self.beep: int | None = None
        self.done_on: int | None = None
        self.found: list[Told] = []

    def run(self) -> list[Told]:
        for n, rides in enumerate(self.car.rides):
            is_on = n not in self.car.off
            if is_on and n - 1 in self.car.off:
                self._plug_in()
            wall = None if n in self.car.unclocked or not is_on else Wall(at(0, 0), "synchronised")
            for ride in rides:
                self._ride(n, ride, wall if is_on else None, is_on)
            if is_on:
                self._to(n, 23 * 60 + 30, wall)
            self._end_day(n, is_on)
        assert not self.engine.failures, self.engine.failures
        return self.found

    # -- the car -------------------------------------------------------------------------------

    def _service(self) -> Service:
        need = self.need
        told = need.reminder if need.known == "told" else None
        counts = need.done == "noticed" and need.oil_m is None
        return Service(
            "service",
            None if need.every_m is None else need.every_m / 1000,
            None if need.every_m is None else self.last_m / 1000,
            need.every_months,
            None if need.every_months is None else day(self.last),
            oil_life_below_percent=None if need.oil_m is None else 5.0,
            from_car=counts or need.known == "seen",
            car_reminds_km_before=told.m / 1000 if told and need.every_m else None,
            car_reminds_days_before=float(told.days) if told and need.every_months else None,
        )

    def _left(self, n: int) -> tuple[float | None, float | None, float | None]:
        """(m, days, percent of oil life) left on day n."""
        need, driven_m = self.need, self.reading_m - self.last_m
        left_m = None if need.every_m is None else need.every_m - driven_m
        left_days = None if need.every_months is None else due_day(self.last, need.every_months) - n
        return left_m, left_days, None if need.oil_m is None else 100 * (1 - driven_m / need.oil_m)

    def _reminds(self, n: int) -> bool:
        left_m, left_days, percent = self._left(n)
        r = self.need.reminder
        return (
            (left_m is not None and left_m <= r.m)
            or (left_days is not None and left_days <= r.days)
            or (percent is not None and percent <= r.percent)
        )

    def _heard(self, t_ns: int, n: int) -> list[Sample]:
        left_m, left_days, percent = self._left(n)
        values: dict[str, float | bool] = {}
        if self.need.known == "seen":
            values[signals.IS_SERVICE_DUE] = self._reminds(n)
        if percent is not None:
            values[signals.OIL_LIFE] = max(0, round(percent))
        elif self.need.done == "noticed":
            if left_m is not None:
                values[signals.DISTANCE_TO_SERVICE] = left_m // 1000
            if left_days is not None:
                values[signals.TIME_TO_SERVICE] = left_days * 86_400
        return [(t_ns - 2 * n * NS, path, value) for n in reversed(range(5)) for path, value in values.items()]

    def _ride(self, n: int, ride: Ride, wall: Wall | None, is_on: bool) -> None:
        before_m, self.reading_m = self.reading_m, self.reading_m + ride.distance_m
        if not is_on:
            return
        start, end = at(n, ride.from_min), at(n, ride.to_min)
        trip_id = f"{self.number} {start}"
        self._to(n, ride.from_min, wall)
        self._heed(self.engine.feed([(start, signals.DISTANCE_TO_SERVICE, None)]))  # the bus lives: else the ignition is off
        self._raise([TripStarted(id="", t_ns=start, boot_id=self.engine.boot_id, trip_id=trip_id)])
        self._heed(self.engine.feed(self._heard(start + HEARD_S * NS, n)))
        self._to(n, ride.to_min, wall)
        ended = TripEnded(
            id="",
            t_ns=end,
            boot_id=self.engine.boot_id,
            trip_id=trip_id,
            kind="trip",
            ended_by="ignition-off",
            start_ns=start,
            start_boot_id=self.engine.boot_id,
            end_ns=end,
            clock="synchronised" if wall else "none",
            driver="unknown",
            vehicle=VEHICLE.name,
            metrics={"distance_m": ride.distance_m},
            start_utc_ns=wall.utc_ns(start) if wall else None,
            end_utc_ns=wall.utc_ns(end) if wall else None,
        )
        advanced = OdometerAdvanced(id="", t_ns=end, boot_id=self.engine.boot_id, reading_m=self.reading_m, previous_m=before_m)
        self._raise([advanced, ended])

    def _end_day(self, n: int, is_on: bool) -> None:
        """The car's reminder starts; some time after, the service is done."""
        if self.beep is None and self._reminds(n):
            self.beep, self.done_on = n, n + self.rng.randrange(3, 42)
            if n >= SETTLING:
                self.found.append(self._result(n))
        if self.done_on is not None and n >= self.done_on and is_on and n not in self.car.unclocked:
            self.last, self.last_m = n, self.reading_m
            self._say_done(n)
            self.beep = self.done_on = None

    def _say_done(self, n: int) -> None:
        t_ns = at(n, 23 * 60 + 40)
        if self.need.done == "noticed":
            return
        if self.need.done == "told" and self.prompts:
            self._raise(
                [PromptAnswered(id="", t_ns=t_ns, boot_id=self.engine.boot_id, prompt_id=self.prompts[-1], answer="done")]
            )
        else:
            self._raise(
                [ServiceReported(id="", t_ns=t_ns, boot_id=self.engine.boot_id, item="service", says="done", by="workshop")]
            )
        self.prompts = []

    def _plug_in(self) -> None:
        """Another boot, with what was written before."""
        self.boots += 1
        states = self.engine.states()
        self.engine = Engine(self.setup, f"b{self.boots}", {}, rules())
        self.engine.restore(states)

    # -- the unit and the far side -------------------------------------------------------------

    def _to(self, n: int, minute: int, wall: Wall | None) -> None:
        t_ns = at(n, minute)
        self._heed(self.engine.wake(t_ns, wall))
        for id, (_, revision, shown) in sorted(self.shown.items()):
            if shown <= t_ns:
                del self.shown[id]
                self.told = shown / (86_400 * NS) if self.told is None else self.told
                self.words += 1
                self.prompts.append(id)
                said = PromptDelivered(
                    id="", t_ns=t_ns, boot_id=self.engine.boot_id, prompt_id=id, revision=revision, shown_utc_ns=at(0, 0) + shown
                )
                self._raise([said])

    def _raise(self, events: list[Event]) -> None:
        self._heed(self.engine.raised(events))

    def _heed(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case ServiceDone():
                    self.raised = self.told = None
                    self.words = 0
                case ServiceDue() if self.raised is None:
                    self.raised = event.t_ns / (86_400 * NS), event
                case PromptReleased():
                    from_utc_ns = event.not_before_utc_ns or at(0, 0) + event.t_ns
                    for part in event.parts:
                        self.shown[part.prompt_id] = (event, part.revision, from_utc_ns - at(0, 0))
                case PromptWithdrawn():
                    self.shown.pop(event.prompt_id, None)

    # -- what came of it -------------------------------------------------------------------------

    def _result(self, n: int) -> Told:
        due = self._would_be_due()
        raised = None if self.raised is None else self.raised[0]
        first = self.raised[1] if self.raised else None
        by = first.by if first else ""
        expected = (first.earliest_day, first.latest_day) if first and first.earliest_day and first.latest_day else None
        return Told(self.number, n, due, raised, self.told, self.words, expected, self._cause(n, raised), by)

    def _would_be_due(self) -> int | None:
        need, reading_m, n = self.need, self.last_m, self.last
        by_time = None if need.every_months is None else due_day(self.last, need.every_months)
        every_m = need.every_m if need.oil_m is None else 0.95 * need.oil_m
        if every_m is None:
            return by_time
        at_m, reading_m = self.last_m + every_m, self.reading_m
        for n in range(self.beep or 0, len(self.car.rides)):
            if (by_time is not None and n >= by_time) or reading_m >= at_m:
                return n
            reading_m += sum(ride.distance_m for ride in self.car.rides[min(n + 1, len(self.car.rides) - 1)])
        return None

    def _cause(self, n: int, raised: float | None) -> str:
        """Why it was not told in time, if it was not: the first that applies."""
        if self.told is not None and n - self.told >= AHEAD_DAYS:
            return ""
        weeks = range(max(0, n - 45), n)
        if any(k in self.car.off for k in weeks):
            return "the unit was unplugged"
        if self.last > n - 60:
            return "soon after the last one, or after the unit came"
        if n < 60:
            return "the unit was new"
        if self.need.known != "told" and self.need.reminder.m > 1_500_000:
            return "the car reminds earlier than assumed"
        if raised is not None and n - raised >= AHEAD_DAYS:
            return "raised in time, told late"
        if any(k in self.car.journeys for k in weeks):
            return "a journey"
        if sum(k in self.car.unclocked for k in weeks) > len(weeks) / 3:
            return "no clock"
        return "more was driven than before"


@cache
def rules() -> list[type[Rule]]:
    """Those that decide what is told, and when."""
    return [rule for rule in discover() if rule.name in RULES_USED]


def at(n: int, minute: int) -> int:
    """Local minute of day n in t_ns; (0, 0) gives the offset of the wall clock."""
    start = datetime.combine(START, time(), ZONE).timestamp()
    if (n, minute) == (0, 0):
        return round(start) * NS
    moment = datetime.combine(START + timedelta(days=n), time(minute // 60, minute % 60), ZONE).timestamp()
    return round(moment - start) * NS


def day(n: int) -> str:
    return (START + timedelta(days=n)).isoformat()


def due_day(last: int, months: int) -> int:
    return (after_months(START + timedelta(days=last), months) - START).days


def lives(owners: int, seed: int = 0, days: int = DAYS) -> Iterator[list[Told]]:
    """Every reminder of so many random cars."""
    for number in progress("owners", range(owners)):
        rng = random.Random(f"owner {seed} {number}")
        yield Life(number, owner(rng, days), need(rng), rng).run()


def share(found: list[Told]) -> float:
    """Percent that were told AHEAD_DAYS before the reminder, or earlier."""
    return 100 * sum(t.ahead is not None and t.ahead >= AHEAD_DAYS for t in found) / len(found)


def measure(_: Place) -> list[Figure]:
    found = [told for life in lives(OWNERS) for told in life]
    return figures(found)


def figures(found: list[Told]) -> list[Figure]:
    causes = Counter(t.cause for t in found if t.cause)
    ahead = [t.ahead for t in found if t.ahead is not None]
    early = [t.due - t.told for t in found if t.due is not None and t.told is not None]
    too_early = 100 * sum(each > EARLY_DAYS for each in ahead) / len(found)
    ranged = [(t.by, low <= day(t.due) <= high) for t in found if t.expected and t.due is not None for low, high in [t.expected]]
    inside = Counter(by for by, is_inside in ranged if is_inside)
    each = "; ".join(f"by {by}: {100 * inside[by] / n:.0f} of {n}" for by, n in Counter(by for by, _ in ranged).items())
    why = "; ".join(f"{cause}: {n}" for cause, n in causes.most_common())
    return [
        Figure("services_told_before_the_beep_percent", share(found), "%", at_least(95), f"of {len(found)}; late: {why}"),
        Figure("service_told_before_the_beep_days", median(ahead), "days", None, "median"),
        Figure(
            "service_told_before_it_is_due_days",
            median(early),
            "days",
            None,
            f"median; one in ten {quantiles(early, n=10)[-1]:.0f} or more",
        ),
        Figure(
            "service_told_too_early_percent", too_early, "%", None, f"of all, more than {EARLY_DAYS} days before the reminder"
        ),
        Figure("service_words_per_interval", max(t.words for t in found), "", None, "the most before the reminder"),
        Figure(
            "service_due_within_forecast_percent",
            100 * inside.total() / len(ranged),
            "%",
            None,
            f"when it was first told; {each}",
        ),
    ]


GROUP = Group("beep", ("services_told_before_the_beep_percent",), measure)
