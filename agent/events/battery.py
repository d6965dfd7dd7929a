"""BatteryWeak: the 12 V battery rests too low, or will within two weeks if it goes on like this.

What counts is the voltage at rest: the first one heard after REST_S without any, before the ignition is on.

| the first voltage after the silence | is |
|---|---|
| while the ignition is on, or it comes on within SETTLE_S | no reading: under load |
| below DEAD_V | not heard: a computer that wakes says 0 before it has measured |
| CHARGING_V or more, or below CRANKING_V where the car does not tell its ignition | no reading: it is charged, or cranks |
| in another boot than the last one heard | held until trusted clocks say how long it rested |
| else | a reading; where the car does not tell its ignition, with LOAD_V added: what rests on it is `about` |

| state | when | becomes | raises |
|---|---|---|---|
| well | the median of the last LAST readings is below WEAK_V | weak | BatteryWeak by median, Concern |
| well | the trend's upper bound (CONFIDENCE_PERCENT) is below WEAK_V in AHEAD_DAYS | weak | BatteryWeak by trend, Concern |
| weak | the median of the last RECOVERED readings is WELL_V or more | well | ConcernSettled; what was read before is forgotten |

Doubts. 12.2 V is a lead-acid battery at rest with about half its charge; an AGM one rests 0.1 to 0.2 V higher and is told late,
a lithium one (13 V) never. Four hours after a drive some surface charge is left (up to 0.1 V too high), and the computers that
wake with the bus draw some amperes (up to 0.1 V too low): the same each day, so the trend does not mind. Cold itself takes
little (some 2 mV per degree) but charges badly: a fall in autumn may be the season, and it is no less weak for that.
A voltage sees neither a lost capacity nor a bad contact: no word from here does not say that the battery is well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import fsum, sqrt
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

import msgspec

from agent import signals
from agent.events.concern import Concern, ConcernSettled
from agent.events.ignition import IgnitionChanged
from agent.localtime import DAY_NS, day_of
from agent.model import NS, Context, Event, Rule, Setup, Value, derive_id
from agent.stitch import is_trusted

REST_S = 4 * 3600  # most of the surface charge of a drive is gone by then
SETTLE_S = 2  # a bus that wakes has sent its ignition by then (ten periods of 100 ms, and one of the voltage)
CHARGING_V = 13.2  # no lead-acid battery rests as high: an alternator, converter or charger is on
CRANKING_V = 10.5  # a starter pulls it below; at rest it would be dead (six cells at 1.75 V)
DEAD_V = 6.0  # below it the computers that tell it do not run (ISO 16750-2: 6 V is the least they keep working at)
LOAD_V = 0.3  # what ignition-on draws (10–20 A: lamps, pump, computers) takes off
WEAK_V = 12.2  # about 50 % charge (12.65 V is full, 11.9 V empty): below it lead-acid sulphates, and a cold start gets doubtful
WELL_V = 12.45  # about 75 %: well above WEAK_V, so that it does not flap
LAST = 7  # readings: one cold night or an evening of radio does not move their median
RECOVERED = 3  # readings: a new or recharged battery shows at once
KEPT = 60  # readings: two months of a daily drive
TREND_LEAST = 14  # readings, and
TREND_DAYS = 21.0  # days between first and last: a shorter row is weather
AHEAD_DAYS = 14.0  # early enough to do something about it; a straight line is no guess for longer
CONFIDENCE_PERCENT = 95
STUDENT_T = 1.782  # one-sided 95 % for TREND_LEAST − 2 degrees of freedom; a longer row is judged a little too strictly


class BatteryWeak(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The 12 V battery rests at `volts` (median of the last readings): below the limit, or by `trend` soon to be.

    `about`: the car does not tell its ignition, so the load of ignition-on is taken off by estimate.
    """

    importance: ClassVar[int] = 3
    urgent: ClassVar[bool] = True
    volts: float
    limit_volts: float
    by: Literal["median", "trend"]
    readings: int  # how many it rests on
    since_utc_ns: int | None = None  # by median: since when all readings were below; by trend: the first reading
    within_days: float | None = None  # by trend: in the middle of what is likely
    confidence_percent: int | None = None  # by trend: how sure it is that the limit is reached within two weeks
    about: bool = False


