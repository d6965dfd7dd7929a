"""Material → Report: one for each person who is to have one. Everything in SI; words and units come later (document.py)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Literal, TypeAlias

import msgspec

from agent.config import Owner
from agent.household import UNKNOWN, Driver, Household, counts
from agent.localtime import days_of, months_back
from agent.report.compare import guardians, others, pooled, wards
from agent.report.driving import Driving, Totals, driving, net_of, per_100km, total
from agent.report.facts import Fact
from agent.report.report import (
    CHECKS,
    Best,
    CarTotals,
    Check,
    CheckName,
    Correction,
    Due,
    Gaps,
    Line,
    MonthValues,
    Notices,
    Relationship,
    Report,
    Ward,
)
from agent.report.rows import MONTHS_BACK, Row, detailed_months
from agent.report.use import Use, a_year, use

Record: TypeAlias = Literal["longest trip", "longest day", "lowest fuel", "lowest energy"]

OF_THE_CAR = (
    *("fault set", "fault cleared", "battery weak", "rebased"),
    *("service soon", "service due", "service reopened", "service done"),
)
BEST_OF_MONTHS = 3  # earlier months with a value, before one is called the best


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """All that a month's reports are made of; the shell fills it (agent/reporting.py)."""

    month: str
    made_day: str | None
    after_day: str  # the first day after the month
    owner: Owner
    vehicle: str
    household: Household
    rows: Sequence[Row]  # of the month and the twelve before it, the earlier first
    first_day: str | None = None  # of the first trip that is kept
    facts: Sequence[tuple[Fact, str | None]] = ()  # of the month, with the local day
    facts_left_out: int = 0
    attributed: Sequence[tuple[Fact, str, float | None]] = ()  # of trips already reported: (fact, its month, distance)
    unaccounted_m: float = 0.0
    undated_trips: int = 0
    undated_m: float = 0.0
    unreadable_trips: int = 0
    unsure: frozenset[str] = frozenset()  # ids of the month's trips that an unsure clock dated
    checks: Mapping[CheckName, str | None] = {}  # what was looked at → on which day last
    due: Sequence[Due] = ()
    notices: Notices = Notices()
    relationship: Relationship | None = None


def readers(material: Material) -> Iterator[Driver]:
    """Who has a report of this month: keepers when there is anything to tell, the others when they drove."""
    drove = {row.driver for row in material.rows if row.month == material.month}
    everyone = material.household.drivers
    if not any(d.is_keeper for d in everyone):
        everyone = (*everyone, material.household.owner)
    for each in everyone:
        if own_id(each, material) in drove or (each.is_keeper and (drove or material.facts)):
            yield each


def own_id(driver: Driver, material: Material) -> str:
    """Whose trips are the reader's own: while nobody has a profile the owner's are those that nothing else says."""
    return driver.id if material.household.drivers else material.owner.driver


def build(material: Material, reader: Driver) -> Report:
    """The report of one of `readers`."""
    own = own_id(reader, material)
    month, before, year_ago = detailed_months(material.month)
    now = _driven(material, own, month)
    first_day = f"{month}-01"
    with_use, share = _use(material, own, reader) if reader.is_keeper else (None, None)
    return Report(
        month=month,
        driver=reader.id,
        made_day=material.made_day,
        timezone=material.owner.timezone,
        language=reader.language,
        counts=counts(reader, material.owner),
        economy=material.owner.economy,
        limit_kmh=material.owner.over_speed_kmh,
        vehicle=material.vehicle,
        is_of_unknown=own == UNKNOWN,
        now=now,
        before=_if_driven(material, own, before),
        year_ago=_if_driven(material, own, year_ago),
        days_m=days_m(material, own),
        year=year(material, own),
        car=car_totals(material),
        others=others(reader, material.household, _months(material), first_day),
        wards=[
            Ward(id, driven)
            for id in wards(reader, material.household, material.after_day)
            if (driven := _if_driven(material, id, month)) is not None  # who has no report is not in another's
        ],
        seen_by=guardians(reader, material.household, material.after_day),
        use=with_use,
        use_share=share,
        checks=[Check(name, name in material.checks, material.checks.get(name)) for name in CHECKS],
        health=_lines(material, OF_THE_CAR),
        due=list(material.due),
        notices=material.notices,
        milestones=_lines(material, ("milestone",)),
        bests=bests(material, own),
        corrections=_corrections(material, own),
        gaps=_gaps(material, own, now),
        prompts=[line for line, fact in _found(material, ("prompt",)) if fact.driver in (None, reader.id)],
        relationship=material.relationship if reader.is_keeper else None,
    )


