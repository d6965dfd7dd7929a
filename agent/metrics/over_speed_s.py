"""Seconds above the household's own speed limit (`owner.over_speed_kmh`)."""

from __future__ import annotations

from agent.metrics._motion import mean_ms
from agent.model import Metric, Span, Step


class OverSpeedS(Metric):
    """By the mean of each second, so that a single sample over the mark is none."""

    state: float | None

    def step(self, step: Step) -> None:
        seconds = self.state or 0.0
        over = mean_ms(step) > self.owner.over_speed_kmh / 3.6
        self.state = seconds + step.dt_s if over else seconds

    def result(self, span: Span) -> float | None:
        return self.state
