"""Litres of fuel burnt, by the most trusted source that each second has.

1. fuel mass (PID 9D) over the fuel's density   2. fuel volume (PID 5E)   3. air mass (PID 10) over lambda and the
stoichiometric ratio. The third holds for petrol alone (a diesel's lambda goes where the load goes): the car's own
word for its fuel (PID 51) decides, else the profile's. Nothing burns while the engine stands, nor, by air, in an
overrun's fuel cut. Ethanol (PID 52, by volume) shifts density and ratio.
"""

from __future__ import annotations

from typing import Any

from agent.metrics._coverage import is_thin
from agent.model import Metric, Span, Step
from agent.signals import ENGINE_SPEED, ETHANOL, FUEL_MASS_RATE, FUEL_RATE, LAMBDA, MAF

FUEL_TYPE = "Vehicle.Private.OBD.FuelType"
SAID = {"GAS": "petrol", "BI_GAS": "petrol", "HYB_GAS": "petrol", "DSL": "diesel", "BI_DSL": "diesel", "HYB_DSL": "diesel"}
ELECTRIC = frozenset({"ELEC", "BI_ELEC", "HYB_ELEC", "HYB_MIX", "HYB_REG"})  # say nothing of what the tank holds

SOURCES = (("mass_g", FUEL_MASS_RATE, 1.0), ("volume_l", FUEL_RATE, 1 / 3600), ("air_g", MAF, 1.0))  # most trusted first
PETROL_AIR = 14.7  # kg of air to burn a kg of petrol
ETHANOL_AIR = 9.0  # and of ethanol
ETHANOL_G_L = 789.0  # at 20 °C
DIESEL_G_L = 833.0  # the middle of EN 590's 820–845 at 15 °C
PETROL_G_L = 745.0  # E5/E10 at 15 °C lies at 720–775 (EN 228)
FUEL_CUT_LAMBDA = 1.9  # PID 44 reads 1.99 in overrun, its largest value; petrol burns up to about 1.6
RICHEST_LAMBDA = 0.5  # no petrol engine burns richer: a reading below is none


class FuelL(Metric):
    """Absent when no source was ever there; estimated when by air, by mass of an unknown fuel, or seen for too little of the run.

    State: `amounts` and `seen_s` by source (`air_g` is air over lambda); what the fuel is may become known late in a
    trip, so litres are made in `result`.
    """

    signals = (ENGINE_SPEED, LAMBDA, ETHANOL, FUEL_TYPE, *(path for _, path, _ in SOURCES))
    integrals = tuple(path for _, path, _ in SOURCES)
    state: dict[str, Any]

    def initial(self) -> dict[str, Any]:
        return {"amounts": {}, "seen_s": {}, "running_s": 0.0, "said": [], "ethanol": 0.0}

    def step(self, step: Step) -> None:
        state = self.state
        self._note_fuel(step)
        is_running = step.get(ENGINE_SPEED) != 0  # unknown: the source itself says what flows
        if is_running:
            state["running_s"] += step.dt_s
        for name, path, scale in SOURCES:
            area = step.area(path)
            # A polled source gives its area every few seconds; while it lives no other fills in, or a stretch counts twice.
            if area.seen_s > 0 or step.get(path) is not None:
                amount = area.positive * scale if is_running else 0.0
                if path is MAF:
                    amount *= burnt_share(step)
                state["amounts"][name] = state["amounts"].get(name, 0.0) + amount
                state["seen_s"][name] = state["seen_s"].get(name, 0.0) + (area.seen_s if is_running else 0.0)
                return

    def _note_fuel(self, step: Step) -> None:
        word = step.get(FUEL_TYPE)
        if isinstance(word, str) and word not in ELECTRIC:
            fuel = SAID.get(word, "other")
            if fuel not in self.state["said"]:
                self.state["said"].append(fuel)
        percent = step.get(ETHANOL)
        if isinstance(percent, (int, float)):
            self.state["ethanol"] = percent / 100

    def result(self, span: Span) -> float | None:
        amounts = self._trusted("amounts")
        if not amounts:
            return None
        ethanol: float = self.state["ethanol"]
        density_g_l = self._density_g_l(ethanol)
        by_mass = ethanol * ETHANOL_G_L / density_g_l
        ratio = PETROL_AIR + (ETHANOL_AIR - PETROL_AIR) * by_mass
        mass_g = amounts.get("mass_g", 0.0) + amounts.get("air_g", 0.0) / ratio
        return amounts.get("volume_l", 0.0) + mass_g / density_g_l

    def is_estimated(self) -> bool:
        seen_s = self._trusted("seen_s")
        is_guessed = "air_g" in seen_s or ("mass_g" in seen_s and self._fuel() not in ("petrol", "diesel"))
        return is_guessed or is_thin(sum(seen_s.values()), self.state["running_s"])

    def _trusted(self, kept: str) -> dict[str, float]:
        """The sums of the sources that hold for this fuel."""
        is_petrol = self._fuel() == "petrol"
        return {name: value for name, value in self.state[kept].items() if name != "air_g" or is_petrol}

    def _fuel(self) -> str:
        """What the car says that it burns, else the profile; "mixed" for a car that said several."""
        said: list[str] = self.state["said"]
        if said:
            return said[0] if len(said) == 1 else "mixed"
        return self.vehicle.fuel.type

    def _density_g_l(self, ethanol: float) -> float:
        usual = DIESEL_G_L if self._fuel() == "diesel" else PETROL_G_L
        stated = self.vehicle.fuel.density_g_l if self.vehicle.fuel.type == self._fuel() else None
        return (1 - ethanol) * (stated or usual) + ethanol * ETHANOL_G_L


def burnt_share(step: Step) -> float:
    """The share of the air that takes part in burning: 1 / lambda, 0 in a fuel cut; an unknown lambda counts as 1."""
    lambda_ = step.get(LAMBDA)
    if not isinstance(lambda_, (int, float)) or lambda_ < RICHEST_LAMBDA:
        return 1.0
    return 0.0 if lambda_ >= FUEL_CUT_LAMBDA else 1 / lambda_
