"""TripStarted, TripEnded, and the rule that finds trips.

| state | when | becomes | raises |
|---|---|---|---|
| parked | signal: ignition comes on | driving | TripStarted |
| parked | activity: a second with speed | waking | |
| waking | it moves, or the engine turns | driving | TripStarted, from the first second heard (at most WAKING_S back) |
| waking | silence for gap_s | parked | |
| driving | signal: ignition goes off | stopping | |
| driving | activity: it stands and the engine is known to be off | stopping | |
| driving | activity: no speed for STANDING_S, though the bus lives | parked | TripEnded at the last speed: ignition-off |
| stopping | signal: ignition on again within GRACE_S; activity: it moves, or the engine turns | driving | |
| stopping | signal: GRACE_S pass; activity: STANDING_S pass | parked | TripEnded as it was then: ignition-off |
| driving, stopping (activity) | silence for gap_s | parked | TripEnded at the last sample: silence |
| driving, stopping | the recording is over | parked | TripEnded: end-of-recording (ignition-off when that was seen) |
| driving, stopping | the unit comes back in another boot | parked, the trip carried | |

`signal` and `activity` are what the vehicle's profile says of its ignition. A carried trip (agent/stitch.py) waits
for the next drive: the same trip goes on under its id, or it ends where it was cut: by power-loss, or by ignition-off
when that was seen before the power went. TripStarted waits for that decision. A standing car, engine stop-start and
a hybrid's silent engine end nothing while the ignition is on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import msgspec

from agent import signals
from agent.household.attribution import KINDS, Attribution, AttributionState, How, features_of, who_drove
from agent.model import NS, ClockQuality, Context, Event, Rule, Setup, Span, Step, Value, Wall, derive_id
from agent.stitch import DECIDE_S, GRACE_S, Piece, is_same_trip, joined
from agent.tally import INTEGRALS, READS, Sums, Tally, TallyState

WAKING_S = 120  # doors, lights and a phone call before the start still belong to the trip; an hour of radio does not
STANDING_S = 1200  # twice the longest stand seen inside a drive (609 s); a car polled while parked must end its trip
SHORT_M = 200.0  # below it is moving the car, not a trip (OVMS's practice)
MOVING_MS = 1 / 3.6  # one count of PID 0D

EndedBy = Literal["ignition-off", "silence", "power-loss", "end-of-recording"]
Phase = Literal["parked", "waking", "driving", "stopping"]
OPEN: tuple[Phase, ...] = ("driving", "stopping")
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
    `driver_how` with an unknown driver: what contradicted itself. `driver_sure`: absent when unknown.
    """

    version: ClassVar[int] = 2
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
    driver_how: How = "unknown"
    driver_sure: float | None = None


