"""The traction battery's state of charge at the trip's end."""

from __future__ import annotations

from agent.metrics._ends import Last
from agent.signals import STATE_OF_CHARGE


class StateOfChargeLastPercent(Last):
    """As the car displays it."""

    signal = STATE_OF_CHARGE
    signals = (STATE_OF_CHARGE,)
