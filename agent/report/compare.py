"""What one person may see of the others in the household. Against one's own past first; the rest is opt-in, person by person.

| of | what | is seen |
|---|---|---|
| the car | km, fuel, energy, km a year | by everybody, always |
| oneself | everything | by oneself |
| other adults who opted in (`compare`) | the mean of their ratios | by who opted in, each ratio from LEAST_PEOPLE who know it |
| the same, when nobody of the household keeps out | each one's ratios; the car's use by all of them | by who opted in: all did |
| a driver under 18 | the figures of their own report | by an adult, when each one's `guardian` names the other, never in a   |
|                   |                                 | comparison; out of the unit only where their own report goes (`report`) |
| `unknown`, and who has no profile | nothing | counted in the car's totals alone |

A ratio counts that is known over LEAST_TRIPS and LEAST_M, so that one trip's time and way are not told as a mean. Totals of the
car are everybody's: where two people drive, the other's km and fuel follow from them, and nothing here hides that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from agent.household import UNKNOWN, Driver, Household, agreed_with, is_minor
from agent.report.driving import RESTS_ON, Totals, driving

LEAST_PEOPLE = 3
LEAST_TRIPS, LEAST_M = 3, 50_000.0
RATIOS = ("fuel_l_100km", "energy_kwh_100km", "harsh_100km", "idle_share", "night_share", "over_speed_share")
"""Fields of Driving that are compared."""

RANKED = ("fuel_l_100km", "energy_kwh_100km")  # less is better whoever drives where; of the others it is not as plain


class Member(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of the others, by the id that stands in events; ratios that are not known are absent."""

    driver: str
    ratios: dict[str, float]
    estimated: list[str] = []


class Others(msgspec.Struct, frozen=True, omit_defaults=True):
    """`mean` of so many `people` at the most; `members` only when all opted in. `places`: ratio → (own place, of how many).
    `estimated`: the ratios whose mean rests on an estimate of anybody's."""

    people: int
    mean: dict[str, float] = {}
    members: list[Member] = []
    places: dict[str, tuple[int, int]] = {}
    estimated: list[str] = []


def others(viewer: Driver, household: Household, months: Mapping[str, Totals], day: str) -> Others | None:
    """What `viewer` sees of the others' month; `day` is its first. None when there is nothing to show, or they keep out."""
    if not shares(viewer, day):
        return None
    people = {d.id: d.person or d.id for d in household.drivers}
    own = people.get(viewer.id, viewer.id)
    adults = [d.id for d in household.drivers if people[d.id] != own and shares(d, day)]
    members = [member for id in adults if id in months and (member := comparable(id, months[id])).ratios]
    if all_opted_in(household):
        mine = comparable(viewer.id, months.get(viewer.id, Totals()))
        return _each(mine.ratios, members) if members else None
    counted = {name: {people[m.driver] for m in members if name in m.ratios} for name in RATIOS}
    told = [name for name in RATIOS if len(counted[name]) >= LEAST_PEOPLE]  # not profiles: a person may have made two
    return _mean(told, members, len({people[m.driver] for m in members})) if told else None


def shares(driver: Driver, day: str) -> bool:
    """Whether a driver takes part: opted in, of age, and somebody."""
    return "compare" in driver.consents and not is_minor(driver, day) and driver.id != UNKNOWN


def all_opted_in(household: Household) -> bool:
    """Whether nobody of the household keeps out, the young ones included, though these are not compared."""
    return bool(household.drivers) and all("compare" in d.consents for d in household.drivers)


def comparable(driver: str, totals: Totals) -> Member:
    """The ratios of a month that are known over enough of it; those that are not are absent."""
    found = driving(totals)
    known = {name: getattr(found, name) for name in RATIOS if is_enough(totals, RESTS_ON[name][0])}
    ratios = {name: value for name, value in known.items() if value is not None}
    return Member(driver, ratios, [name for name in ratios if name in found.estimated])


def is_enough(totals: Totals, metric: str) -> bool:
    """Whether so many trips and metres know it: a month's ratio may rest on one trip of it."""
    return totals.over_trips[metric] >= LEAST_TRIPS and totals.over_m[metric] >= LEAST_M


def _mean(names: Iterable[str], members: list[Member], people: int) -> Others:
    """Of these ratios, each of who knows it."""
    known = {name: theirs for name in names if (theirs := [m.ratios[name] for m in members if name in m.ratios])}
    about = [name for name in known if any(name in m.estimated for m in members)]
    return Others(people, {name: sum(theirs) / len(theirs) for name, theirs in known.items()}, estimated=about)


def _each(mine: Mapping[str, float], members: list[Member]) -> Others:
    places = {}
    for name in RANKED:
        theirs = [m.ratios[name] for m in members if name in m.ratios]
        if name in mine and theirs:
            places[name] = (1 + sum(value < mine[name] for value in theirs), 1 + len(theirs))
    return msgspec.structs.replace(_mean(RATIOS, members, len(members)), members=members, places=places)


def wards(viewer: Driver, household: Household, day: str) -> list[str]:
    """Whose figures `viewer` sees on `day`: drivers under 18, when each of the two names the other. Where the viewer's report
    leaves the unit the young one's does too: else it would show abroad what its driver keeps here, and does not see there."""
    if is_minor(viewer, day):
        return []
    named = [d for d in household.drivers if d.id in agreed_with(viewer) and viewer.id in agreed_with(d)]
    young = [d for d in named if is_minor(d, day)]
    return [d.id for d in young if "report" in d.consents or "report" not in viewer.consents]


def guardians(driver: Driver, household: Household, day: str) -> list[str]:
    """Who sees the figures of this driver too: what they are told of it. The owner is among them while nobody is a keeper."""
    viewers = {d.id: d for d in (*household.drivers, *household.keepers())}
    return [id for id, each in viewers.items() if driver.id in wards(each, household, day)]


def pooled(own: str, viewer: Driver, household: Household, day: str) -> set[str]:
    """Whose trips the use of the car is told from: one's own, and all adults' when nobody keeps out. Not those of one's wards:
    their own report has no such part, and they see what is seen of them."""
    adults = {d.id for d in household.drivers if shares(d, day)} if all_opted_in(household) and shares(viewer, day) else set()
    return {own, *adults}
