"""Metres by speed band."""

from __future__ import annotations

from agent.metrics._bands import SpeedBands
from agent.model import Step


class SpeedBandM(SpeedBands):
    """Adds up to `distance_m`."""

    def amount(self, step: Step) -> float:
        return step.distance_m
