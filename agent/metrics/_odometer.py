"""Odometer readings that one wrong frame cannot forge: what `odometer_first_m` and `odometer_last_m` share."""

from __future__ import annotations

from typing import Any

from agent.model import NS, Metric, Span, Step
from agent.signals import ODOMETER

FASTEST_MS = 120.0  # 432 km/h: above any car, below any jump


class OdometerEnd(Metric):
    """A reading counts once the next one agrees: not less, and no more than a car could drive since, plus one count.

    The rate is bounded, not the value. A changed odometer (a cluster swap, a jump to zero) is taken up when it stays.
    """

    signals = (ODOMETER,)
    state: dict[str, Any]

    def initial(self) -> dict[str, Any]:
        return {"reading_m": None, "before_m": None, "before_ns": 0}

    def agreed(self, before_m: float, now_m: float) -> None:
        """Two readings in a row that agree."""
        raise NotImplementedError

    def step(self, step: Step) -> None:
        now_m = step.get(ODOMETER)
        if not isinstance(now_m, (int, float)):
            return
        state = self.state
        before_m = state["before_m"]
        if before_m is not None:
            farthest_m = self.vehicle.odometer.resolution_m + FASTEST_MS * max(0, step.t_ns - state["before_ns"]) / NS
            if 0 <= now_m - before_m <= farthest_m:
                self.agreed(before_m, now_m)
        state["before_m"], state["before_ns"] = now_m, step.t_ns

    def result(self, span: Span) -> float | None:
        reading_m: float | None = self.state["reading_m"]
        return reading_m
