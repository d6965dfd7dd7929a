"""How a car is used: how far, how long the trips and days are, on which roads, and how far a battery car would get with it.

Roads are told by speed alone, in the bands of `speed_band_m`: up to 50 km/h is urban, 70 to 90 rural, above 90 motorway. The
band from 50 to 70 lies across the line that EU 2017/1151 draws at 60: half of it counts here, half there, and `doubt_share` is
how far either may be off by that. A trunk road at 100 reads as motorway, and a jam on a motorway as urban: what a car burns
follows the speed, not the sign.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from agent.report.driving import shares
from agent.report.rows import Row

YEAR_DAYS = 365.25
PACE_DAYS = 28  # fewer say nothing of a year: as for Habits.pace
LENGTH_EDGES_M = (2_000.0, 5_000.0, 10_000.0, 20_000.0, 50_000.0, 100_000.0, 200_000.0)
RANGES_M = tuple(float(km) * 1000 for km in range(50, 651, 50))  # from a used small battery car to the longest there are
URBAN, ACROSS, RURAL = ("0", "0-30", "30-50"), "50-70", ("70-90",)


class Spread(msgspec.Struct, frozen=True):
    """Of lengths in metres: half are not longer than `median_m`, nine of ten not than `most_m`. `counts`: how many lie up to
    each of 2, 5, 10, 20, 50, 100 and 200 km (and not in the one before), then how many beyond."""

    median_m: float
    most_m: float
    longest_m: float
    counts: list[int]


class Covered(msgspec.Struct, frozen=True):
    """The share of the days with a trip that are no longer than `range_m`, the range that the car has on the road."""

    range_m: float
    days_share: float


class Use(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Over `days` days, of which `days_driven` had a trip. A year's distance is absent while too few days are known; in a report
    it is the car's, whoever drove, as totals are."""

    days: int
    days_driven: int
    trips: int
    distance_m: float
    year_m: float | None = None
    trip_lengths: Spread | None = None
    day_lengths: Spread | None = None
    urban_share: float | None = None
    rural_share: float | None = None
    motorway_share: float | None = None
    doubt_share: float | None = None
    covered: list[Covered] = []
    day_m: list[float] = []  # of the days with a trip, the shortest first: what `covered_share` asks


def use(rows: Iterable[Row], days: int) -> Use:
    """The use over the last `days` days; trips whose distance is not known are left out."""
    trip_m: list[float] = []
    by_day: Counter[str] = Counter()
    days_with_trip: set[str] = set()
    band_m: Counter[str] = Counter()
    for row in rows:
        distance_m = row.of("distance_m")
        if distance_m is None:
            continue
        by_day[row.day] += distance_m  # type: ignore[assignment]  # a Counter adds up floats as well
        band_m.update(row.sums.metrics.get("speed_band_m", {}))
        if row.kind == "trip":
            trip_m.append(distance_m)
            days_with_trip.add(row.day)
    day_m = sorted(by_day[day] for day in days_with_trip)  # one on which it was only moved in the yard is none
    driven_m = sum(by_day.values())
    return Use(
        days=days,
        days_driven=len(day_m),
        trips=len(trip_m),
        distance_m=driven_m,
        year_m=a_year(driven_m, days),
        trip_lengths=spread(sorted(trip_m)),
        day_lengths=spread(day_m),
        covered=[Covered(range_m, share) for range_m in RANGES_M if (share := covered_share(day_m, range_m)) is not None],
        day_m=list(day_m),
        **_roads(band_m),
    )


def a_year(distance_m: float, days: int) -> float | None:
    """What a distance over so many days comes to; None of too few."""
    return distance_m / days * YEAR_DAYS if days >= PACE_DAYS else None


def covered_share(day_m: Sequence[float], range_m: float) -> float | None:
    """Of the days with a trip (the shortest first), how many are within `range_m`; None without any."""
    return bisect_right(day_m, range_m) / len(day_m) if day_m else None


def spread(sorted_m: Sequence[float]) -> Spread | None:
    """None of no lengths."""
    if not sorted_m:
        return None
    n = len(sorted_m)
    counts = [0] * (len(LENGTH_EDGES_M) + 1)
    for each in sorted_m:
        counts[bisect_right(LENGTH_EDGES_M, each)] += 1
    return Spread(sorted_m[(n - 1) // 2], sorted_m[min(n - 1, n * 9 // 10)], sorted_m[-1], counts)


def _roads(band_m: dict[str, int]) -> dict[str, float]:
    share = shares(band_m)
    if not share:
        return {}
    half = share.get(ACROSS, 0.0) / 2
    urban = sum(share.get(band, 0.0) for band in URBAN) + half
    rural = sum(share.get(band, 0.0) for band in RURAL) + half
    slower = (*URBAN, ACROSS, *RURAL)
    motorway = sum(part for band, part in share.items() if band not in slower)  # 1 less the others is not quite 0 at 0
    return {"urban_share": urban, "rural_share": rural, "motorway_share": motorway, "doubt_share": half}