def _of(material: Material, driver: str, month: str) -> Iterator[Row]:
    return (row for row in material.rows if row.driver == driver and row.month == month)


def _driven(material: Material, driver: str, month: str) -> Driving:
    return driving(total(_of(material, driver, month)))


def _if_driven(material: Material, driver: str, month: str) -> Driving | None:
    """None when nothing of that month is kept: it cannot be told from a month without a trip."""
    found = _driven(material, driver, month)
    return found if found.trips or found.short_moves else None


def _months(material: Material) -> dict[str, Totals]:
    """This month of everyone with a profile: what comparisons are made of, when they may be."""
    return {d.id: total(_of(material, d.id, material.month)) for d in material.household.drivers}


def days_m(material: Material, driver: str) -> list[float]:
    out = [0.0] * days_of(material.month)
    for row in _of(material, driver, material.month):
        out[int(row.day[8:]) - 1] += row.of("distance_m") or 0.0
    return out


def year(material: Material, driver: str) -> list[MonthValues]:
    """The oldest first; months before the first trip that is kept are left out."""
    names = [months_back(material.month, n) for n in range(MONTHS_BACK, -1, -1)]
    known = [name for name in names if material.first_day is not None and name >= material.first_day[:7]]
    sums: dict[str, Counter[str]] = {name: Counter() for name in known}
    for row in material.rows:
        if row.driver == driver and row.month in sums:
            _add_up(sums[row.month], row)
    return [_month_values(name, sums[name]) for name in known]


def _add_up(sums: Counter[str], row: Row) -> None:
    distance_m = row.of("distance_m")
    if distance_m is None:
        return
    sums["distance_m"] += distance_m  # type: ignore[assignment]  # a Counter adds up floats as well
    for name, value in (("fuel_l", row.of("fuel_l")), ("net_kwh", net_of(row))):
        if value is not None:
            sums[name] += value  # type: ignore[assignment]
            sums[f"{name} over_m"] += distance_m  # type: ignore[assignment]


def _month_values(month: str, sums: Counter[str]) -> MonthValues:
    fuel, energy = (per_100km(float(sums[name]), float(sums[f"{name} over_m"])) for name in ("fuel_l", "net_kwh"))
    return MonthValues(month=month, distance_m=float(sums["distance_m"]), fuel_l_100km=fuel, energy_kwh_100km=energy)


def bests(material: Material, driver: str) -> list[Best]:
    """Against the months before that are kept, a year at the most; a record of two months is none."""
    values = year(material, driver)
    if len(values) == 1 and material.first_day is not None and material.first_day[:7] == material.month:
        return [Best("first month", 1.0, 1)]
    fuel, energy = [v.fuel_l_100km for v in values], [v.energy_kwh_100km for v in values]
    found = _record("lowest fuel", [None if each is None else -each for each in fuel])
    found += _record("lowest energy", [None if each is None else -each for each in energy])
    trips, days = _longest(material, driver, [v.month for v in values])
    return found + _record("longest trip", trips) + _record("longest day", days)