class TripStyled(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Kept on the unit, just after TripEnded: what told of the driver, and how it was driven (agent/style/), to learn from."""

    leaves: ClassVar[bool] = False
    trip_id: str
    driver: str
    how: How
    sure: float
    said: dict[str, str]
    features: dict[str, dict[str, float]]


class TripState(msgspec.Struct):
    phase: Phase = "parked"
    trip_id: str = ""
    start_ns: int = 0
    alive_ns: int = 0  # the last sign that someone is in the car: movement, or an engine not known to be off
    off_ns: int = 0  # since when it is stopping, and what the trip adds up to until then
    off_sums: Sums | None = None
    v_ms: float = 0.0
    announced: bool = False
    earlier: Piece | None = None  # what the trip under way was stitched to
    carried: tuple[Piece, ...] = ()  # trips left open by earlier boots; only the last can still go on
    decide_ns: int | None = None  # when that is given up
    boot_id: str = ""
    tally: TallyState | None = None  # filled when written, as are:
    last_ns: int = 0
    wall: Wall | None = None
    attribution: AttributionState = AttributionState()


class Trip(Rule):
    """See the module's table."""

    name: ClassVar[str] = "trip"
    signals: ClassVar[tuple[str, ...]] = (signals.IGNITION, *KINDS)
    raises: ClassVar[tuple[type[Event], ...]] = (TripStarted, TripEnded, TripStyled)
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
        self.attribution = Attribution()

    @property
    def open_trip_id(self) -> str | None:
        return self.state.trip_id if self.state.phase in OPEN else None

    # -- in ------------------------------------------------------------------------------------

    def sample(self, ctx: Context, signal: str, value: Value) -> Iterator[Event]:
        s = self.state
        if signal in KINDS:
            self.attribution.sample(ctx.t_ns, signal, value, driving=s.phase == "driving")
        if signal in KINDS or not self.by_signal or value in (None, "UNDEFINED"):
            return
        on = value in self.profile.ignition.on
        if on and s.phase == "parked":
            self._begin(ctx, ctx.t_ns, "driving")
            yield from self._announce(ctx)
        elif on and s.phase == "stopping":
            s.phase = "driving"
        elif not on and s.phase == "driving":
            self._stop(ctx.wall, ctx.t_ns)

    def step(self, ctx: Context, step: Step) -> Iterator[Event]:
        s = self.state
        if step.t_ns <= s.start_ns:  # the end of a stretch from before the ignition came on
            return
        if s.phase == "parked" or (s.phase == "waking" and step.t_ns - s.start_ns > WAKING_S * NS):
            if self.by_signal:
                return
            self._begin(ctx, step.t_ns - round(step.dt_s * NS), "waking")
        s.v_ms = step.v1_ms
        if not self.by_signal:
            self._watch(ctx, step)
        self.tally.fold(step)
        self.attribution.step(step)
        if s.phase in OPEN:
            yield from self._decide(ctx, step)
            yield from self._announce(ctx)

    def wake(self, ctx: Context) -> Iterator[Event]:
        s = self.state
        yield from self._wait_for_decision(ctx)
        if self._over_ns() <= min(ctx.t_ns, self._silent_ns(ctx)):
            yield from self._end(ctx, s.off_ns if s.phase == "stopping" else s.alive_ns, "ignition-off")
        elif self.is_silent(ctx):
            yield from self._end(ctx, self._silent_since(ctx), "silence")

    def next_wake(self, ctx: Context) -> int | None:
        s = self.state
        due = [self._over_ns(), self._silent_ns(ctx)]
        if s.carried:
            due.append(ctx.t_ns if s.decide_ns is None else s.decide_ns)
        earliest = min(due)
        return None if earliest == FAR_NS else earliest

    def is_silent(self, ctx: Context) -> bool:
        """Whether a trip is open and the bus has been silent for too long."""
        return self._silent_ns(ctx) <= ctx.t_ns

    def finish(self, ctx: Context) -> Iterator[Event]:
        """End what is open, at the last sample: the recording is over."""
        if self.state.phase == "stopping" and self.by_signal:
            yield from self._end(ctx, self.state.off_ns, "ignition-off")
        elif self.state.phase != "parked":
            yield from self._end(ctx, self._silent_since(ctx), "end-of-recording")
        yield from self._lose(ctx, 0)

    # -- inside --------------------------------------------------------------------------------

    def _new_tally(self, state: TallyState | None = None) -> Tally:
        return Tally(self.profile, self.setup.owner, state)

    def _watch(self, ctx: Context, step: Step) -> None:
        """Without an ignition signal: is someone in the car?"""
        s = self.state
        alive = is_alive(step)
        if alive is True and s.phase != "driving":
            if s.phase == "waking":
                self.attribution.set_off(s.start_ns)
            s.phase = "driving"
        elif alive is False and s.phase == "driving":
            self._stop(ctx.wall, s.alive_ns)
        if s.phase == "driving":
            s.alive_ns = step.t_ns

    def _stop(self, wall: Wall | None, end_ns: int) -> None:
        """What the trip will have been, unless it goes on."""
        s = self.state
        s.phase, s.off_ns, s.off_sums = "stopping", end_ns, self.tally.sums(Span(s.start_ns, end_ns, wall, 0.0))

    def _silent_since(self, ctx: Context) -> int:
        return max(self.state.start_ns, ctx.last_ns or 0)

    def _silent_ns(self, ctx: Context) -> int:
        """When the bus has been silent for too long; an ignition that is off says more than silence after it."""
        is_open = self.state.phase != "parked" and not (self.state.phase == "stopping" and self.by_signal)
        return self._silent_since(ctx) + self.gap_ns if is_open else FAR_NS

    def _over_ns(self) -> int:
        """When the trip is over if nothing more is seen of it, other than by silence."""
        s = self.state
        if self.by_signal:
            return s.off_ns + GRACE_S * NS if s.phase == "stopping" else FAR_NS
        return s.alive_ns + STANDING_S * NS if s.phase in OPEN else FAR_NS

    def _begin(self, ctx: Context, start_ns: int, phase: Phase) -> None:
        s = self.state
        self.tally = self._new_tally()
        s.phase, s.boot_id, s.start_ns, s.alive_ns = phase, ctx.boot_id, start_ns, start_ns
        s.trip_id = derive_id(ctx.unit, "trip", ctx.boot_id, start_ns)
        s.announced, s.earlier = False, None
        self.attribution.begin(start_ns, phase == "driving")

    def _announce(self, ctx: Context) -> Iterator[Event]:
        """TripStarted, once, and not while it may still turn out to be the trip from before a power cut."""
        s = self.state
        if s.announced or s.carried or s.phase not in OPEN:
            return
        s.announced = True
        here_utc_ns = ctx.wall.utc_ns(s.start_ns) if ctx.wall else None
        yield self._started(s.trip_id, ctx.t_ns, ctx.boot_id, s.earlier.start_utc_ns if s.earlier else here_utc_ns)

    def _end(self, ctx: Context, end_ns: int, ended_by: EndedBy) -> Iterator[Event]:
        s = self.state
        if s.phase == "waking":  # nobody drove: a polled or waking bus is no trip
            s.phase = "parked"
            return
        yield from self._lose(ctx, 0)
        yield from self._announce(ctx)
        piece = self._piece(ctx.wall, end_ns, s.off_sums if ended_by == "ignition-off" and s.phase == "stopping" else None)
        s.phase = "parked"
        yield from self._ended(ctx, piece, ended_by)

    def _piece(self, wall: Wall | None, end_ns: int, sums: Sums | None = None) -> Piece:
        """The trip under way as it is known at `end_ns`, with what it was stitched to."""
        s = self.state
        piece = Piece(
            trip_id=s.trip_id,
            boot_id=s.boot_id,
            start_ns=s.start_ns,
            end_boot_id=s.boot_id,
            end_ns=end_ns,
            wall=wall,
            end_wall=wall,
            sums=sums or self.tally.sums(Span(s.start_ns, end_ns, wall, 0.0)),
            was_moving=s.phase == "driving" and abs(s.v_ms) >= MOVING_MS,
            was_off=s.phase == "stopping" and self.by_signal,
            said=self.attribution.evidence(),
            watched=self.attribution.watched(),
            announced=s.announced,
        )
        return joined(s.earlier, piece) if s.earlier else piece

    def _started(self, trip_id: str, t_ns: int, boot_id: str, start_utc_ns: int | None) -> TripStarted:
        id = derive_id(self.setup.unit, "TripStarted", trip_id)
        return TripStarted(id=id, t_ns=t_ns, boot_id=boot_id, trip_id=trip_id, start_utc_ns=start_utc_ns)

    def _ended(self, ctx: Context, piece: Piece, ended_by: EndedBy) -> Iterator[Event]:
        features = features_of(piece.watched)
        who = who_drove(piece.said, features, ctx.household, ctx.driver_style, self.setup.owner.driver)
        distance_m = piece.sums.metrics.get("distance_m")
        yield TripEnded(
            id=derive_id(self.setup.unit, "TripEnded", piece.trip_id),
            t_ns=piece.end_ns,
            boot_id=piece.end_boot_id,
            trip_id=piece.trip_id,
            kind="short_move" if distance_m is not None and distance_m < SHORT_M else "trip",
            ended_by=ended_by,
            start_ns=piece.start_ns,
            start_boot_id=piece.boot_id,
            end_ns=piece.end_ns,
            clock=piece.end_wall.quality if piece.end_wall else "none",
            driver=who.driver,
            vehicle=self.profile.name,
            metrics=piece.sums.metrics,
            start_utc_ns=piece.start_utc_ns,
            end_utc_ns=piece.end_wall.utc_ns(piece.end_ns) if piece.end_wall else None,
            estimated=piece.sums.estimated,
            failed=piece.sums.failed,
            pieces=piece.pieces,
            driver_how=who.how,
            driver_sure=who.sure or None,
        )
        yield TripStyled(
            id=derive_id(self.setup.unit, "TripStyled", piece.trip_id),
            t_ns=piece.end_ns,
            boot_id=piece.end_boot_id,
            trip_id=piece.trip_id,
            said=piece.said,
            features=features,
            **who._asdict(),
        )

    # -- a power cut -----------------------------------------------------------------------------

    def snapshot(self) -> TripState:
        is_parked = self.state.phase == "parked"
        self.state.tally = None if is_parked else self.tally.state()
        self.state.attribution = self.attribution.state(is_parked)
        return self.state

    def remember(self, ctx: Context) -> None:
        """Note, with each commit, what a later boot needs to end or stitch this trip."""
        s = self.state
        s.last_ns, s.wall, s.boot_id = self._silent_since(ctx), ctx.wall, ctx.boot_id

    def restore(self, body: bytes, ctx: Context) -> None:
        super().restore(body, ctx)
        s = self.state
        if s.tally is not None:
            self.tally = self._new_tally(s.tally)
        self.attribution = Attribution(s.attribution)
        if s.boot_id == ctx.boot_id:
            return
        carried = s.carried
        if s.phase == "stopping":
            carried += (self._piece(s.wall, s.off_ns, s.off_sums),)
        elif s.phase == "driving":
            carried += (self._piece(s.wall, s.last_ns),)
        self.state = TripState(boot_id=ctx.boot_id, carried=carried)
        self.attribution = Attribution()

    def _wait_for_decision(self, ctx: Context) -> Iterator[Event]:
        s = self.state
        if s.decide_ns is None:  # the first moment of this boot
            s.decide_ns = ctx.t_ns + DECIDE_S * NS if s.carried else None
        elif s.decide_ns <= ctx.t_ns:
            yield from self._lose(ctx, 0)
            yield from self._announce(ctx)

    def _decide(self, ctx: Context, step: Step) -> Iterator[Event]:
        """Is this drive the carried trip going on? Yes, no, or not known yet; a clock that comes later may undo a yes."""
        s = self.state
        before = s.earlier or (s.carried[-1] if s.carried else None)
        if before is None:
            return
        same = is_same_trip(before, ctx.wall, s.start_ns, step.get(signals.ODOMETER), self.profile)
        if same is True and s.carried:
            yield from self._lose(ctx, 1)
            s.earlier, s.carried = before, ()
            s.trip_id, s.announced = before.trip_id, before.announced
        elif same is False:
            if s.earlier is not None:
                s.trip_id, s.announced = derive_id(ctx.unit, "trip", ctx.boot_id, s.start_ns), False
                s.earlier, s.carried = None, (before,)
            yield from self._lose(ctx, 0)

    def _lose(self, ctx: Context, keep: int) -> Iterator[Event]:
        """Tell the carried trips, but for the last `keep`, as ended where they were cut."""
        s = self.state
        lost = s.carried[: len(s.carried) - keep]
        s.carried = s.carried[len(lost) :]
        for piece in lost:
            if not piece.announced:
                yield self._started(piece.trip_id, piece.start_ns, piece.boot_id, piece.start_utc_ns)
            yield from self._ended(ctx, piece, "ignition-off" if piece.was_off else "power-loss")


def is_alive(step: Step) -> bool | None:
    """Whether someone drives: True moving or engine on, False standing with the engine known off, None unknown."""
    if abs(step.v1_ms) >= MOVING_MS or abs(step.v0_ms) >= MOVING_MS:
        return True
    rpm = step.get(signals.ENGINE_SPEED)
    return rpm > 0 if isinstance(rpm, (int, float)) else None
