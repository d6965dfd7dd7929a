"""MonthClosed, ReportReady, ReportKept; and the rule that notes what a month's report will tell and says when it is over.

A month closes as the drivers' summaries do: when it is over by a clock to be trusted and no trip is under way; once for ever.
The reports themselves are made of the kept trips by the shell (agent/reporting.py), which asks for `unmade` until they are
made: a power cut or a full disk in between delays a report, and makes none twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar
from zoneinfo import ZoneInfo

import msgspec

from agent import signals
from agent.events.battery import BatteryWeak
from agent.events.driver_summary import TripAttributed
from agent.events.fault import FaultCleared, FaultSet
from agent.events.message import PromptAnswered, PromptReleased, PromptWithdrawn
from agent.events.milestone import MilestoneReached
from agent.events.odometer import OdometerRebased
from agent.events.service_record import CarReminded, ServiceDone, ServiceDue, ServiceExpected, ServiceReopened
from agent.events.trip import TripEnded, TripStarted
from agent.localtime import month_end_ns, month_of, months_back
from agent.model import NS, Context, Event, Rule, Setup, Value, derive_id
from agent.report.facts import MONTHS_KEPT, Fact, Kind, MonthFacts, pruned
from agent.report.report import Report
from agent.stitch import is_trusted

LOOK_S = 3600  # between two notes that trouble codes were read: their day is told, no more
UNDATED = ""  # the month of what no trusted clock has dated: it goes with the next that closes


class MonthClosed(Event, frozen=True, kw_only=True, omit_defaults=True):
    """`month`, local, is over and all its trips have ended."""

    leaves: ClassVar[bool] = False
    urgent: ClassVar[bool] = True
    month: str


class ReportReady(Event, frozen=True, kw_only=True, omit_defaults=True):
    """One person's month and their car's; only with their consent. Made once: what becomes known later stands in the next
    one. When it may be shown is told by the PromptReleased whose part names this event's id as its `report`."""

    version: ClassVar[int] = 2
    importance: ClassVar[int] = 2  # as the prompt that brings it: it is there before
    urgent: ClassVar[bool] = True
    once: ClassVar[bool] = True
    month: str
    driver: str
    person: str  # the same in all units of the household
    household: str = ""
    body: Report


