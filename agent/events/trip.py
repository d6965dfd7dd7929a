"""TripStarted, TripEnded, and the rule that finds trips.

| state | when | becomes | raises |
|---|---|---|---|
| parked | ignition comes on (profile: signal) | driving | TripStarted |
| parked | a second with speed (profile: activity) | waking | |
| waking | it moves, or the engine turns | driving | TripStarted, from the first second heard (at most WAKING_S back) |
| waking | silence for gap_s | parked | |
| driving | ignition goes off | stopping | |
| driving | silence for gap_s | parked | TripEnded at the last sample: silence |
| driving | activity: stands, engine known to be off, for STANDING_S | parked | TripEnded at the last sign of life: ignition-off |
| stopping | ignition on again within GRACE_S | driving | |
| stopping | GRACE_S pass | parked | TripEnded when the ignition went off: ignition-off |
| driving, stopping | the recording is over | parked | TripEnded: end-of-recording |
| driving, stopping | the unit comes back in another boot | parked, the trip carried | |

A carried trip (agent/stitch.py) waits for the next drive: the same trip goes on under its id, or it ends at its
last sample by power-loss. A standing car, engine stop-start and a hybrid's silent engine end nothing while the
ignition is on or the bus lives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import msgspec

from agent import signals
from agent.model import NS, ClockQuality, Context, Event, Rule, Setup, Span, Step, Value, Wall, derive_id
from agent.stitch import DECIDE_S, Piece, is_same_trip, joined
from agent.tally import INTEGRALS, READS, Sums, Tally, TallyState

GRACE_S = 30  # off/on toggles shorter than this are ignored (Geotab's practice)
WAKING_S = 120  # doors, lights and a phone call before the start still belong to the trip; an hour of radio does not
STANDING_S = 1200  # twice the longest stand seen inside a drive (609 s); a car polled while parked must end its trip
SHORT_M = 200.0  # below it is moving the car, not a trip (OVMS's practice)
MOVING_MS = 1 / 3.6  # one count of PID 0D

EndedBy = Literal["ignition-off", "silence", "power-loss", "end-of-recording"]
Phase = Literal["parked", "waking", "driving", "stopping"]
FAR_NS = 1 << 62  # "never", in a comparison


class TripStarted(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The ignition came on. The far side withholds what it would have said."""

    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    trip_id: str
    start_utc_ns: int | None = None


