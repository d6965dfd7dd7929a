"""Kilowatt-hours drawn from the traction battery, heating and standing included."""

from __future__ import annotations

from agent.metrics._battery import BatteryEnergy
from agent.model import Area, Step


class EnergyKwh(BatteryEnergy):
    """What flowed out; what came back is `regenerated_kwh`, and their difference the net consumption."""

    def part_j(self, step: Step, area: Area) -> float:
        return abs(area.negative)
