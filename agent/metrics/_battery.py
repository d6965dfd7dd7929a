"""Energy through the traction battery's terminals: what `energy_kwh` and `regenerated_kwh` share."""

from __future__ import annotations

from agent.metrics._coverage import is_thin
from agent.model import Area, Metric, Span, Step
from agent.signals import BATTERY_POWER

J_PER_KWH = 3_600_000


class BatteryEnergy(Metric):
    """Absent when the battery's power was never known; estimated when it was known for too little of the trip."""

    integrals = (BATTERY_POWER,)
    state: dict[str, float]

    def initial(self) -> dict[str, float]:
        return {"energy_j": 0.0, "seen_s": 0.0, "observed_s": 0.0}

    def part_j(self, step: Step, area: Area) -> float:
        """The part of this step's energy that the metric counts; VSS: positive flows into the battery."""
        raise NotImplementedError

    def step(self, step: Step) -> None:
        state = self.state
        state["observed_s"] += step.dt_s
        area = step.area(BATTERY_POWER)
        if area.seen_s > 0:
            state["seen_s"] += area.seen_s
            state["energy_j"] += self.part_j(step, area)

    def result(self, span: Span) -> float | None:
        return self.state["energy_j"] / J_PER_KWH if self.state["seen_s"] else None

    def is_estimated(self) -> bool:
        return is_thin(self.state["seen_s"], self.state["observed_s"])