class TripEnded(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A trip, with all that it adds up to. What is not known is absent from `metrics`.

    `start_ns` is in the clock of `start_boot_id`, which differs from `boot_id` in a trip stitched over a power cut.
    """

    importance: ClassVar[int] = 3
    urgent: ClassVar[bool] = True
    trip_id: str
    kind: Literal["trip", "short_move"]
    ended_by: EndedBy
    start_ns: int
    start_boot_id: str
    end_ns: int
    clock: ClockQuality
    driver: str
    vehicle: str
    metrics: dict[str, Any]
    start_utc_ns: int | None = None
    end_utc_ns: int | None = None
    estimated: list[str] = []  # metrics that are estimates
    failed: list[str] = []  # metrics that broke on this trip
    pieces: int = 1  # how many boots of the unit it is stitched from


class TripState(msgspec.Struct):
    phase: Phase = "parked"
    boot_id: str = ""
    booted_ns: int = 0
    ignition: str | None = None
    trip_id: str = ""
    start_ns: int = 0
    alive_ns: int = 0  # the last sign that someone is in the car: movement, or an engine not known to be off
    off_ns: int = 0  # when the ignition went off
    v_ms: float = 0.0
    announced: bool = False
    driver: str = "unknown"
    earlier: Piece | None = None  # what the trip under way was stitched to
    carried: Piece | None = None  # a trip left open by an earlier boot, not decided yet
    tally: TallyState | None = None  # filled when written, as are:
    last_ns: int = 0
    wall: Wall | None = None


class Trip(Rule):
    """See the module's table."""

    name: ClassVar[str] = "trip"
    signals: ClassVar[tuple[str, ...]] = (signals.IGNITION,)
    raises: ClassVar[tuple[type[Event], ...]] = (TripStarted, TripEnded)
    reads = READS
    integrals = INTEGRALS
    state: TripState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.profile = setup.vehicle
        self.by_signal = setup.vehicle.ignition.source == "signal"
        self.gap_ns = round(setup.vehicle.trip.gap_s * NS)
        self.state = TripState()
        self.tally = self._new_tally()
        self._grace: list[Step] = []  # seconds after ignition-off: they count only if it comes on again

    @property
    def open_trip_id(self) -> str | None:
        return self.state.trip_id if self.state.phase in ("driving", "stopping") else None

    # -- in ------------------------------------------------------------------------------------

    def sample(self, ctx: Context, signal: str, value: Value) -> Iterator[Event]:
        s = self.state
        if not self.by_signal or value is None or value == s.ignition:
            return
        s.ignition = str(value)
        on = value in self.profile.ignition.on
        if on and s.phase == "parked":
            self._begin(ctx, ctx.t_ns, "driving")
            yield from self._announce(ctx)
        elif on and s.phase == "stopping":
            s.phase = "driving"
            for step in self._grace:
                self.tally.fold(step)
            self._grace = []
        elif not on and s.phase == "driving":
            s.phase, s.off_ns = "stopping", ctx.t_ns

    def step(self, ctx: Context, step: Step) -> Iterator[Event]:
        s = self.state
        s.v_ms = step.v1_ms
        start_ns = step.t_ns - round(step.dt_s * NS)
        if s.phase == "stopping":
            self._grace.append(step)
            return
        if s.phase == "parked" and self.by_signal:
            return
        if s.phase == "parked" or (s.phase == "waking" and step.t_ns - s.start_ns > WAKING_S * NS):
            self._begin(ctx, start_ns, "waking")
        alive = is_alive(step)
        if alive is not False:
            s.alive_ns = step.t_ns
        if s.phase == "waking" and alive is True:
            s.phase = "driving"
        self.tally.fold(step)
        if s.phase == "driving":
            yield from self._decide(ctx, step)
            yield from self._announce(ctx)

    def wake(self, ctx: Context) -> Iterator[Event]:
        s = self.state
        if s.carried is not None and ctx.t_ns >= s.booted_ns + DECIDE_S * NS:
            yield self._end_carried(s.carried)
            yield from self._announce(ctx)
        if s.phase == "stopping":
            if ctx.t_ns >= s.off_ns + GRACE_S * NS:
                yield from self._end(ctx, s.off_ns, "ignition-off")
        elif self.is_silent(ctx):
            yield from self._end(ctx, self._silent_since(ctx), "silence")
        elif self._standing_until() <= ctx.t_ns:
            yield from self._end(ctx, s.alive_ns, "ignition-off")

    def next_wake(self, ctx: Context) -> int | None:
        s = self.state
        due = [s.booted_ns + DECIDE_S * NS] if s.carried is not None else []
        if s.phase == "stopping":
            due.append(s.off_ns + GRACE_S * NS)
        elif s.phase != "parked":
            due += [self._silent_since(ctx) + self.gap_ns, self._standing_until()]
        return min(due, default=None)

    def is_silent(self, ctx: Context) -> bool:
        """Whether a trip is open and the bus has been silent for too long."""
        return self.state.phase in ("waking", "driving") and self._silent_since(ctx) + self.gap_ns <= ctx.t_ns

    def finish(self, ctx: Context) -> Iterator[Event]:
        """End what is open, at the last sample: the recording is over."""
        s = self.state
        if s.phase == "stopping":
            yield from self._end(ctx, s.off_ns, "ignition-off")
        elif s.phase != "parked":
            yield from self._end(ctx, self._silent_since(ctx), "end-of-recording")
        if s.carried is not None:
            yield self._end_carried(s.carried)

    # -- inside --------------------------------------------------------------------------------

    def _new_tally(self, state: TallyState | None = None) -> Tally:
        return Tally(self.profile, self.setup.owner, state)

    def _silent_since(self, ctx: Context) -> int:
        return max(self.state.start_ns, ctx.last_ns or 0)

    def _standing_until(self) -> int:
        """Until when a car without an ignition signal may stand, engine off, and still be on its trip."""
        return FAR_NS if self.by_signal or self.state.phase != "driving" else self.state.alive_ns + STANDING_S * NS

    def _begin(self, ctx: Context, start_ns: int, phase: Phase) -> None:
        s = self.state
        self.tally, self._grace = self._new_tally(), []
        s.phase, s.boot_id, s.start_ns, s.alive_ns = phase, ctx.boot_id, start_ns, start_ns
        s.trip_id = derive_id(ctx.unit, "trip", ctx.boot_id, start_ns)
        s.driver, s.announced, s.earlier = self.setup.owner.driver, False, None

    def _announce(self, ctx: Context) -> Iterator[Event]:
        """TripStarted, once, and not while it may still turn out to be the trip from before a power cut."""
        s = self.state
        if s.announced or s.carried is not None or s.phase == "parked":
            return
        s.announced = True
        yield TripStarted(
            id=derive_id(ctx.unit, "TripStarted", s.trip_id),
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            trip_id=s.trip_id,
            start_utc_ns=ctx.wall.utc_ns(s.start_ns) if ctx.wall else None,
        )

    def _end(self, ctx: Context, end_ns: int, ended_by: EndedBy) -> Iterator[Event]:
        s = self.state
        self._grace = []
        if s.phase == "waking":  # nobody drove: a polled or waking bus is no trip
            s.phase = "parked"
            return
        if s.carried is not None:
            yield self._end_carried(s.carried)
        yield from self._announce(ctx)
        s.phase = "parked"
        piece = self._piece(ctx.wall, end_ns)
        yield self._ended(joined(s.earlier, piece) if s.earlier else piece, ended_by, ctx.boot_id)

    def _piece(self, wall: Wall | None, end_ns: int) -> Piece:
        s = self.state
        return Piece(
            trip_id=s.trip_id,
            boot_id=s.boot_id,
            start_ns=s.start_ns,
            end_ns=end_ns,
            wall=wall,
            end_wall=wall,
            sums=self.tally.sums(Span(s.start_ns, end_ns, wall, 0.0)),
            was_moving=s.phase == "driving" and s.v_ms >= MOVING_MS,
            driver=s.driver,
        )

    def _ended(self, piece: Piece, ended_by: EndedBy, boot_id: str) -> TripEnded:
        sums: Sums = piece.sums
        distance_m = sums.metrics.get("distance_m")
        return TripEnded(
            id=derive_id(self.setup.unit, "TripEnded", piece.trip_id),
            t_ns=piece.end_ns,
            boot_id=boot_id,
            trip_id=piece.trip_id,
            kind="short_move" if distance_m is not None and distance_m < SHORT_M else "trip",
            ended_by=ended_by,
            start_ns=piece.start_ns,
            start_boot_id=piece.boot_id,
            end_ns=piece.end_ns,
            clock=piece.end_wall.quality if piece.end_wall else "none",
            driver=piece.driver,
            vehicle=self.profile.name,
            metrics=sums.metrics,
            start_utc_ns=piece.wall.utc_ns(piece.start_ns) if piece.wall else None,
            end_utc_ns=piece.end_wall.utc_ns(piece.end_ns) if piece.end_wall else None,
            estimated=sums.estimated,
            failed=sums.failed,
            pieces=piece.pieces,
        )

    # -- a power cut -----------------------------------------------------------------------------

    def snapshot(self) -> TripState:
        self.state.tally = self.tally.state() if self.state.phase != "parked" else None
        return self.state

    def remember(self, ctx: Context) -> None:
        """Note, with each commit, what a later boot needs to end or stitch this trip."""
        self.state.last_ns, self.state.wall = self._silent_since(ctx), ctx.wall

    def restore(self, body: bytes, ctx: Context) -> None:
        super().restore(body, ctx)
        s = self.state
        if s.tally is not None:
            self.tally = self._new_tally(s.tally)
        if s.boot_id == ctx.boot_id:
            return
        carried = s.carried
        if s.phase in ("driving", "stopping"):
            piece = self._piece(s.wall, s.off_ns if s.phase == "stopping" else s.last_ns)
            carried = joined(s.earlier, piece) if s.earlier else piece
        self.state = TripState(boot_id=ctx.boot_id, booted_ns=ctx.t_ns, carried=carried)

    def _decide(self, ctx: Context, step: Step) -> Iterator[Event]:
        """Is this drive the carried trip going on? Yes, no, or not known yet."""
        s = self.state
        if s.carried is None:
            return
        same = is_same_trip(s.carried, ctx.wall, s.start_ns, step.get(signals.ODOMETER), self.profile)
        if same is True:
            s.earlier, s.carried = s.carried, None
            s.trip_id, s.driver, s.announced = s.earlier.trip_id, s.earlier.driver, True
        elif same is False:
            yield self._end_carried(s.carried)

    def _end_carried(self, carried: Piece) -> TripEnded:
        self.state.carried = None
        return self._ended(carried, "power-loss", carried.boot_id)


def is_alive(step: Step) -> bool | None:
    """Whether someone drives: True moving or engine on, False standing with the engine known off, None unknown."""
    if step.v1_ms >= MOVING_MS or step.v0_ms >= MOVING_MS:
        return True
    rpm = step.get(signals.ENGINE_SPEED)
    return rpm > 0 if isinstance(rpm, (int, float)) else None
