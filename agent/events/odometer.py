"""The odometer: what the car counts, or an entered reading plus what was driven since.

A reading is bounded in its rate, never in its value: a right value must not be refused by a fixed maximum.

| a reading that … | is |
|---|---|
| comes first | taken; no distance, no milestone |
| goes on no faster than MAX_MS since the last, or stays | taken |
| goes back, or on too fast | kept aside; the reading before stays |
| … and stays so for LASTING_S and LASTING_READINGS | a lasting change (cluster swap, wrap): OdometerRebased; no distance, no milestone |
| … and then lies ahead by less than UNSEEN_MAX_M while the length of the pause is unknown | taken as distance that nobody saw |

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
from agent.stitch import TRUSTED

MAX_MS = 75.0  # 270 km/h
LASTING_S = 30  # a wrong frame, or a cluster that wakes with zero, is over by then
LASTING_READINGS = 10
UNSEEN_MAX_M = 20_000_000.0  # two years of a heavy commuter without the unit; more is another cluster
INTEGRATION_ERROR = 0.02  # by which wheel speed and PID 0D were seen off (RAV4: 2.1 %)
ENTRY_ERROR_M = 500.0  # a person reads whole kilometres
SPEED_ALLOWANCE = 0.05  # of the integrated distance: twice INTEGRATION_ERROR, and tyres
UNACCOUNTED_FLOOR_M = 200.0  # a short move's length


class OdometerAdvanced(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The reading went on. Stays on the unit: milestones and service items hear it."""

    leaves: ClassVar[bool] = False
    reading_m: float
    previous_m: float | None = None  # None: the first reading, or the first after a rebase
    error_m: float = 0.0  # 0: as the car counts
    is_estimated: bool = False
    unseen: bool = False  # part of the way from `previous_m` nobody observed


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
    trip_id: str | None = None  # seen missing during this trip's time, but not part of it


