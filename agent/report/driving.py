"""How it was driven: by one driver in one month, or over any trips. Ratios of sums, each over the trips that know both.

A ratio whose denominator is not known is absent. `estimated` names the fields that rest on an estimate; `covers` says of
which share of the distance a field rests, where it is not all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from agent.metrics.va_histogram_s import va95_limit_m2_s3, va95_m2_s3
from agent.report.rows import Row
from agent.tally import Sums, combine

Economy: TypeAlias = Literal["l/100km", "km/l", "mpg_us", "mpg_uk"]

COLD_SHORT_M = 5_000.0  # a petrol engine needs about so far until oil and catalyst are warm; none agrees on the number
LEAST_M = 1_000.0  # per 100 km, moving the car in a yard says nothing: below it there is no such ratio
LEAST_S = 1.0  # nor of what was over in a moment
WHOLE_SHARE = 0.995  # beyond it a sum is of the whole distance, to the digits that are shown
LEAST_L_100KM = 0.05  # a plug-in hybrid's month without its engine; it reads as 0.1 or 0.0
MPG_US, MPG_UK = 235.214_583, 282.480_936  # l/100 km × mpg: 3.785411784 l and 4.54609 l a gallon, 1.609344 km a mile

RESTS_ON: dict[str, tuple[str, ...]] = {
    "fuel_l_100km": ("fuel_l",),
    "energy_kwh_100km": ("energy_kwh", "regenerated_kwh"),
    "harsh_100km": ("harsh_brakes", "harsh_accels"),
    "idle_share": ("idle_s", "engine_s"),
    "night_share": ("night_s",),
    "over_speed_share": ("over_speed_s",),
    "band_shares": ("speed_band_m",),
}
"""Field of Driving → the metrics that it is made of."""


class Dynamics(msgspec.Struct, frozen=True):
    """v·a95 of a speed class in m²/s³ and the most that EU 2017/1151 allows a test drive at this mean speed."""

    va95_m2_s3: float
    limit_m2_s3: float
    mean_kmh: float


class Driving(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Sums and ratios; what is not known is absent. Shares are 0 to 1."""

    trips: int = 0
    short_moves: int = 0
    distance_m: float | None = None
    duration_s: float | None = None
    moving_s: float | None = None
    fuel_l: float | None = None
    energy_kwh: float | None = None  # drawn from the traction battery, less what came back
    fuel_l_100km: float | None = None
    energy_kwh_100km: float | None = None
    harsh_brakes: int | None = None
    harsh_accels: int | None = None
    harsh_100km: float | None = None  # both, per 100 km
    idle_share: float | None = None  # of the time with the engine turning
    band_shares: dict[str, float] = {}  # speed band in km/h → share of the distance
    cold_short_trips: int | None = None  # started cold, and over within 5 km
    cold_known_trips: int = 0  # of how many that is known
    night_share: float | None = None  # of the time, 22:00 to 06:00
    over_speed_s: float | None = None  # above the household's limit
    over_speed_share: float | None = None  # of the time
    dynamics: dict[str, Dynamics] = {}  # urban, rural, motorway
    unobserved_share: float | None = None  # of the time: nobody saw the speed
    estimated: list[str] = []
    covers: dict[str, float] = {}


class Totals(msgspec.Struct):
    """What trips add up to; `over_m`, `over_s` and `over_trips`: by metric, the distance, time and number of the trips that
    know it."""

    trips: int = 0
    short_moves: int = 0
    sums: Sums = Sums()
    over_m: Counter[str] = msgspec.field(default_factory=Counter)
    over_s: Counter[str] = msgspec.field(default_factory=Counter)
    over_trips: Counter[str] = msgspec.field(default_factory=Counter)
    driven_l: float = 0.0  # fuel of the trips that know their distance, too
    net_kwh: float = 0.0
    net_m: float = 0.0
    cold_short_trips: int = 0
    cold_known_trips: int = 0


def total(rows: Iterable[Row]) -> Totals:
    """All trips and short moves, the earlier first."""
    out = Totals()
    for row in rows:
        out.trips += row.kind == "trip"
        out.short_moves += row.kind != "trip"
        out.sums = combine(out.sums, row.sums)
        _cover(out, row)
    return out


def _cover(out: Totals, row: Row) -> None:
    distance_m, duration_s = row.of("distance_m"), row.of("duration_s")
    for name in row.sums.metrics:
        out.over_trips[name] += row.kind == "trip"
        if distance_m is not None:
            out.over_m[name] += distance_m  # type: ignore[assignment]  # a Counter adds up floats as well
        if duration_s is not None:
            out.over_s[name] += duration_s  # type: ignore[assignment]
    fuel_l = row.of("fuel_l")
    if fuel_l is not None and distance_m is not None:
        out.driven_l += fuel_l
    net_kwh = net_of(row)
    if net_kwh is not None and distance_m is not None:
        out.net_kwh += net_kwh
        out.net_m += distance_m
    cold = row.of("cold_starts")
    if cold is not None and distance_m is not None:
        out.cold_known_trips += 1
        out.cold_short_trips += bool(cold) and distance_m < COLD_SHORT_M