def _longest(material: Material, driver: str, months: Sequence[str]) -> tuple[list[float | None], list[float | None]]:
    """The longest trip and the longest day of each month; None of a month without any."""
    trip_m, day_m = dict.fromkeys(months, 0.0), dict.fromkeys(months, 0.0)
    days: Counter[str] = Counter()
    for row in material.rows:
        if row.driver == driver and row.month in trip_m:
            distance_m = row.of("distance_m") or 0.0
            days[row.day] += distance_m  # type: ignore[assignment]
            trip_m[row.month] = max(trip_m[row.month], distance_m)
            day_m[row.month] = max(day_m[row.month], float(days[row.day]))
    return [each or None for each in trip_m.values()], [each or None for each in day_m.values()]


def _record(
    what: Literal["longest trip", "longest day", "lowest fuel", "lowest energy"], values: list[float | None]
) -> list[Best]:
    """The last value, when it is the highest of enough."""
    *earlier, now = values or [None]
    known = [value for value in earlier if value is not None]
    if now is None or len(known) < BEST_OF_MONTHS or now <= max(known):
        return []
    return [Best(what, abs(now), len(known) + 1)]


def car_totals(material: Material) -> CarTotals:
    rows = [row for row in material.rows if row.month == material.month]
    fuel = [value for row in rows if (value := row.of("fuel_l")) is not None]
    energy = [value for row in rows if (value := net_of(row)) is not None]
    about = {name for row in rows for name in row.sums.estimated} & {"fuel_l", "energy_kwh"}
    return CarTotals(
        distance_m=sum(row.of("distance_m") or 0.0 for row in rows),
        fuel_l=sum(fuel) if fuel else None,
        energy_kwh=sum(energy) if energy else None,
        unknown_m=sum(row.of("distance_m") or 0.0 for row in rows if row.driver == UNKNOWN),
        estimated=sorted(about),
    )


def _use(material: Material, own: str, reader: Driver) -> tuple[Use, float | None]:
    """(the use of the car over the last year, the share of its distance that it rests on): of whom this reader may see. How
    far it goes in a year is of all who drive it."""
    since = f"{months_back(material.month, MONTHS_BACK - 1)}-01"
    seen = pooled(own, reader, material.household, material.after_day)
    rows = [row for row in material.rows if row.day >= since]
    first_day = max(since, material.first_day or since)
    days = (date.fromisoformat(material.after_day) - date.fromisoformat(first_day)).days
    found = use([row for row in rows if row.driver in seen], days)
    whole_m = sum(row.of("distance_m") or 0.0 for row in rows)
    # What each day came to is nobody's business but the matching's.
    told = msgspec.structs.replace(found, day_m=[], year_m=a_year(whole_m, days))
    return told, found.distance_m / whole_m if whole_m > 0 else None


def _found(material: Material, kinds: tuple[str, ...]) -> Iterator[tuple[Line, Fact]]:
    for fact, day in material.facts:
        if fact.kind in kinds:
            same = {name: getattr(fact, name) for name in Line.__struct_fields__ if name != "day"}
            yield Line(day=day, **same), fact


def _lines(material: Material, kinds: tuple[str, ...]) -> list[Line]:
    return [line for line, _ in _found(material, kinds)]


def _corrections(material: Material, own: str) -> list[Correction]:
    out = []
    for fact, month, distance_m in material.attributed:
        if own in (fact.driver, fact.before) and fact.driver != fact.before:
            out.append(Correction(month, "added" if fact.driver == own else "removed", distance_m))
    return out


def _gaps(material: Material, own: str, now: Driving) -> Gaps:
    return Gaps(
        unaccounted_m=material.unaccounted_m,
        undated_trips=material.undated_trips,
        undated_m=material.undated_m,
        unreadable_trips=material.unreadable_trips,
        unsure_trips=sum(row.trip_id in material.unsure for row in _of(material, own, material.month)),
        unobserved_share=now.unobserved_share,
        facts_left_out=material.facts_left_out,
    )
