"""Which cars of a catalogue would do for this use: a pure match, in SI, with what is not known beside what is.

Shown to the owner alone. Ranked by how a car would cope with the days that were driven, then by the energy of a year: nothing
here knows a price, a taste or a boot. Sources of the heat values: RED II, annex III (petrol 32, diesel 36 MJ/l).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from agent.report.use import Use, covered_share

MJ_PER = {"petrol": 32.0, "diesel": 36.0, "electric": 3.6}  # a litre, a litre, a kWh
ALMOST_ALL = 0.95  # of the days: on the others (a holiday) a stop to charge is what one expects anyway

EnergyKind = Literal["petrol", "diesel", "electric"]
Verdict = Literal["would do", "would do, charging on the way", "cannot tell", "would not do"]
VERDICTS: tuple[Verdict, ...] = ("would do", "would do, charging on the way", "cannot tell", "would not do")
"""In the order in which they are ranked."""


class Car(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A record of the catalogue. Economies in l/100 km, or kWh/100 km of an electric car; what it does not say is None."""

    name: str
    energy: EnergyKind
    range_km: float | None = None
    urban: float | None = None
    rural: float | None = None
    motorway: float | None = None
    seats: int | None = None
    tow_kg: float | None = None


class Wanted(msgspec.Struct, frozen=True):
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
    lacks: list[str] = []  # what was asked of it and it has not
    not_known: list[str] = []


def fit(cars: Iterable[Car], profile: Use, wanted: Wanted | None = None) -> list[Fit]:
    """Each car against the profile, the best first; equal ones in the order of their names."""
    found = [_match(car, profile, wanted or Wanted()) for car in cars]
    return sorted(found, key=lambda f: (VERDICTS.index(f.verdict), f.energy_mj_year is None, f.energy_mj_year or 0.0, f.name))


def _match(car: Car, profile: Use, wanted: Wanted) -> Fit:
    lacks, not_known = _asked(car, wanted)
    is_electric = car.energy == "electric"
    days_share = covered_share(profile.day_m, car.range_km * 1000) if is_electric and car.range_km is not None else None
    a_year = profile.days_driven / profile.days * 365.25 if profile.days else None
    amount = amount_100km(car, profile)
    amount_year = amount * profile.year_m / 100_000 if amount is not None and profile.year_m is not None else None
    if is_electric:
        not_known += ["range"] if car.range_km is None else ["range in winter"]
        not_known += [] if profile.day_m else ["days driven"]
    if amount is None:
        not_known.append("economy on these roads")
    if profile.year_m is None:
        not_known.append("distance a year")
    return Fit(
        name=car.name,
        energy=car.energy,
        verdict=_verdict(lacks, not_known, is_electric, days_share),
        days_share=days_share,
        longer_days_year=(1 - days_share) * a_year if days_share is not None and a_year is not None else None,
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
