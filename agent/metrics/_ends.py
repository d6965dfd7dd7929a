"""A signal's first and last value in a trip: what the levels at its ends share."""

from __future__ import annotations

from typing import Any, ClassVar

from agent.model import Metric, Span, Step


class Earlier(Metric):
    """Of two trips, the earlier one's."""

    @staticmethod
    def combine(a: Any, b: Any) -> Any:
        return a


class Later(Metric):
    """Of two trips, the later one's."""

    @staticmethod
    def combine(a: Any, b: Any) -> Any:
        return b


class End(Metric):
    """Absent when the signal was never known."""

    signal: ClassVar[str]
    state: float | None

    def result(self, span: Span) -> float | None:
        return self.state


class First(End, Earlier):
    """The first known value."""

    def step(self, step: Step) -> None:
        if self.state is None:
            value = step.get(self.signal)
            if isinstance(value, (int, float)):
                self.state = value


class Last(End, Later):
    """The last known value."""

    def step(self, step: Step) -> None:
        value = step.get(self.signal)
        if isinstance(value, (int, float)):
            self.state = value
