"""Kilowatt-hours that the moving car put back into its traction battery."""

from __future__ import annotations

from agent.metrics._battery import BatteryEnergy
from agent.metrics._motion import is_moving
from agent.model import Area, Step


class RegeneratedKwh(BatteryEnergy):
    """Only in motion: what flows in at a stand comes from a charger, or from a hybrid's engine."""

    def part_j(self, step: Step, area: Area) -> float:
        return area.positive if is_moving(step) else 0.0
