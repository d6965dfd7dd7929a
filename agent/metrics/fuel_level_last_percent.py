"""The tank's level at the trip's end."""

from __future__ import annotations

from agent.metrics._ends import Last
from agent.signals import FUEL_LEVEL


class FuelLevelLastPercent(Last):
    """As the car says it; a float gauge sloshes by some percent."""

    signal = FUEL_LEVEL
    signals = (FUEL_LEVEL,)