def net_of(row: Row) -> float | None:
    """kWh drawn from the traction battery less what came back; a car that tells no regeneration is taken at what it drew."""
    drawn = row.of("energy_kwh")
    return None if drawn is None else drawn - (row.of("regenerated_kwh") or 0.0)


def driving(totals: Totals) -> Driving:
    """The ratios."""
    m: Mapping[str, Any] = totals.sums.metrics
    harsh = m["harsh_brakes"] + m["harsh_accels"] if "harsh_brakes" in m and "harsh_accels" in m else None
    band_m: Mapping[str, float] = m.get("speed_band_m", {})
    found = Driving(
        trips=totals.trips,
        short_moves=totals.short_moves,
        distance_m=m.get("distance_m"),
        duration_s=m.get("duration_s"),
        moving_s=m.get("moving_s"),
        fuel_l=m.get("fuel_l"),
        energy_kwh=totals.net_kwh if totals.net_m else None,
        fuel_l_100km=per_100km(totals.driven_l, totals.over_m["fuel_l"]),
        energy_kwh_100km=per_100km(totals.net_kwh, totals.net_m),
        harsh_brakes=m.get("harsh_brakes"),
        harsh_accels=m.get("harsh_accels"),
        harsh_100km=per_100km(harsh, min(totals.over_m["harsh_brakes"], totals.over_m["harsh_accels"])),
        idle_share=_ratio(m.get("idle_s"), m.get("engine_s", 0.0)),
        band_shares=shares(band_m),
        cold_short_trips=totals.cold_short_trips if totals.cold_known_trips else None,
        cold_known_trips=totals.cold_known_trips,
        night_share=_ratio(m.get("night_s"), totals.over_s["night_s"]),
        over_speed_s=m.get("over_speed_s"),
        over_speed_share=_ratio(m.get("over_speed_s"), totals.over_s["over_speed_s"]),
        dynamics=dynamics_of(m),
        unobserved_share=_ratio(m.get("unobserved_s"), totals.over_s["unobserved_s"]),
    )
    return msgspec.structs.replace(found, estimated=_estimated(totals, found), covers=_covers(totals, found))


def per_100km(amount: float | None, over_m: float) -> float | None:
    return None if amount is None or over_m < LEAST_M else amount / over_m * 100_000


def _ratio(value_s: float | None, by_s: float) -> float | None:
    return None if value_s is None or by_s < LEAST_S else value_s / by_s


def _estimated(totals: Totals, found: Driving) -> list[str]:
    about = set(totals.sums.estimated)
    known = [name for name, metrics in RESTS_ON.items() if about & set(metrics) and getattr(found, name) not in (None, {})]
    return known + (["fuel_l"] if "fuel_l" in about else []) + (["energy_kwh"] if "energy_kwh" in about else [])


def _covers(totals: Totals, found: Driving) -> dict[str, float]:
    """Of which share of the distance a known field rests, where that is not all of it."""
    whole_m = totals.over_m["distance_m"]
    shares_of = {n: totals.over_m[m[0]] / whole_m for n, m in RESTS_ON.items() if whole_m and getattr(found, n) not in (None, {})}
    return {name: share for name, share in shares_of.items() if share < WHOLE_SHARE}


def shares(parts: Mapping[str, float]) -> dict[str, float]:
    """Each part of their sum; nothing when the sum is nothing."""
    whole = sum(parts.values())
    return {name: part / whole for name, part in parts.items()} if whole > 0 else {}


def dynamics_of(m: Mapping[str, Any]) -> dict[str, Dynamics]:
    """Per speed class; a class with too few seconds, or no known mean speed, is absent."""
    out = {}
    for name, value in va95_m2_s3(m.get("va_histogram_s", {})).items():
        sums = m.get("rpa_sum_m2_s2", {}).get(name, {})
        if sums.get("duration_s"):
            mean_kmh = sums["distance_m"] / sums["duration_s"] * 3.6
            out[name] = Dynamics(value, va95_limit_m2_s3(mean_kmh), mean_kmh)
    return out


def in_unit(l_100km: float, unit: Economy) -> float | None:
    """An economy in the owner's unit; None for one that has no value there (next to nothing burnt: endless miles a gallon)."""
    if unit == "l/100km":
        return l_100km
    if l_100km < LEAST_L_100KM:
        return None
    return {"km/l": 100.0, "mpg_us": MPG_US, "mpg_uk": MPG_UK}[unit] / l_100km
