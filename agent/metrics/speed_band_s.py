"""Seconds by speed band."""

from __future__ import annotations

from agent.metrics._bands import SpeedBands
from agent.model import Step


class SpeedBandS(SpeedBands):
    """Adds up to the observed seconds."""

    def amount(self, step: Step) -> float:
        return step.dt_s
