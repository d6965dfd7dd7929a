"""Samples at whatever rate a car gives them → Steps on a fixed grid: 1 Hz, with speeds at 5 Hz inside.

What would depend on the sampling rate (dynamics, harsh events, seconds in a band) is defined on this grid;
distance is the exact trapezoid over the samples. Grid points are whole seconds of the boot clock. Speed is
interpolated between two samples at most HOLD_NS apart; a longer pause is a gap: the step under way is
closed at the last sample, and the next one does not follow it. The engine closes it as soon as the pause is
that long (`due_ns`), so that nothing heard after a gap is taken for what was before it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from agent.model import NS, Area, Step, Value
from agent.signals import SPEED

HOLD_NS = 5 * NS  # five missing rows of a 1 Hz source; beyond that a straight line is a guess
FIFTH_NS = NS // 5
AREA_HOLD_NS = 3 * NS  # polled fuel and power signals come every 1–2 s; a stale one is no consumption
JUMP_MS2 = 15.0  # no road car accelerates or brakes harder; a recorded glitch of 680 km/h implied 180
JUMP_FLOOR_MS = 2.0  # two counts of a 1 km/h source arriving close together are no jump: 7 km/h is
JUMPS_TO_BELIEVE = 3  # a changed speed that stays is real: taken up, but nothing is measured across it
NO_POINT_NS = -1 << 62
SENSIBLE = 1e9  # beyond every signal's range; NaN and infinity must not get into what is written
DEFAULT_AGE_NS = 10 * NS  # staleness of a signal whose period nobody states


class GridState(msgspec.Struct):
    """What the grid remembers; all of it is written with each commit, so that a restart goes on mid-second."""

    t_ns: int | None = None  # the last speed sample
    v_ms: float = 0.0
    start_ns: int = 0  # of the step under way
    v0_ms: float = 0.0
    distance_m: float = 0.0
    samples: int = 0
    fifths: list[float] = []
    closed_ns: int = -1  # the end of the last step, to tell whether the next one follows
    jumps: int = 0  # implausible samples in a row,
    jump_ns: int = 0  # and the first of them: a jump does not become a ramp by staying
    areas: dict[str, tuple[int, float, float, float, float]] = {}  # t, value, positive, negative, seen_s
    latest: dict[str, tuple[int, Value]] = {}


class Grid:
    """Fed by the engine with what metrics and rules read; see the module's docstring."""

    def __init__(self, integrals: Collection[str], max_age_ns: Mapping[str, int]) -> None:
        self.state = GridState()
        self.max_age_ns = max_age_ns
        self.integrals = frozenset(integrals)
        self.implausible = 0  # dropped speed samples, for health
        self._point_ns = NO_POINT_NS  # the next 5 Hz point of a stretch under way, if it is known

    @property
    def state(self) -> GridState:
        """As it is written. The fields live in the grid itself: setting a Struct's costs three times as much."""
        return GridState(*(getattr(self, name) for name in GridState.__struct_fields__))

    @state.setter
    def state(self, state: GridState) -> None:
        self.t_ns, self.v_ms, self.start_ns, self.v0_ms = state.t_ns, state.v_ms, state.start_ns, state.v0_ms
        self.distance_m, self.samples, self.fifths = state.distance_m, state.samples, state.fifths
        self.closed_ns, self.jumps, self.jump_ns = state.closed_ns, state.jumps, state.jump_ns
        self.areas, self.latest = state.areas, state.latest

    @property
    def due_ns(self) -> int | None:
        """When the step under way is to be closed if no speed comes; None when there is none."""
        last_ns = self.t_ns
        return None if last_ns is None else last_ns + HOLD_NS + 1

    def get(self, signal: str, now_ns: int) -> Value:
        """A signal's last value; None when unknown, or older than ten of its periods."""
        found = self.latest.get(signal)
        if found is None or now_ns - found[0] > self.max_age_ns.get(signal, DEFAULT_AGE_NS):
            return None
        return found[1]

    def _known(self, now_ns: int) -> dict[str, Value]:
        """`get` for all signals."""
        age_of = self.max_age_ns.get
        return {s: value for s, (t_ns, value) in self.latest.items() if now_ns - t_ns <= age_of(s, DEFAULT_AGE_NS)}

    def is_late(self, t_ns: int, signal: str) -> bool:
        """Whether a newer sample of this signal is already taken."""
        if signal == SPEED:
            return t_ns < (self.closed_ns if self.t_ns is None else self.t_ns)
        found = self.latest.get(signal)
        return found is not None and t_ns < found[0]

    def area(self, t_ns: int, signal: str, value: Value) -> None:
        """Add the trapezoid from the signal's sample before to this one."""
        areas = self.areas
        if not isinstance(value, (int, float)) or not -SENSIBLE < value < SENSIBLE:
            if signal in areas:  # unknown from here on: the next sample starts afresh
                _, _, positive, negative, seen_s = areas[signal]
                areas[signal] = (t_ns - AREA_HOLD_NS - 1, 0.0, positive, negative, seen_s)
            return
        t0, v0, positive, negative, seen_s = areas.get(signal, (t_ns, value, 0.0, 0.0, 0.0))
        dt_ns = t_ns - t0
        if 0 < dt_ns <= AREA_HOLD_NS:
            dt_s = dt_ns / NS
            piece = (v0 + value) / 2 * dt_s
            positive, negative = (positive + piece, negative) if piece > 0 else (positive, negative + piece)
            seen_s += dt_s
        areas[signal] = (t_ns, float(value), positive, negative, seen_s)

    def speed(self, t_ns: int, kmh: Value) -> list[Step] | None:
        """One sample of Vehicle.Speed → the steps that it completes; None in the common case that nothing is due then."""
        if t_ns < self._point_ns and kmh.__class__ is float:  # the common case of a fast source: no grid point between
            v = kmh / 3.6
            dv = v - self.v_ms
            dt_ns = t_ns - self.t_ns  # type: ignore[operator]  # known in a stretch
            if dt_ns > 0 and -JUMP_FLOOR_MS <= dv <= JUMP_FLOOR_MS and not self.jumps:
                self.samples += 1
                self.distance_m += abs(self.v_ms + v) / 2 * dt_ns / NS  # backwards is driven too
                self.t_ns = t_ns
                self.v_ms = v
                return None
        return self._speed(t_ns, kmh)

    def _speed(self, t_ns: int, kmh: Value) -> list[Step] | None:
        if not isinstance(kmh, (int, float)):
            return None  # unknown: if it stays so, the pause becomes a gap
        v = kmh / 3.6
        if self.t_ns is None:
            return self._open(t_ns, v)
        dt_ns = t_ns - self.t_ns
        if dt_ns <= 0:
            return None
        if dt_ns > HOLD_NS:
            steps = self.close()
            self._open(t_ns, v)
            return steps
        dv = v - self.v_ms
        if not (-JUMP_FLOOR_MS <= dv <= JUMP_FLOOR_MS or abs(dv) * NS <= JUMP_MS2 * ((self.jump_ns or t_ns) - self.t_ns)):
            return self._jump(t_ns, v)  # so is what is no number
        self.jumps = self.jump_ns = 0
        self.samples += 1
        return self._cross(t_ns, v)

    def _open(self, t_ns: int, v: float) -> list[Step]:
        """Begin a stretch: what flowed since the last one belongs to no step."""
        if not -SENSIBLE < v < SENSIBLE:
            self.implausible += 1
            return []
        self.areas = {k: (t, x, 0.0, 0.0, 0.0) for k, (t, x, *_) in self.areas.items()}
        self.t_ns, self.v_ms, self.start_ns, self.v0_ms = t_ns, v, t_ns, v
        self.distance_m, self.samples, self.fifths, self.jumps, self.jump_ns = 0.0, 1, [], 0, 0
        return []

    def _jump(self, t_ns: int, v: float) -> list[Step] | None:
        self.jumps, self.jump_ns = self.jumps + 1, self.jump_ns or t_ns
        self.implausible += 1
        if self.jumps < JUMPS_TO_BELIEVE:
            return None
        steps = self.close()
        self._open(t_ns, v)
        return steps

    def _cross(self, t_ns: int, v: float) -> list[Step] | None:
        """Walk over the grid points in (last, t_ns], closing a step at each whole second."""
        assert self.t_ns is not None
        t0, v0 = self.t_ns, self.v_ms
        slope = (v - v0) / (t_ns - t0)
        steps = []
        at, v_at = t0, v0
        for point in range((t0 // FIFTH_NS + 1) * FIFTH_NS, t_ns + 1, FIFTH_NS):
            v_point = v0 + slope * (point - t0)
            self.distance_m += abs(v_at + v_point) / 2 * (point - at) / NS
            self.fifths.append(v_point)
            at, v_at = point, v_point
            if point % NS == 0:
                steps.append(self._step(point, v_point))
        self.distance_m += abs(v_at + v) / 2 * (t_ns - at) / NS
        self.t_ns, self.v_ms = t_ns, v
        self._point_ns = (t_ns // FIFTH_NS + 1) * FIFTH_NS
        return steps or None

    def close(self) -> list[Step]:
        """End the step under way at the last speed sample (a gap, or the trip's end)."""
        if self.t_ns is None:
            return []
        steps = [self._step(self.t_ns, self.v_ms)] if self.t_ns > self.start_ns else []
        self.t_ns = None
        self._point_ns = NO_POINT_NS
        return steps

    def _step(self, end_ns: int, v: float) -> Step:
        taken = self.areas
        if taken:
            self.areas = {k: (t, x, 0.0, 0.0, 0.0) for k, (t, x, *_) in taken.items()}
        areas = {k: Area(*rest) for k, (_, _, *rest) in taken.items()}
        step = Step(
            t_ns=end_ns,
            dt_s=(end_ns - self.start_ns) / NS,
            v0_ms=self.v0_ms,
            v1_ms=v,
            distance_m=self.distance_m,
            follows=self.closed_ns == self.start_ns,
            v5_ms=tuple(self.fifths),
            speed_samples=self.samples,
            get=self._known(end_ns).get,  # most metrics ask, and many of them for the same
            area=lambda signal: areas.get(signal, NOTHING),
        )
        self.start_ns, self.v0_ms, self.distance_m, self.samples, self.fifths = end_ns, v, 0.0, 0, []
        self.closed_ns = end_ns
        return step


NOTHING = Area(0.0, 0.0, 0.0)
