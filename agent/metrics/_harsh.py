"""Harsh episodes on the 5 Hz grid: what `harsh_brakes` and `harsh_accels` share.

| state | an interval of 0.2 s | becomes |
|---|---|---|
| calm | at or above the threshold, begun above above_kmh | held, 1 interval |
| held | at or above the threshold, hold_s reached | counted: one more episode |
| held | below the threshold | calm |
| counted | below the threshold less the hysteresis | calm |
| any | beyond PLAUSIBLE_MS2 | what was held is forgotten; a counted episode goes on and is not counted twice |
| any | a gap | calm |

The speed gate is asked where an episode begins: a stop from 30 km/h is harsh down to its end, and an
acceleration, which only gets faster, is above it throughout. A stretch may begin between two grid points:
its first interval is then shorter than 0.2 s and reads too low, never too high.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from agent.config import Owner
from agent.metrics._motion import PLAUSIBLE_MS2
from agent.model import Metric, Span, Step
from agent.vehicle import Vehicle

GRID_HZ = 5
TRUE_HZ = 1.8  # a source of 2 Hz with some jitter; slower ones flatten a brake of half a second, or stretch it


class HarshEpisodes(Metric):
    """How often it was harsh; estimated when the speed's source was slower than 2 Hz, absent when speed was never known."""

    direction: ClassVar[int]  # +1 speeding up, -1 slowing down
    state: dict[str, Any]

    def __init__(self, vehicle: Vehicle, owner: Owner) -> None:
        super().__init__(vehicle, owner)
        harsh = vehicle.harsh
        self.start_ms2 = harsh.accel_ms2 if self.direction > 0 else harsh.brake_ms2
        self.over_ms2 = self.start_ms2 * (1 - harsh.hysteresis)
        self.above_ms = harsh.above_kmh / 3.6
        self.hold = max(1, math.ceil(harsh.hold_s * GRID_HZ))

    def initial(self) -> dict[str, Any]:
        return {"episodes": 0, "held": 0, "is_counted": False, "samples": 0, "observed_s": 0.0}

    def step(self, step: Step) -> None:
        state = self.state
        state["observed_s"] += step.dt_s
        state["samples"] += step.speed_samples
        if not step.follows:
            state["held"], state["is_counted"] = 0, False
        before = step.v0_ms
        per_s = self.direction * GRID_HZ
        for v in step.v5_ms:
            a = (v - before) * per_s
            if a >= self.start_ms2 or state["held"] or state["is_counted"]:
                self._interval(a, before)
            before = v

    def _interval(self, a: float, v_ms: float) -> None:
        """One interval of the table; `a` is positive in the metric's direction."""
        state = self.state
        if abs(a) > PLAUSIBLE_MS2:
            state["held"] = 0
        elif a >= self.start_ms2 and (state["held"] or v_ms > self.above_ms):
            state["held"] += 1
            if state["held"] == self.hold and not state["is_counted"]:
                state["episodes"] += 1
                state["is_counted"] = True
        else:
            state["held"] = 0
            state["is_counted"] = state["is_counted"] and a >= self.over_ms2

    def result(self, span: Span) -> int | None:
        episodes: int = self.state["episodes"]
        return episodes if self.state["observed_s"] else None

    def is_estimated(self) -> bool:
        return bool(self.state["samples"] < TRUE_HZ * self.state["observed_s"])
