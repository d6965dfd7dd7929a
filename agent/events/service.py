"""Services: what the car needs again and again, told before its own reminder beeps. Records, and the rule that raises them.

Each item of keyoff.toml, from when it was last done (agent/service/ holds the sums and the days):

| stage | when | becomes | raises |
|---|---|---|---|
| | the car's reminder may start within LEAD_DAYS, at a fast pace | soon | ServiceDue, Concern |
| , soon | a limit is reached: reading, day, engine hours, oil life, the car's countdown | due | ServiceDue, Concern |
| soon, due | it is nowhere near: a clock was wrong, or the odometer; or keyoff.toml has another limit | | ConcernSettled |
| any | the car's counter jumps up, also unheard; somebody says so; a new last_… in keyoff.toml | (next interval) | ServiceDone |
| any | that was not so after all | (the interval before) | ServiceReopened, Concern again |
| soon, due | an appointment is cancelled or missed | as it was | ServiceReopened, Concern again |
| | the same | (not booked: a Concern when it is soon due) | |
| due | BELIEVED_DAYS without news of the appointment | due | Concern again |

Each stage is told once per interval. What is booked, or was called wrong, is no Concern any more when it comes due.
Days need a clock to be trusted; distance does not. It looks at them at each trip's end and once a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

import msgspec

from agent import signals
from agent.config import Service
from agent.events.appointment import AppointmentChanged
from agent.events.concern import Concern, ConcernSettled
from agent.events.ignition import IgnitionChanged
from agent.events.message import PromptAnswered
from agent.events.odometer import OdometerAdvanced, OdometerRebased
from agent.events.service_record import (
    CarReminded,
    ServiceDone,
    ServiceDue,
    ServiceExpected,
    ServiceReopened,
    ServiceReported,
    concern_of,
    expected_of,
    told_of,
)
from agent.events.trip import TripEnded
from agent.localtime import DAY_NS, at_ns, day_of
from agent.model import Context, Event, Rule, Setup, Value, derive_id
from agent.service import counters, interval
from agent.service.backdating import day_of_slot, done_at
from agent.service.counters import Change, Counters, Heard
from agent.service.forecast import Rate, forecast
from agent.service.interval import RANK, How, Interval, Now, Stage, Why
from agent.stitch import is_trusted

CARS_OWN = Service("service", from_car=True)  # what a car that counts down itself needs, though keyoff.toml names nothing
LOOK_AT = time(0, 5)  # of each day; what is raised by night waits for the person's moment
DUE_FIELDS = {*ServiceDue.__struct_fields__} - {"item"}


class ServiceState(msgspec.Struct):
    items: dict[str, Interval] = {}
    counters: Counters = Counters()
    reading_m: float | None = None  # at the last look
    about: bool = False
    look_utc_ns: int | None = None


class ServiceRule(Rule):
    """See the module's table. Items come from keyoff.toml; a car that counts down itself has one of its own."""

    name: ClassVar[str] = "service"
    state_version: ClassVar[int] = 2
    signals: ClassVar[tuple[str, ...]] = counters.HEARD
    hears: ClassVar[tuple[type[Event], ...]] = (
        IgnitionChanged,
        OdometerAdvanced,
        OdometerRebased,
        TripEnded,
        PromptAnswered,
        AppointmentChanged,
        ServiceReported,
    )
    raises: ClassVar[tuple[type[Event], ...]] = (
        ServiceDue,
        ServiceDone,
        ServiceReopened,
        CarReminded,
        ServiceExpected,
        Concern,
        ConcernSettled,
    )
    state: ServiceState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.zone = ZoneInfo(setup.owner.timezone)
        self.state = ServiceState(items={s.item: interval.first(s) for s in setup.services})
        self.heard = Heard()
        self.reading: tuple[float, bool] | None = None  # newer than the state's; written at the trip's end
        self.reminded_at_m: float | None = None  # where the car's reminder began in this drive
        self.is_told_anew = False  # keyoff.toml says something else than it did

    # -- in ------------------------------------------------------------------------------------

    def sample(self, ctx: Context, signal: str, value: Value) -> tuple[Event, ...]:
        is_taken = self.heard.take(ctx.t_ns, signal, value)
        if is_taken and signal == signals.IS_SERVICE_DUE and value is True and self.reminded_at_m is None:
            self.reminded_at_m = self._reading_m()
        return ()

    def event(self, ctx: Context, event: Event) -> Iterator[Event]:
        match event:
            case IgnitionChanged():
                self.heard.ignition(event.ignition, event.t_ns)
            case OdometerAdvanced():
                yield from self._advanced(ctx, event)
            case OdometerRebased():
                yield from self._rebase(ctx, event)
            case TripEnded():
                yield from self._trip(ctx, event)
            case PromptAnswered():
                yield from self._answered(ctx, event)
            case AppointmentChanged():
                yield from self._appointment(ctx, event)
            case ServiceReported():
                yield from self._reported(ctx, event)

    def next_wake(self, ctx: Context) -> int | None:
        if self.is_told_anew:
            return ctx.t_ns
        if not is_trusted(ctx.wall) or not self.state.items:
            return None
        look_utc_ns = self.state.look_utc_ns
        if look_utc_ns is None or look_utc_ns - ctx.wall.utc_ns(ctx.t_ns) > 2 * DAY_NS:  # the clock went back
            return ctx.t_ns
        return look_utc_ns - ctx.wall.offset_ns

    def wake(self, ctx: Context) -> Iterator[Event]:
        if self.is_told_anew:
            self.is_told_anew = False
            yield from self._told_anew(ctx)
        yield from self._look(ctx)

    def restore(self, body: bytes, ctx: Context) -> None:
        super().restore(body, ctx)
        items = {s.item: self.state.items.get(s.item) or interval.first(s) for s in self._services()}
        gone = set(self.state.items) - set(items)
        self.is_told_anew = bool(gone) or any(items[s.item].basis != interval.basis(s) for s in self._services())
        self.state.items = items | {item: self.state.items[item] for item in gone}

    # -- what happened -------------------------------------------------------------------------

    def _advanced(self, ctx: Context, event: OdometerAdvanced) -> Iterator[Event]:
        self.reading = event.reading_m, event.is_estimated
        waiting = ((s, i) for s in self._services() if (i := self.state.items[s.item]).stage != "due")
        marks = (interval.due_m(s, i, self.state.counters) for s, i in waiting)
        if self.state.reading_m is None or any(mark is not None and event.reading_m >= mark for mark in marks):
            yield from self._look(ctx)

    def _rebase(self, ctx: Context, event: OdometerRebased) -> Iterator[Event]:
        """Another cluster counts on from elsewhere; or the unit's own estimate was wrong: then what people named is right."""
        if event.from_m is None:
            return
        by_m, was_wrong = event.to_m - event.from_m, event.why == "entered" or self._is_about()
        self.state.items = {item: interval.shifted(each, by_m, own_alone=was_wrong) for item, each in self.state.items.items()}
        self.state.counters = counters.shifted(self.state.counters, by_m)
        self.reading = event.to_m, event.why == "entered"
        self.state.reading_m, self.state.about = self.reading
        if was_wrong and abs(by_m) >= interval.SAME_M:
            yield from self._look(ctx, is_anew=True)

    def _trip(self, ctx: Context, trip: TripEnded) -> Iterator[Event]:
        before = counters.driven(self.state.counters, trip.metrics)
        heard = self.heard.settled() if trip.boot_id == ctx.boot_id else {}  # else this drive has only begun
        now, changes = counters.read(before, heard, self._reading_m(), interval.text_of(self._today(ctx)))
        self.state.counters = now
        if now.is_counting() and CARS_OWN in self._services() and CARS_OWN.item not in self.state.items:
            self.state.items = self.state.items | {CARS_OWN.item: interval.first(CARS_OWN)}
        for change in changes:
            for service in self._services():
                yield from self._counted(ctx, service, change)
        self.reminded_at_m = None
        yield from self._look(ctx)

    def _counted(self, ctx: Context, service: Service, change: Change) -> Iterator[Event]:
        """What a change of the car's counters says of an item."""
        has_oil = service.oil_life_below_percent is not None
        match change:
            case "first heard" if begun := interval.begun(service, self.state.items[service.item], self._now(ctx)):
                yield from self._done(ctx, service, "noticed", *begun)
            case "began anew" if service.from_car:
                yield from self._done(ctx, service, "noticed")
            case "oil changed" if has_oil:
                yield from self._done(ctx, service, "noticed")
            case "fell back" if self.state.items[service.item].how == "noticed" and (service.from_car or has_oil):
                yield from self._reopen(ctx, service, "counter fell back")
            case "reminds" | "reminds since an unknown day" if service.from_car:
                yield from self._reminded(ctx, service, "signal", may_learn=change == "reminds")

    def _answered(self, ctx: Context, answer: PromptAnswered) -> Iterator[Event]:
        for service in self._services():
            each = self.state.items[service.item]
            if not any(answer.prompt_id in interval.prompts_of(ctx.unit, ctx.household, id) for id in each.concern_ids):
                continue
            match answer.answer:
                case "done":
                    yield from self._done(ctx, service, "told")
                case "booked":
                    self._book(ctx, service)
                case "wrong":
                    self._put(service, msgspec.structs.replace(each, is_wrong=True))

    def _appointment(self, ctx: Context, event: AppointmentChanged) -> Iterator[Event]:
        for service in self._named(event.bookable):
            match event.change:
                case "kept":
                    yield from self._done(ctx, service, "read", day=day_of_slot(event.slot, self.zone))
                case "moved":
                    self._book(ctx, service)
                case ("cancelled" | "missed") as why:
                    yield from self._reopen(ctx, service, why)

    def _reported(self, ctx: Context, said: ServiceReported) -> Iterator[Event]:
        how: How = "read" if said.by == "workshop" else "told"
        for service in self._named(said.item):
            match said.says:
                case "done":
                    yield from self._done(ctx, service, how, said.reading_m, said.day)
                case "not done":
                    yield from self._reopen(ctx, service, "not done")
                case "the car reminded":
                    yield from self._reminded(ctx, service, "told")

    def _told_anew(self, ctx: Context) -> Iterator[Event]:
        """keyoff.toml has changed: a new last_… is a service, an item that is no longer there is not spoken of."""
        services = {s.item: s for s in self._services()}
        for item, each in self.state.items.items():
            service = services.get(item)
            if service is None:
                yield from self._taken_back(ctx, item, each)
            elif each.basis != (told := interval.basis(service)):
                self._put(service, msgspec.structs.replace(each, basis=told))
                if not interval.is_older(each, told):
                    yield from self._done(ctx, service, "read", interval.first(service).last_m, service.last_day)
        self.state.items = {item: each for item, each in self.state.items.items() if item in services}

    # -- what becomes of it ----------------------------------------------------------------------

    def _look(self, ctx: Context, *, is_anew: bool = False) -> Iterator[Event]:
        """Tell what has come near, or is due; `is_anew`: what was told rests on a wrong reading."""
        if self.reading is not None:
            self.state.reading_m, self.state.about = self.reading
        now = self._now(ctx)
        for service in self._services():
            yield from self._look_at(ctx, service, now, is_anew)
        if now.today is not None and is_trusted(ctx.wall):
            self.state.look_utc_ns = at_ns(now.today + timedelta(days=1), LOOK_AT, self.zone)

    def _look_at(self, ctx: Context, service: Service, now: Now, is_anew: bool) -> Iterator[Event]:
        each, limits = interval.completed(self.state.items[service.item], now), interval.limits(service)
        is_anew = is_anew or (bool(each.limits) and each.limits != limits) or interval.is_ahead(each.told_day, now.today)
        each = each if each.limits == limits else msgspec.structs.replace(each, limits=limits)
        lefts = interval.lefts(service, each, now)
        stage = interval.stage(lefts)
        if RANK[stage] < RANK[each.stage] and is_anew:
            yield from self._taken_back(ctx, service.item, each)
            each = msgspec.structs.replace(each, stage=None, told_day=None, first_day=None, expected=None, anew=each.anew + 1)
        if is_stale := interval.is_stale(each, now.today):
            each = msgspec.structs.replace(each, is_booked=False, anew=each.anew + 1)
        expected = forecast(lefts, now.today) if now.today else each.expected
        if expected != each.expected:
            each = msgspec.structs.replace(each, expected=expected)
            yield expected_of(ctx, service, each, now.counters)
        self._put(service, each)
        if stage is not None and RANK[stage] > RANK[each.stage]:
            yield from self._raise(ctx, service, stage, now)
        elif is_stale and not each.is_wrong:
            yield self._concern(ctx, service, now, [each.due_id])

    def _raise(self, ctx: Context, service: Service, stage: Stage, now: Now) -> Iterator[Event]:
        before = self.state.items[service.item]
        today = interval.text_of(now.today)
        told = told_of(ctx, "ServiceDue", service.item, before, stage)
        each = msgspec.structs.replace(
            before, stage=stage, told_day=today, first_day=before.first_day or today, due_id=told["id"]
        )
        self._put(service, each)
        known = interval.values(service, each, now)
        yield ServiceDue(**told, stage=stage, **{name: known[name] for name in known if name in DUE_FIELDS})
        if not (each.is_booked or each.is_wrong):
            yield self._concern(ctx, service, now, [each.due_id])

    def _done(
        self, ctx: Context, service: Service, how: How, reading_m: float | None = None, day: str | None = None
    ) -> Iterator[Event]:
        """The item was done: now, or at that reading and on that day."""
        each, now = self.state.items[service.item], self._now(ctx)
        done = done_at(reading_m, day, now.reading_m, now.today, ctx.habits)
        if how == "noticed" and (reading_m, day) != (None, None):  # reckoned by what the counter has left: nobody named it
            done, reading_m, day = done._replace(is_own=True, about=True), None, None
        key = interval.key_of(service, done.reading_m, interval.text_of(done.day), f"{ctx.boot_id} {ctx.t_ns}")
        following = interval.following(each, key, done, now.counters, how, interval.basis(service))
        if interval.is_same_service(each, following):
            if how != "noticed":  # who was there knows better than the counter
                self._put(service, interval.corrected(each, following))
            return
        self._put(service, following)
        told_m, told_day = (reading_m, day) if done.about else (following.last_m, following.last_day)
        yield ServiceDone(**told_of(ctx, "ServiceDone", service.item, each), how=how, reading_m=told_m, day=told_day)
        yield self._settled(ctx, service.item, each, "done")

    def _reopen(self, ctx: Context, service: Service, why: Why) -> Iterator[Event]:
        """It has to be done still. What was taken for a service makes room for the interval before it; but an interval that
        was told has run its course, and who says "not done" then means that."""
        each, now = self.state.items[service.item], self._now(ctx)
        before = each.before if why == "counter fell back" or (why == "not done" and each.stage is None) else None
        if before is None and each.stage is None:  # nothing was done, nothing was said; when it comes due, that is
            self._put(service, msgspec.structs.replace(each, is_booked=False))
            return
        if before is not None:
            if each.stage is not None:
                yield self._settled(ctx, service.item, each, "no longer true")
            each = msgspec.structs.replace(before, basis=each.basis)
        each = msgspec.structs.replace(each, is_booked=False, is_wrong=False, anew=each.anew + 1)
        self._put(service, each)
        reopened = ServiceReopened(**told_of(ctx, "ServiceReopened", service.item, each), why=why)
        yield reopened
        if before is not None:
            yield expected_of(ctx, service, each, now.counters)
        if each.stage is not None:
            yield self._concern(ctx, service, now, [each.due_id, reopened.id])

    def _book(self, ctx: Context, service: Service) -> None:
        each, today = self.state.items[service.item], interval.text_of(self._today(ctx))
        self._put(service, msgspec.structs.replace(each, is_booked=True, booked_day=today))

    def _reminded(
        self, ctx: Context, service: Service, how: Literal["signal", "told"], *, may_learn: bool = True
    ) -> Iterator[Event]:
        each, now = self.state.items[service.item], self._now(ctx)
        if each.reminded:
            return
        at_m = self.reminded_at_m if how == "signal" else None
        since_m = 0.0 if at_m is None or now.reading_m is None else now.reading_m - at_m
        lefts = interval.lefts(service, each, now) if may_learn else []
        self._put(service, interval.with_reminder(each, lefts, since_m))
        ahead = (now.today - date.fromisoformat(each.first_day)).days if now.today and each.first_day else None
        told = told_of(ctx, "CarReminded", service.item, each)
        yield CarReminded(**told, how=how, day=interval.text_of(now.today), ahead_days=ahead)

    # -- inside ----------------------------------------------------------------------------------

    def _services(self) -> tuple[Service, ...]:
        """Those of keyoff.toml, and the car's own where none of them is."""
        told = self.setup.services
        is_own = self.state.counters.is_counting() and not any(s.from_car or s.item == CARS_OWN.item for s in told)
        return (*told, CARS_OWN) if is_own else told

    def _named(self, item: str) -> tuple[Service, ...]:
        return tuple(s for s in self._services() if s.item == item)

    def _put(self, service: Service, each: Interval) -> None:
        if self.state.items.get(service.item) != each:
            self.state.items = self.state.items | {service.item: each}

    def _reading_m(self) -> float | None:
        return self.reading[0] if self.reading else self.state.reading_m

    def _is_about(self) -> bool:
        return self.reading[1] if self.reading else self.state.about

    def _today(self, ctx: Context) -> date | None:
        return date.fromisoformat(day_of(ctx.wall.utc_ns(ctx.t_ns), self.zone)) if is_trusted(ctx.wall) else None

    def _now(self, ctx: Context) -> Now:
        pace = ctx.habits.pace()
        rate = Rate(pace.low_m, pace.likely_m, pace.high_m, pace.before_m) if pace else None
        return Now(self._today(ctx), self._reading_m(), self._is_about(), rate, self.state.counters, ctx.habits.first_m())

    def _concern(self, ctx: Context, service: Service, now: Now, rests_on: list[str]) -> Concern:
        each = self.state.items[service.item]
        concern = concern_of(ctx, service.item, each, interval.values(service, each, now), rests_on)
        self._put(service, msgspec.structs.replace(each, concern_ids=(*each.concern_ids, concern.id)))
        return concern

    def _taken_back(self, ctx: Context, item: str, each: Interval) -> Iterator[Event]:
        yield ServiceExpected(**told_of(ctx, "ServiceExpected", item, each, ctx.boot_id, ctx.t_ns, "gone"), is_gone=True)
        yield self._settled(ctx, item, each, "no longer true")

    def _settled(self, ctx: Context, item: str, each: Interval, why: Literal["done", "no longer true"]) -> ConcernSettled:
        id = derive_id(ctx.unit, "ConcernSettled", item, each.key, each.anew, why)
        return ConcernSettled(id=id, t_ns=ctx.t_ns, boot_id=ctx.boot_id, subject=interval.subject(item, each), why=why)
