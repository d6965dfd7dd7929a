"""The odometer at the trip's end."""

from __future__ import annotations

from agent.metrics._ends import Later
from agent.metrics._odometer import OdometerEnd


class OdometerLastM(OdometerEnd, Later):
    """The last reading that agreed with the one before."""

    def agreed(self, before_m: float, now_m: float) -> None:
        self.state["reading_m"] = now_m
