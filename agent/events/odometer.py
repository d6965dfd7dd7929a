"""The odometer: what the car counts, or an entered reading plus what was driven since.

A reading is bounded in its rate, never in its value: a right value must not be refused by a fixed maximum.

| a reading that … | is |
|---|---|
| comes first | taken; no distance, no milestone |
| stays | heard again |
| goes on by what was seen driven since, or by one count | taken |
| goes on further, no faster than MAX_MS since it was last heard | aside; AGREEING_READINGS of it are taken: nobody saw that way |
| goes on further by less than UNSEEN_MAX_M, the length of the pause unknown | aside; the same once it has lasted |
| goes back, or on too fast | aside; once it has lasted: OdometerRebased (cluster swap, wrap); no distance, no milestone |
| does not fit an entered reading and what was driven since | aside; once it has lasted: OdometerRebased |

Aside means that the reading before stays until then; lasting is LASTING_S and LASTING_READINGS without another value.

Distance that the odometer counted and the grid did not see, beyond its resolution and the speed's error, is
`DistanceUnaccounted`: its own row, never part of a trip. It is looked for where speed was missing in between.
With `keyoff odometer set` on a car whose bus has no odometer, the reading is that entry plus integrated distance,
an estimate with its error; a car's own odometer, once heard, takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import msgspec

from agent import signals
from agent.model import NS, Context, Event, Rule, Setup, Step, Value, derive_id
from agent.stitch import is_trusted

MAX_MS = 75.0  # 270 km/h
LAG_S = 6  # the grid closes a second up to HOLD_NS after it, so what was driven is known that late
AGREEING_READINGS = 3  # a wrong frame, even sent twice, is over by then
LASTING_S = 30  # a cluster that wakes with zero has its reading by then
STALE_S = 300  # readings from before such a pause bear nothing out any more
LASTING_READINGS = 10
UNSEEN_MAX_M = 20_000_000.0  # two years of a heavy commuter without the unit; more is another cluster
INTEGRATION_ERROR = 0.02  # by which wheel speed and PID 0D were seen off (RAV4: 2.1 %)
ENTRY_ERROR_M = 500.0  # a person reads whole kilometres
ENTRIES_KEPT = 8  # more than anybody makes before the disk has caught up with the files that are gone
SPEED_ALLOWANCE = 0.05  # of the integrated distance: twice INTEGRATION_ERROR, and tyres
UNACCOUNTED_FLOOR_M = 200.0  # a short move's length


class OdometerAdvanced(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The reading went on. Stays on the unit: milestones and service items hear it."""

    leaves: ClassVar[bool] = False
    reading_m: float
    previous_m: float | None = None  # None: the first reading, or the first after a rebase
    error_m: float = 0.0  # 0: as the car counts
    is_estimated: bool = False
    unseen: bool = False  # nobody looked when it went on from `previous_m`


