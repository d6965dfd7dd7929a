"""Which cars of a catalogue would do for this use: a pure match, in SI, with what is not known beside what is.

Shown to the owner alone, until they ask for it to leave. Ranked by how a car would cope with the days that were driven, then by
the energy of a year: nothing here knows a price, a taste or a boot. Sources of the heat values: RED II, annex III (petrol 32,
diesel 36 MJ/l).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec

from agent.household import UNKNOWN, Household
from agent.report.rows import Row
from agent.report.use import PACE_DAYS, YEAR_DAYS, Use, covered_share, use

MJ_PER = {"petrol": 32.0, "diesel": 36.0, "electric": 3.6}  # a litre, a litre, a kWh
ALMOST_ALL = 0.95  # of the days: on the others (a holiday) a stop to charge is what one expects anyway
MOST = 0.5  # of the days: a car that has to charge on the way more often than not is not one for this use
LEAST_DAYS = 20  # driven: of fewer, one day alone is more than what ALMOST_ALL leaves

S = TypeVar("S", bound=msgspec.Struct)

EnergyKind = Literal["petrol", "diesel", "electric"]
Verdict = Literal["would do", "would do, charging on the way", "cannot tell", "would not do"]
VERDICTS: tuple[Verdict, ...] = ("would do", "would do, charging on the way", "cannot tell", "would not do")
"""In the order in which they are ranked."""

RangeKm: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=3_000)]  # more is metres
Economy: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=200)]  # more is another unit: a lorry needs some 40 l, or 150 kWh


class Car(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A record of the catalogue. Economies in l/100 km, or kWh/100 km of an electric car; what it does not say is None."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    energy: EnergyKind
    range_km: RangeKm | None = None
    urban: Economy | None = None
    rural: Economy | None = None
    motorway: Economy | None = None
    seats: Annotated[int, msgspec.Meta(ge=1)] | None = None
    tow_kg: Annotated[float, msgspec.Meta(ge=0)] | None = None


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the owner asks of any car; the unit cannot see it. None: nothing asked."""

    seats: int | None = None
    tow_kg: float | None = None


