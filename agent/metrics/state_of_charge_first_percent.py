"""The traction battery's state of charge at the trip's start."""

from __future__ import annotations

from agent.metrics._ends import First
from agent.signals import STATE_OF_CHARGE


class StateOfChargeFirstPercent(First):
    """As the car displays it."""

    signal = STATE_OF_CHARGE
    signals = (STATE_OF_CHARGE,)