class OdometerState(msgspec.Struct):
    source: Literal["none", "entered", "vehicle"] = "none"
    reading_m: float = 0.0
    error_m: float = 0.0
    at_ns: int = 0
    boot_id: str = ""
    at_utc_ns: int | None = None  # when the wall clock was trusted
    driven_m: float = 0.0  # integrated since the reading
    gap: bool = True  # speed was missing at some time since the reading
    aside_m: float = 0.0  # a reading that does not fit, and how long it has lasted
    aside_since_ns: int = 0
    aside_at_ns: int = 0
    aside_count: int = 0
    entered_n: int = 0


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
        if s.source != "vehicle":
            estimated = s.reading_m if s.source == "entered" else None
            self._take(ctx, value, "vehicle")
            if estimated is not None and abs(value - estimated) > 3 * s.error_m + self.resolution_m:
                yield self._rebased(ctx, estimated, value, "lasting change")
            yield self._advanced(ctx, None, unseen=False)
            return
        if s.aside_count == 0 and value == s.reading_m and s.boot_id == ctx.boot_id:
            s.at_ns = ctx.t_ns  # the common case: nothing new
            return
        allowed_m = self._allowed_m(ctx)
        ahead_m = value - s.reading_m
        if allowed_m is not None and 0 <= ahead_m <= allowed_m:
            yield from self._advance(ctx, value)
        else:
            yield from self._set_aside(ctx, value, pause_known=allowed_m is not None)

    def step(self, ctx: Context, step: Step) -> Iterator[Event]:
        s = self.state
        s.gap = s.gap or not step.follows
        if s.source == "none":
            return
        s.driven_m += step.distance_m
        if s.source == "entered" and step.distance_m > 0:
            previous, s.reading_m = s.reading_m, s.reading_m + step.distance_m
            s.error_m += step.distance_m * INTEGRATION_ERROR
            yield self._advanced(ctx, previous, unseen=False)

    def entered(self, ctx: Context, reading_m: float) -> list[Event]:
        """A person read the odometer: `keyoff odometer set`."""
        s = self.state
        before = s.reading_m if s.source != "none" else None
        keep = s.entered_n + 1
        self._take(ctx, reading_m, "entered")
        self.state.error_m, self.state.entered_n = ENTRY_ERROR_M, keep
        return [self._rebased(ctx, before, reading_m, "entered"), self._advanced(ctx, None, unseen=False)]

    # -- inside --------------------------------------------------------------------------------

    def _allowed_m(self, ctx: Context) -> float | None:
        """How far the car may have come since the reading; None when the time since is unknown."""
        s = self.state
        if s.boot_id == ctx.boot_id:
            dt_s = (ctx.t_ns - s.at_ns) / NS
        elif s.at_utc_ns is not None and ctx.wall is not None and ctx.wall.quality in TRUSTED:
            dt_s = max(0.0, (ctx.wall.utc_ns(ctx.t_ns) - s.at_utc_ns) / NS)
        else:
            return None
        return dt_s * MAX_MS + self.resolution_m

    def _take(self, ctx: Context, reading_m: float, source: Literal["entered", "vehicle"]) -> None:
        trusted = ctx.wall is not None and ctx.wall.quality in TRUSTED
        self.state.source, self.state.reading_m = source, reading_m
        self.state.at_ns, self.state.boot_id = ctx.t_ns, ctx.boot_id
        self.state.at_utc_ns = ctx.wall.utc_ns(ctx.t_ns) if trusted and ctx.wall else None
        self.state.driven_m, self.state.gap, self.state.aside_count = 0.0, False, 0
        self.state.error_m = 0.0

    def _advance(self, ctx: Context, value: float) -> Iterator[Event]:
        s = self.state
        previous, driven, gap = s.reading_m, s.driven_m, s.gap or s.boot_id != ctx.boot_id
        missing = value - previous - driven
        unseen = gap and missing > self.resolution_m + UNACCOUNTED_FLOOR_M + SPEED_ALLOWANCE * driven
        self._take(ctx, value, "vehicle")
        if value > previous:
            yield self._advanced(ctx, previous, unseen=unseen)
        if unseen:
            yield DistanceUnaccounted(
                id=derive_id(ctx.unit, "DistanceUnaccounted", previous, value),
                t_ns=ctx.t_ns,
                boot_id=ctx.boot_id,
                unaccounted_m=missing,
                from_m=previous,
                to_m=value,
            )

    def _set_aside(self, ctx: Context, value: float, pause_known: bool) -> Iterator[Event]:
        s = self.state
        dt_s = (ctx.t_ns - s.aside_at_ns) / NS
        goes_on = s.aside_count > 0 and 0 <= value - s.aside_m <= dt_s * MAX_MS + self.resolution_m
        if not goes_on:
            s.aside_count, s.aside_since_ns = 0, ctx.t_ns
        s.aside_m, s.aside_at_ns = value, ctx.t_ns
        s.aside_count += 1
        lasted_s = (ctx.t_ns - s.aside_since_ns) / NS
        near = not pause_known and 0 <= value - s.reading_m <= self.resolution_m
        if near:
            yield from self._advance(ctx, value)
        elif s.aside_count >= LASTING_READINGS and lasted_s >= LASTING_S:
            if not pause_known and 0 <= value - s.reading_m <= UNSEEN_MAX_M:
                yield from self._advance(ctx, value)
            else:
                before = s.reading_m
                self._take(ctx, value, "vehicle")
                yield self._rebased(ctx, before, value, "lasting change")
                yield self._advanced(ctx, None, unseen=False)

    def _rebased(self, ctx: Context, before: float | None, after: float, why: Literal["lasting change", "entered"]) -> Event:
        return OdometerRebased(
            id=derive_id(ctx.unit, "OdometerRebased", ctx.boot_id, ctx.t_ns, self.state.entered_n),
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            from_m=before,
            to_m=after,
            why=why,
        )

    def _advanced(self, ctx: Context, previous_m: float | None, unseen: bool) -> Event:
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