class Fit(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How one car would do. `amount_100km` and `amount_year`: litres, or kWh of an electric car."""

    name: str
    energy: EnergyKind
    verdict: Verdict
    days_share: float | None = None  # of the driven days, within its range; a car that is filled up in minutes has none
    longer_days_year: float | None = None  # days a year on which it would have to charge on the way
    amount_100km: float | None = None
    amount_year: float | None = None
    energy_mj_year: float | None = None
    lacks: list[str] = []  # what was asked of it, or needed on most days, and it has not
    not_known: list[str] = []


class Basis(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a use was taken from: trips from `first_day`, of the first, to `last_day`; local days, a year at the most."""

    first_day: str
    last_day: str
    days: int
    days_driven: int
    trips: int
    distance_m: float
    car_share: float | None = None  # of what the car drove in these days; absent: all of it


def taken_from(rows: Sequence[Row], driver: str | None, last_day: str) -> tuple[Use, Basis] | None:
    """The use up to `last_day` of one driver, or None: of the car, and what it rests on; None without a trip."""
    own = [row for row in rows if driver in (None, row.driver)]
    if not any(row.kind == "trip" for row in own):
        return None
    first_day = min(row.day for row in own)
    profile = use(own, (date.fromisoformat(last_day) - date.fromisoformat(first_day)).days + 1)
    whole_m = sum(row.of("distance_m") or 0.0 for row in rows if row.day >= first_day)
    return profile, Basis(
        first_day=first_day,
        last_day=last_day,
        days=profile.days,
        days_driven=profile.days_driven,
        trips=profile.trips,
        distance_m=profile.distance_m,
        car_share=profile.distance_m / whole_m if driver is not None and whole_m > 0 else None,
    )


def fit(cars: Iterable[Car], profile: Use, wanted: Wanted | None = None) -> list[Fit]:
    """Each car against the profile, the best first; equal ones in the order of their names."""
    found = [_match(car, profile, wanted or Wanted()) for car in cars]
    return sorted(found, key=lambda f: (VERDICTS.index(f.verdict), f.energy_mj_year is None, f.energy_mj_year or 0.0, f.name))


def is_enough(profile: Use) -> bool:
    """Whether so much is known that a year, and the days of a battery car, can be told of it."""
    return profile.days >= PACE_DAYS and profile.days_driven >= LEAST_DAYS


LEAVING = {
    "days_share": 3,
    "longer_days_year": 0,
    "amount_100km": 1,
    "amount_year": -1,
    "energy_mj_year": -2,
    "distance_m": -4,
    "car_share": 2,
}
"""Field → the digits with which it leaves: what a person reads. More would tell the roads and the days themselves."""


def rounded(found: S) -> S:
    """A Fit or a Basis as it leaves."""
    known = {name: getattr(found, name, None) for name in LEAVING}
    return msgspec.structs.replace(found, **{n: round(value, LEAVING[n]) for n, value in known.items() if value is not None})


def withheld(household: Household, driver: str | None, drove: Iterable[str] = ()) -> list[str]:
    """Who has not agreed (`fit`) that it leaves the unit. A driver's own use takes their own word. The car's (None) takes that
    of everyone with a profile, for trips of `unknown` may be anybody's, or the owner's while nobody has one; and of everyone
    else who `drove`."""
    everyone = household.drivers or (household.owner,)
    asked = [driver] if driver is not None else dict.fromkeys([*(d.id for d in everyone), *sorted({*drove} - {UNKNOWN})])
    known = {id: household.known(id) for id in asked}
    return [id for id, each in known.items() if each is None or "fit" not in each.consents]


def _match(car: Car, profile: Use, wanted: Wanted) -> Fit:
    lacks, not_known = _asked(car, wanted)
    is_electric = car.energy == "electric"
    is_told = is_electric and car.range_km is not None and is_enough(profile)
    days_share = covered_share(profile.day_m, (car.range_km or 0.0) * 1000) if is_told else None
    lacks += ["range"] if days_share is not None and days_share < MOST else []
    amount = amount_100km(car, profile)
    amount_year = amount * profile.year_m / 100_000 if amount is not None and profile.year_m is not None else None
    if is_electric:
        not_known += ["range"] if car.range_km is None else ["range in winter"]
        not_known += [] if is_enough(profile) else ["enough days"]
    if amount is None:
        not_known.append("economy on these roads")
    if profile.year_m is None:
        not_known.append("distance a year")
    return Fit(
        name=car.name,
        energy=car.energy,
        verdict=_verdict(lacks, not_known, is_electric, days_share),
        days_share=days_share,
        longer_days_year=(1 - days_share) * profile.days_driven / profile.days * YEAR_DAYS if days_share is not None else None,
        amount_100km=amount,
        amount_year=amount_year,
        energy_mj_year=amount_year * MJ_PER[car.energy] if amount_year is not None else None,
        lacks=lacks,
        not_known=not_known,
    )


def amount_100km(car: Car, profile: Use) -> float | None:
    """Its economy on the roads of the profile; None when that of a road that is driven is not known."""
    parts = ((profile.urban_share, car.urban), (profile.rural_share, car.rural), (profile.motorway_share, car.motorway))
    whole = 0.0
    for share, economy in parts:
        if share is None or (economy is None and share > 0):
            return None
        whole += share * (economy or 0.0)
    return whole


def _asked(car: Car, wanted: Wanted) -> tuple[list[str], list[str]]:
    """(what it lacks, what nobody knows of it) of what was asked."""
    asked = (("seats", wanted.seats, car.seats), ("towing", wanted.tow_kg, car.tow_kg))
    lacks = [name for name, want, has in asked if want is not None and has is not None and has < want]
    return lacks, [name for name, want, has in asked if want is not None and has is None]


def _verdict(lacks: list[str], not_known: list[str], is_electric: bool, days_share: float | None) -> Verdict:
    if lacks:
        return "would not do"
    if {"seats", "towing"} & set(not_known) or (is_electric and days_share is None):
        return "cannot tell"
    if days_share is not None and days_share < ALMOST_ALL:
        return "would do, charging on the way"
    return "would do"