class ReportKept(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The same for somebody who did not consent to its leaving: `keyoff report` shows it on the unit."""

    leaves: ClassVar[bool] = False
    month: str
    driver: str
    body: Report


class Expected(msgspec.Struct, frozen=True, omit_defaults=True):
    """When an item is due, as it was forecast last; `interval` as in ServiceDue."""

    interval: str
    due_m: float | None = None
    due_day: str | None = None
    likely_day: str | None = None
    earliest_day: str | None = None
    latest_day: str | None = None
    is_due: bool = False


class ReportState(msgspec.Struct):
    month: str = ""  # the earliest that is not closed yet
    driving: bool = False
    unmade: tuple[str, ...] = ()  # closed, and not reported yet
    made_utc_ns: dict[str, int] = {}  # month → when its reports were made
    facts: dict[str, MonthFacts] = {}
    expected: dict[str, Expected] = {}
    beeps: int = 0  # how often the car's own reminder began, as far as that was noticed,
    told_before: int = 0  # and how often something had been said by then
    codes_utc_ns: int | None = None  # when trouble codes were read last; 0: by no clock to be trusted; None: never


class ReportRule(Rule):
    """See the module. What it notes is small and outlives the events themselves, which retention may take."""

    name: ClassVar[str] = "report"
    signals: ClassVar[tuple[str, ...]] = (signals.DTCS_STORED, signals.IS_MIL_ON)
    hears: ClassVar[tuple[type[Event], ...]] = (
        TripStarted,
        TripEnded,
        TripAttributed,
        MilestoneReached,
        OdometerRebased,
        FaultSet,
        FaultCleared,
        BatteryWeak,
        ServiceDue,
        ServiceDone,
        ServiceReopened,
        ServiceExpected,
        CarReminded,
        PromptReleased,
        PromptWithdrawn,
        PromptAnswered,
    )
    raises: ClassVar[tuple[type[Event], ...]] = (MonthClosed,)
    state: ReportState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.zone = ZoneInfo(setup.owner.timezone)
        self.state = ReportState()
        self._end = ("", 0)  # of a month: asked for often
        self._looked_ns: int | None = None

    def sample(self, ctx: Context, signal: str, value: Value) -> tuple[Event, ...]:
        is_news = self._looked_ns is None or ctx.t_ns - self._looked_ns >= LOOK_S * NS
        if value is not None and is_news:
            self._looked_ns = ctx.t_ns
            self.state.codes_utc_ns = ctx.wall.utc_ns(ctx.t_ns) if is_trusted(ctx.wall) else self.state.codes_utc_ns or 0
        return ()

    def event(self, ctx: Context, event: Event) -> Iterable[Event]:
        match event:
            case TripStarted():
                self.state.driving = True
            case TripEnded():
                self.state.driving = False
                self._begin(ctx, event.start_utc_ns)
            case ServiceExpected() | CarReminded():
                self._note_service(event)
            case PromptWithdrawn():
                self._became(event.prompt_id, "withdrawn")
            case PromptAnswered():
                self._became(event.prompt_id, event.answer)
            case _:
                self._note_all(ctx, event)
        return ()

    def next_wake(self, ctx: Context) -> int | None:
        s = self.state
        return self._end_ns(s.month) - ctx.wall.offset_ns if s.month and not s.driving and is_trusted(ctx.wall) else None

    def wake(self, ctx: Context) -> Iterator[Event]:
        s = self.state
        if not is_trusted(ctx.wall) or s.driving or not s.month:
            return
        while self._end_ns(s.month) <= ctx.wall.utc_ns(ctx.t_ns):
            month, s.month = s.month, months_back(s.month, -1)
            s.unmade = (*s.unmade, month)
            self._date(month)
            id = derive_id(ctx.unit, "MonthClosed", month)
            yield MonthClosed(id=id, t_ns=ctx.t_ns, boot_id=ctx.boot_id, month=month)

    def made(self, month: str, utc_ns: int) -> None:
        """The shell has made what there was to be made of `month`; written with the reports, in one transaction."""
        s = self.state
        s.unmade = tuple(each for each in s.unmade if each != month)
        kept = sorted((s.made_utc_ns | {month: utc_ns}).items())[-MONTHS_KEPT:]
        s.made_utc_ns = dict(kept)

    # -- inside --------------------------------------------------------------------------------

    def _end_ns(self, month: str) -> int:
        if self._end[0] != month:
            self._end = (month, month_end_ns(month, self.zone))
        return self._end[1]

    def _begin(self, ctx: Context, start_utc_ns: int | None) -> None:
        """The first trip with a date, by a clock to be trusted: from its month on they are counted."""
        if not self.state.month and start_utc_ns is not None and is_trusted(ctx.wall):
            self.state.month = month_of(start_utc_ns, self.zone)

    def _date(self, month: str) -> None:
        facts = dict(self.state.facts)
        undated = facts.pop(UNDATED, MonthFacts())
        for fact in undated.facts:
            facts[month] = facts.get(month, MonthFacts()).with_fact(fact)
        self.state.facts = pruned(facts, month)

    def _note_all(self, ctx: Context, event: Event) -> None:
        utc_ns = ctx.wall.utc_ns(ctx.t_ns) if is_trusted(ctx.wall) else None
        month = UNDATED if utc_ns is None else month_of(utc_ns, self.zone)
        for fact in facts_of(event, utc_ns):
            noted = self.state.facts.get(month, MonthFacts()).with_fact(fact)
            self.state.facts = self.state.facts | {month: noted}
        if isinstance(event, (ServiceDue, ServiceDone)):
            self._note_service(event)

    def _became(self, prompt_id: str, state: str) -> None:
        facts = self.state.facts
        months = [m for m, noted in facts.items() if any((f.kind, f.what) == ("prompt", prompt_id) for f in noted.facts)]
        self.state.facts = facts | {month: facts[month].with_state("prompt", prompt_id, state) for month in months}

    def _note_service(self, event: Event) -> None:
        s = self.state
        match event:
            case ServiceExpected(is_gone=True) | ServiceDone():
                s.expected = {item: each for item, each in s.expected.items() if item != event.item}
            case ServiceExpected():
                s.expected = s.expected | {event.item: expected(event)}
            case ServiceDue(stage="due"):  # overdue at the first reading, nothing was forecast
                known = s.expected.get(event.item) or Expected(event.interval, event.due_m, event.due_day)
                s.expected = s.expected | {event.item: msgspec.structs.replace(known, is_due=True)}
            case CarReminded():
                s.beeps, s.told_before = s.beeps + 1, s.told_before + bool(event.ahead_days)


def expected(event: ServiceExpected) -> Expected:
    f = event.forecast
    return Expected(
        interval=event.interval,
        due_m=event.due_m,
        due_day=event.due_day,
        likely_day=f.likely_day if f else event.due_day,
        earliest_day=f.earliest_day if f else None,
        latest_day=f.latest_day if f else None,
        is_due=event.is_due,
    )


def facts_of(event: Event, utc_ns: int | None) -> Iterator[Fact]:
    """The lines that an event is worth; a correction is one only when a person made it: all else was known at once."""

    def fact(kind: Kind, what: str, **more: object) -> Fact:
        return msgspec.convert({"kind": kind, "what": what, "utc_ns": utc_ns, **more}, Fact)

    match event:
        case MilestoneReached():
            yield fact("milestone", str(event.mark), state=event.counts, reading_m=event.reading_m, about=event.about)
        case OdometerRebased():
            yield fact("rebased", event.why, reading_m=event.to_m)
        case TripAttributed(how="household"):
            yield fact("attributed", event.trip_id, driver=event.driver, before=event.before)
        case FaultSet():
            yield fact("fault set", event.code, title=event.words, severity=event.severity)
        case FaultCleared():
            yield fact("fault cleared", event.code)
        case BatteryWeak():
            yield fact("battery weak", "12 V")
        case ServiceDue():
            yield fact("service due" if event.stage == "due" else "service soon", event.item)
        case ServiceDone():
            yield fact("service done", event.item)
        case ServiceReopened():
            yield fact("service reopened", event.item)
        case PromptReleased():
            for part in event.parts:
                if part.kind != "report":
                    yield fact("prompt", part.prompt_id, title=part.title, driver=event.driver)
