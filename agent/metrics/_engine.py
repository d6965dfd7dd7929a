"""Seconds with the engine running: what `engine_s` and `idle_s` share."""

from __future__ import annotations

from agent.metrics._coverage import is_thin
from agent.model import Metric, Span, Step
from agent.signals import ENGINE_SPEED


class EngineSeconds(Metric):
    """Absent when engine speed was never known (an electric car); estimated when it was known for too little of the trip."""

    signals = (ENGINE_SPEED,)
    state: dict[str, float]

    def initial(self) -> dict[str, float]:
        return {"running_s": 0.0, "known_s": 0.0, "observed_s": 0.0}

    def counts(self, step: Step) -> bool:
        """Whether a second with the engine running belongs to this metric."""
        return True

    def step(self, step: Step) -> None:
        state = self.state
        state["observed_s"] += step.dt_s
        rpm = step.get(ENGINE_SPEED)
        if isinstance(rpm, (int, float)):
            state["known_s"] += step.dt_s
            if rpm > 0 and self.counts(step):
                state["running_s"] += step.dt_s

    def result(self, span: Span) -> float | None:
        return self.state["running_s"] if self.state["known_s"] else None

    def is_estimated(self) -> bool:
        return is_thin(self.state["known_s"], self.state["observed_s"])