class OdometerRebased(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The reading changed for good other than by driving."""

    importance: ClassVar[int] = 4
    urgent: ClassVar[bool] = True
    from_m: float | None
    to_m: float
    why: Literal["lasting change", "entered"]


class DistanceUnaccounted(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Kilometres that the car counted and the unit did not see."""

    importance: ClassVar[int] = 4
    urgent: ClassVar[bool] = True
    unaccounted_m: float
    from_m: float
    to_m: float


class OdometerState(msgspec.Struct):
    """All times are in the clock of `boot_id`."""

    boot_id: str = ""
    source: Literal["none", "entered", "vehicle"] = "none"
    reading_m: float = 0.0
    error_m: float = 0.0
    at_ns: int | None = None  # when it was last heard; None: in an earlier boot,
    at_utc_ns: int | None = None  # and by a wall clock that is trusted
    driven_m: float = 0.0  # integrated since it came to be
    seen_ns: int = 0  # until when speed was seen,
    gap_ns: int = 0  # and when it was last seen again after a gap
    aside_m: float = 0.0  # a reading that does not fit, and how long it has lasted
    aside_since_ns: int = 0
    aside_at_ns: int = 0
    aside_count: int = 0
    aside_fits: bool | None = False  # the car may have come that far; None: the length of the pause is unknown
    entered: tuple[str, ...] = ()  # by what a person's last entries are named: each works once


class Odometer(Rule):
    """See the module's table."""

    name: ClassVar[str] = "odometer"
    signals: ClassVar[tuple[str, ...]] = (signals.ODOMETER,)
    raises: ClassVar[tuple[type[Event], ...]] = (OdometerAdvanced, OdometerRebased, DistanceUnaccounted)
    state: OdometerState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.resolution_m = setup.vehicle.odometer.resolution_m
        self.state = OdometerState()

    def sample(self, ctx: Context, signal: str, value: Value) -> Iterator[Event]:
        if not isinstance(value, (int, float)):
            return
        s = self.state
        value = float(value)
        if s.source == "none":
            self._take(ctx, value, "vehicle")
            yield self._advanced(ctx, None)
        elif s.source == "vehicle" and value == s.reading_m:
            self._hear(ctx)
        elif s.source == "entered" and abs(value - s.reading_m) <= 3 * s.error_m + self.resolution_m:
            estimated = s.reading_m
            self._take(ctx, value, "vehicle")
            yield self._advanced(ctx, min(estimated, value))
        elif s.source == "vehicle" and 0 <= value - s.reading_m <= self._expected_m(ctx):
            yield from self._advance(ctx, value)
        else:
            yield from self._set_aside(ctx, value)

    def step(self, ctx: Context, step: Step) -> Iterator[Event]:
        s = self.state
        s.boot_id, s.seen_ns = ctx.boot_id, step.t_ns
        if not step.follows:
            s.gap_ns = step.t_ns - round(step.dt_s * NS)
        if s.source == "none":
            return
        s.driven_m += step.distance_m
        if s.source == "entered" and step.distance_m > 0:
            previous, s.reading_m = s.reading_m, s.reading_m + step.distance_m
            s.error_m += step.distance_m * INTEGRATION_ERROR
            yield self._advanced(ctx, previous)

    def entered(self, ctx: Context, reading_m: float, ref: str) -> list[Event]:
        """A person read the odometer: `keyoff odometer set`. `ref` names the entry: when it comes again (a power cut before its
        file was gone), the car may have driven on since."""
        s = self.state
        if ref in s.entered:
            return []
        before = s.reading_m if s.source != "none" else None
        self._take(ctx, reading_m, "entered")
        s.error_m, s.entered = ENTRY_ERROR_M, (*s.entered, ref)[-ENTRIES_KEPT:]
        return [self._rebased(ctx, before, reading_m, "entered", ref), self._advanced(ctx, None)]

    def restore(self, body: bytes, ctx: Context) -> None:
        super().restore(body, ctx)
        s = self.state
        if s.boot_id != ctx.boot_id:
            s.boot_id, s.at_ns, s.seen_ns, s.gap_ns, s.aside_count = ctx.boot_id, None, 0, 0, 0

    # -- inside --------------------------------------------------------------------------------

    def _pause_s(self, ctx: Context) -> float | None:
        """For how long the odometer was not heard; None when that is unknown."""
        s = self.state
        if s.at_ns is not None:
            return (ctx.t_ns - s.at_ns) / NS
        if s.at_utc_ns is not None and is_trusted(ctx.wall):
            return max(0.0, (ctx.wall.utc_ns(ctx.t_ns) - s.at_utc_ns) / NS)
        return None

    def _expected_m(self, ctx: Context) -> float:
        """How far the reading may have gone on by what is known of the drive since."""
        seen_m = (1 + SPEED_ALLOWANCE) * self.state.driven_m
        pause_s = self._pause_s(ctx)
        if pause_s is not None:
            seen_m = min(seen_m + LAG_S * MAX_MS, pause_s * MAX_MS)
        return self.resolution_m + seen_m

    def _is_missed(self, ctx: Context) -> bool:
        """Whether speed was missing at some time since the odometer was heard."""
        s = self.state
        return s.at_ns is None or s.gap_ns > s.at_ns or ctx.t_ns - s.seen_ns > LAG_S * NS

    def _is_unseen(self, ctx: Context) -> bool:
        """Whether nobody looked when the reading changed: neither at the odometer nor at the drive."""
        at_ns = self.state.at_ns
        return at_ns is None or (ctx.t_ns - at_ns > LAG_S * NS and self._is_missed(ctx))

    def _hear(self, ctx: Context) -> None:
        s = self.state
        s.boot_id, s.at_ns, s.aside_count = ctx.boot_id, ctx.t_ns, 0
        s.at_utc_ns = ctx.wall.utc_ns(ctx.t_ns) if is_trusted(ctx.wall) else None

    def _take(self, ctx: Context, reading_m: float, source: Literal["entered", "vehicle"]) -> None:
        self._hear(ctx)
        s = self.state
        s.source, s.reading_m, s.error_m, s.driven_m = source, reading_m, 0.0, 0.0

    def _advance(self, ctx: Context, value: float) -> Iterator[Event]:
        s = self.state
        previous, driven, unseen = s.reading_m, s.driven_m, self._is_unseen(ctx)
        missing = value - previous - driven
        is_beyond = missing > self.resolution_m + UNACCOUNTED_FLOOR_M + SPEED_ALLOWANCE * driven
        is_unaccounted = is_beyond and self._is_missed(ctx)
        self._take(ctx, value, "vehicle")
        yield self._advanced(ctx, previous, unseen)
        if is_unaccounted:
            yield DistanceUnaccounted(
                id=derive_id(ctx.unit, "DistanceUnaccounted", previous, value),
                t_ns=ctx.t_ns,
                boot_id=ctx.boot_id,
                unaccounted_m=missing,
                from_m=previous,
                to_m=value,
            )

    def _set_aside(self, ctx: Context, value: float) -> Iterator[Event]:
        s = self.state
        farthest_m = self.resolution_m + (ctx.t_ns - s.aside_at_ns) / NS * MAX_MS
        is_stale, fits = ctx.t_ns - s.aside_at_ns > STALE_S * NS, self._fits(ctx, value)
        goes_on = 0 <= value - s.aside_m <= farthest_m and (fits is False or s.aside_fits is not False)
        if s.aside_count == 0 or is_stale or not goes_on:  # one that fits bears nothing out of those that did not
            s.aside_count, s.aside_since_ns, s.aside_fits = 0, ctx.t_ns, fits
        s.aside_m, s.aside_at_ns, s.aside_count = value, ctx.t_ns, s.aside_count + 1
        has_lasted = s.aside_count >= LASTING_READINGS and ctx.t_ns - s.aside_since_ns >= LASTING_S * NS
        if (s.aside_fits and s.aside_count >= AGREEING_READINGS) or (s.aside_fits is None and has_lasted):
            yield from self._advance(ctx, value)
        elif has_lasted:
            before = s.reading_m
            self._take(ctx, value, "vehicle")
            yield self._rebased(ctx, before, value, "lasting change", ctx.boot_id, ctx.t_ns)
            yield self._advanced(ctx, None)

    def _fits(self, ctx: Context, value: float) -> bool | None:
        """Whether the car may have come that far since the odometer was heard; None when it may, in a pause of unknown length."""
        ahead_m = value - self.state.reading_m
        pause_s = self._pause_s(ctx)
        if ahead_m < 0 or self.state.source != "vehicle":
            return False
        if pause_s is None:
            return None if ahead_m <= UNSEEN_MAX_M else False
        return ahead_m <= self.resolution_m + pause_s * MAX_MS

    def _rebased(
        self, ctx: Context, before: float | None, after: float, why: Literal["lasting change", "entered"], *of: object
    ) -> Event:
        return OdometerRebased(
            id=derive_id(ctx.unit, "OdometerRebased", *of),
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            from_m=before,
            to_m=after,
            why=why,
        )

    def _advanced(self, ctx: Context, previous_m: float | None, unseen: bool = False) -> Event:
        s = self.state
        return OdometerAdvanced(
            id="",
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            reading_m=s.reading_m,
            previous_m=previous_m,
            error_m=s.error_m,
            is_estimated=s.source == "entered",
            unseen=unseen,
        )

    def reading(self) -> dict[str, Any] | None:
        """The reading as people are shown it; None when there is none."""
        s = self.state
        return None if s.source == "none" else {"reading_m": s.reading_m, "error_m": s.error_m, "source": s.source}
