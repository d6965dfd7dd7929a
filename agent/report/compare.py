"""What one person may see of the others in the household. Against one's own past first; the rest is opt-in, person by person.

| of | what | is seen |
|---|---|---|
| the car | km, fuel, energy | by everybody, always |
| oneself | everything | by oneself |
| other adults who opted in (`compare`) | the mean of their ratios | by who opted in, each ratio from LEAST_PEOPLE who know it |
| the same, when nobody of the household keeps out | each one's ratios | by who opted in: all did |
| a driver under 18 | the same report as their own | by an adult, when both consented (`guardian`); never in a comparison |
| `unknown`, and who has no profile | nothing | counted in the car's totals alone |

Below LEAST_TRIPS and LEAST_M nobody is compared, so that one trip's time and way are not told as a mean.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from agent.household import UNKNOWN, Driver, Household, is_minor
from agent.report.driving import Driving

LEAST_PEOPLE = 3
LEAST_TRIPS, LEAST_M = 3, 50_000.0
RATIOS = ("fuel_l_100km", "energy_kwh_100km", "harsh_100km", "idle_share", "night_share", "over_speed_share")
"""Fields of Driving that are compared."""

RANKED = ("fuel_l_100km", "energy_kwh_100km")  # less is better whoever drives where; of the others it is not as plain


class Member(msgspec.Struct, frozen=True):
    """One of the others, by the id that stands in events; ratios that are not known are absent."""

    driver: str
    ratios: dict[str, float]


class Others(msgspec.Struct, frozen=True, omit_defaults=True):
    """`mean` of so many `people` at the most; `members` only when all opted in. `places`: ratio → (own place, of how many)."""

    people: int
    mean: dict[str, float] = {}
    members: list[Member] = []
    places: dict[str, tuple[int, int]] = {}


def others(viewer: Driver, household: Household, months: Mapping[str, Driving], day: str) -> Others | None:
    """What `viewer` sees of the others' month; `day` is its first. None when there is nothing to show, or they keep out."""
    if not shares(viewer, day):
        return None
    adults = [d for d in household.drivers if d.id != viewer.id and shares(d, day)]
    ratios = {d.id: ratios_of(months[d.id]) for d in adults if d.id in months and is_enough(months[d.id])}
    if all_opted_in(household):
        return _each(viewer, ratios, months) if ratios else None
    mean = _mean(ratios, LEAST_PEOPLE)
    return Others(len(ratios), mean) if mean else None


def shares(driver: Driver, day: str) -> bool:
    """Whether a driver takes part: opted in, of age, and somebody."""
    return "compare" in driver.consents and not is_minor(driver, day) and driver.id != UNKNOWN


def all_opted_in(household: Household) -> bool:
    """Whether nobody of the household keeps out, the young ones included, though these are not compared."""
    return bool(household.drivers) and all("compare" in d.consents for d in household.drivers)


def is_enough(driving: Driving) -> bool:
    return driving.trips >= LEAST_TRIPS and (driving.distance_m or 0.0) >= LEAST_M


def ratios_of(driving: Driving) -> dict[str, float]:
    known = {name: getattr(driving, name) for name in RATIOS}
    return {name: value for name, value in known.items() if value is not None}


def _mean(ratios: Mapping[str, Mapping[str, float]], least: int) -> dict[str, float]:
    out = {}
    for name in RATIOS:
        known = [each[name] for each in ratios.values() if name in each]
        if known and len(known) >= least:
            out[name] = sum(known) / len(known)
    return out


def _each(viewer: Driver, ratios: Mapping[str, Mapping[str, float]], months: Mapping[str, Driving]) -> Others:
    places = {}
    own = months.get(viewer.id)
    if own is not None and is_enough(own):
        mine = ratios_of(own)
        for name in RANKED:
            theirs = [each[name] for each in ratios.values() if name in each]
            if name in mine and theirs:
                places[name] = (1 + sum(value < mine[name] for value in theirs), 1 + len(theirs))
    members = [Member(id, dict(each)) for id, each in ratios.items()]
    return Others(len(members), _mean(ratios, 1), members, places)


def wards(viewer: Driver, household: Household, day: str) -> list[str]:
    """Whose whole report `viewer` sees on `day`: drivers under 18, with both consents."""
    if "guardian" not in viewer.consents or is_minor(viewer, day):
        return []
    return [d.id for d in household.drivers if d.id != viewer.id and is_minor(d, day) and "guardian" in d.consents]


def guardians(driver: Driver, household: Household, day: str) -> list[str]:
    """Who sees the report of this driver too: what they are told of it."""
    return [d.id for d in household.drivers if driver.id in wards(d, household, day)]


def pooled(own: str, viewer: Driver, household: Household, day: str) -> set[str]:
    """Whose trips the use of the car is told from: one's own, all adults' when nobody keeps out, and those of one's wards."""
    adults = {d.id for d in household.drivers if shares(d, day)} if all_opted_in(household) and shares(viewer, day) else set()
    return {own, *adults, *wards(viewer, household, day)}
