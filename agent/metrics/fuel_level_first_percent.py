"""The tank's level at the trip's start."""

from __future__ import annotations

from agent.metrics._ends import First
from agent.signals import FUEL_LEVEL


class FuelLevelFirstPercent(First):
    """As the car says it; a float gauge sloshes by some percent."""

    signal = FUEL_LEVEL
    signals = (FUEL_LEVEL,)
