"""Metres driven, over what was observed."""

from __future__ import annotations

from agent.model import Metric, Span, Step


class DistanceM(Metric):
    """The exact trapezoid over the speed samples; seconds that nobody saw add nothing."""

    state: float | None

    def step(self, step: Step) -> None:
        self.state = (self.state or 0.0) + step.distance_m

    def result(self, span: Span) -> float | None:
        return self.state