class Reading(msgspec.Struct, frozen=True):
    """A voltage at rest. `utc_ns` None: nobody knew the date."""

    volts: float
    utc_ns: int | None
    about: bool = False


class Candidate(msgspec.Struct, frozen=True):
    """The first voltage after a silence, until it is known how long that was and that nothing was on."""

    volts: float
    t_ns: int
    is_rested: bool | None
    is_quiet: bool = False


class BatteryState(msgspec.Struct):
    readings: tuple[Reading, ...] = ()
    candidate: Candidate | None = None
    ignition: Literal["on", "off", "unknown"] = "unknown"
    boot_id: str = ""
    heard_ns: int | None = None  # the last voltage or ignition-on in `boot_id`, and
    heard_utc_ns: int | None = None  # by a trusted clock
    before_utc_ns: int | None = None  # the same when this boot began
    is_weak: bool = False


class Battery(Rule):
    """See the module's tables."""

    name: ClassVar[str] = "battery"
    signals: ClassVar[tuple[str, ...]] = (signals.VOLTAGE,)
    hears: ClassVar[tuple[type[Event], ...]] = (IgnitionChanged,)
    raises: ClassVar[tuple[type[Event], ...]] = (BatteryWeak, Concern, ConcernSettled)
    state: BatteryState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.by_signal = setup.vehicle.ignition.source == "signal"
        self.zone = ZoneInfo(setup.owner.timezone)
        self.state = BatteryState()

    def event(self, ctx: Context, event: Event) -> Iterator[Event]:
        assert isinstance(event, IgnitionChanged)
        self._enter(ctx)
        before, self.state.ignition = self.state.ignition, event.ignition
        yield from self._decide(ctx)
        if "on" in (before, event.ignition):  # "off" alone is what a waking bus says
            self._note(ctx)

    def sample(self, ctx: Context, signal: str, value: Value) -> Iterator[Event]:
        self._enter(ctx)
        s = self.state
        if not isinstance(value, (int, float)) or value < DEAD_V:
            return
        if s.heard_ns is None or ctx.t_ns - s.heard_ns >= REST_S * NS:
            s.candidate = Candidate(float(value), ctx.t_ns, None if s.heard_ns is None else True)
        yield from self._decide(ctx)
        self._note(ctx)

    def _enter(self, ctx: Context) -> None:
        """Another boot: its clock starts anew, and what was held is given up."""
        s = self.state
        if s.boot_id != ctx.boot_id:
            s.before_utc_ns = s.heard_utc_ns
            s.boot_id, s.heard_ns, s.candidate, s.ignition = ctx.boot_id, None, None, "unknown"

    def _note(self, ctx: Context) -> None:
        s = self.state
        s.heard_ns = ctx.t_ns
        s.heard_utc_ns = ctx.wall.utc_ns(ctx.t_ns) if is_trusted(ctx.wall) else None

    def _decide(self, ctx: Context) -> Iterator[Event]:
        """Make the candidate a reading, drop it, or wait until more is known."""
        s, c = self.state, self.state.candidate
        if c is None:
            return
        if not c.is_quiet:
            if s.ignition == "on" or not self._is_at_rest(c.volts):
                s.candidate = None
                return
            if ctx.t_ns - c.t_ns < SETTLE_S * NS or (self.by_signal and s.ignition == "unknown"):
                return
            s.candidate = c = msgspec.structs.replace(c, is_quiet=True)
        utc_ns = ctx.wall.utc_ns(c.t_ns) if is_trusted(ctx.wall) else None
        is_rested = c.is_rested
        if is_rested is None and s.before_utc_ns is not None and utc_ns is not None:
            is_rested = utc_ns - s.before_utc_ns >= REST_S * NS
        if is_rested is not None:
            s.candidate = None
        if is_rested:
            volts = c.volts if self.by_signal else c.volts + LOAD_V
            s.readings = (*s.readings, Reading(round(volts, 3), utc_ns, not self.by_signal))[-KEPT:]
            yield from self._judge(ctx)

    def _is_at_rest(self, volts: float) -> bool:
        return volts < CHARGING_V and (self.by_signal or volts >= CRANKING_V)

    def _judge(self, ctx: Context) -> Iterator[Event]:
        s = self.state
        if s.is_weak:
            if len(s.readings) >= RECOVERED and median_v(r.volts for r in s.readings[-RECOVERED:]) >= WELL_V:
                s.is_weak, s.readings = False, s.readings[-RECOVERED:]
                id = derive_id(ctx.unit, "ConcernSettled", "battery", ctx.boot_id, ctx.t_ns)
                yield ConcernSettled(id=id, t_ns=ctx.t_ns, boot_id=ctx.boot_id, subject="battery", why="no longer true")
            return
        weak = self._by_median(ctx) or self._by_trend(ctx)
        if weak is not None:
            s.is_weak = True
            yield weak
            yield self._concern(weak)

    def _by_median(self, ctx: Context) -> BatteryWeak | None:
        readings = self.state.readings
        if len(readings) < LAST or median_v(r.volts for r in readings[-LAST:]) >= WEAK_V:
            return None
        below = [r for i, r in enumerate(readings) if all(later.volts < WEAK_V for later in readings[i:])]
        since = below[0] if below else readings[-LAST]
        return self._weak(ctx, "median", LAST, since.utc_ns)

    def _by_trend(self, ctx: Context) -> BatteryWeak | None:
        dated = [(r.utc_ns / DAY_NS, r.volts) for r in self.state.readings if r.utc_ns is not None]
        if len(dated) < TREND_LEAST or dated[-1][0] - dated[0][0] < TREND_DAYS:
            return None
        within_days = reaches(dated, WEAK_V, AHEAD_DAYS)
        if within_days is None:
            return None
        return self._weak(ctx, "trend", len(dated), round(dated[0][0] * DAY_NS), within_days)

    def _weak(
        self,
        ctx: Context,
        by: Literal["median", "trend"],
        readings: int,
        since_utc_ns: int | None,
        within_days: float | None = None,
    ) -> BatteryWeak:
        last = self.state.readings[-LAST:]
        return BatteryWeak(
            id=derive_id(ctx.unit, "BatteryWeak", ctx.boot_id, ctx.t_ns),
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            volts=round(median_v(r.volts for r in last), 2),
            limit_volts=WEAK_V,
            by=by,
            readings=readings,
            since_utc_ns=since_utc_ns,
            within_days=within_days,
            confidence_percent=CONFIDENCE_PERCENT if by == "trend" else None,
            about=any(r.about for r in last),
        )

    def _concern(self, weak: BatteryWeak) -> Concern:
        since = None if weak.since_utc_ns is None else day_of(weak.since_utc_ns, self.zone)
        return Concern(
            id=derive_id(self.setup.unit, "Concern", weak.id),
            t_ns=weak.t_ns,
            boot_id=weak.boot_id,
            subject="battery",
            kind="battery",
            says="battery",
            values={
                "volts": weak.volts,
                "since": since,
                "by": weak.by,
                "limit_volts": weak.limit_volts,
                "within_days": weak.within_days,
                "about": weak.about,
            },
            rests_on=[weak.id],
            utc_ns=weak.since_utc_ns,
        )


def median_v(volts: Iterable[float]) -> float:
    """The middle one, or the mean of the two in the middle; there is at least one. (`statistics` takes 0.3 MB to load.)"""
    ordered = sorted(volts)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def reaches(points: Sequence[tuple[float, float]], limit: float, ahead: float) -> float | None:
    """(day, volts) → in how many days after the last point the straight line is at `limit`, 0 when it is there already.

    None unless the one-sided upper bound of the line at `ahead` days lies below the limit. Ordinary least squares.
    """
    n, x_mean, y_mean = len(points), fsum(x for x, _ in points) / len(points), fsum(y for _, y in points) / len(points)
    spread = sum((x - x_mean) ** 2 for x, _ in points)
    slope = sum((x - x_mean) * (y - y_mean) for x, y in points) / spread
    if slope >= 0:
        return None
    left = sum((y - y_mean - slope * (x - x_mean)) ** 2 for x, y in points)
    last = points[-1][0]
    at = last + ahead - x_mean
    error = sqrt(left / (n - 2)) * sqrt(1 / n + at * at / spread)
    if y_mean + slope * at + STUDENT_T * error >= limit:
        return None
    return max(0.0, round(x_mean + (limit - y_mean) / slope - last, 1))
