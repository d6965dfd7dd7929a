"""The odometer at the trip's start."""

from __future__ import annotations

from agent.metrics._ends import Earlier
from agent.metrics._odometer import OdometerEnd
from agent.model import Step


class OdometerFirstM(OdometerEnd, Earlier):
    """The first reading that the next one agreed with."""

    def step(self, step: Step) -> None:
        if self.state["reading_m"] is None:
            super().step(step)

    def agreed(self, before_m: float, now_m: float) -> None:
        self.state["reading_m"] = before_m
