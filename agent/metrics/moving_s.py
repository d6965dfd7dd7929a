"""Seconds in which the car moved (1 km/h or more)."""

from __future__ import annotations

from agent.metrics._motion import is_moving
from agent.model import Metric, Span, Step


class MovingS(Metric):
    """On the 1 Hz grid; the observed rest is standing."""

    state: float | None

    def step(self, step: Step) -> None:
        seconds = self.state or 0.0
        self.state = seconds + step.dt_s if is_moving(step) else seconds

    def result(self, span: Span) -> float | None:
        return self.state
