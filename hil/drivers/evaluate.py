"""How well style tells the drivers of a car: trip after trip, each judged before it is learned.

Every figure is of trips in their order of time: what is learned when a trip is judged are the trips before it, each with
its true driver, as if the household had answered after each. So nothing of a trip, or of a later one, is known when it is
judged; its early window is a part of itself only.

| measured | how |
|---|---|
| accuracy, confusion | all drivers are family |
| guests | each driver in turn is never learned, the others are: how often that driver's trips get a name |
| calibration | the likeliest name and its probability, in ten bins, over those runs; guests weighed to GUEST_SHARE of all trips |
| calibration, closed | the same with no guest at all |
| shuffled | accuracy, forced, with each car's labels dealt out anew: chance, or something leaks |
| one feature | accuracy, forced, by the nearest mean of `launch` alone |

Forced: the likeliest name, never `unknown`. A trip is judged once each driver learned has FEWEST_TRIPS; the error is the mean
distance between probability and frequency, weighed by the bins' trips.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from statistics import fmean
from typing import NamedTuple, TypeAlias

import msgspec

from agent.style import WHOLE, Features
from agent.style.who import FEWEST_TRIPS, GUEST_SHARE, UNKNOWN, Styles, guess, learn, posterior
from hil.drivers.trips import Told

Car: TypeAlias = Sequence[Told]
BINS = 10
BASELINE = "launch"


class Bin(msgspec.Struct, frozen=True):
    """One row of the reliability table: trips (weighed), the probability given, how often it was right."""

    trips: float
    sure: float
    right: float


class Report(msgspec.Struct, frozen=True):
    """Shares are 0–1, errors in percentage points; None where no trip could be judged."""

    trips: int
    judged: int
    told: float | None  # of those judged
    right_of_told: float | None
    right_of_all: float | None
    forced: float | None
    chance: float | None
    shuffled: float | None
    one_feature: float | None
    guest_trips: int
    guests_named: float | None
    calibration_error: float | None
    calibration_error_closed: float | None
    reliability: list[Bin]
    confusion: dict[str, dict[str, int]]  # true driver → answer; of one car only, names being its own


class Judged(NamedTuple):
    """One trip as it was judged. `drivers`: how many there were to choose from."""

    true: str
    answer: str
    likeliest: str
    sure: float  # of the likeliest
    drivers: int
    is_guest: bool


def report(cars: Iterable[Car], window: str = WHOLE, passed: Callable[[], object] = lambda: None) -> Report:
    """Over several cars, each by itself; `passed` is called after each."""
    trips = 0
    closed: list[Judged] = []
    opened: list[Judged] = []
    shuffled: list[Judged] = []
    single: list[bool] = []
    for n, car in enumerate(cars):
        names = sorted({told.driver for told in car})
        trips += len(car)
        closed += judged(car, names, window)
        for guest in names if len(names) > 1 else ():
            opened += judged(car, [name for name in names if name != guest], window)
        shuffled += judged(dealt(car, n), names, window)
        single += nearest(car, names, window)
        passed()
    guests = [j for j in opened if j.is_guest]
    reliability = bins((j, weight) for j, weight in weighed(opened))
    return Report(
        trips=trips,
        judged=len(closed),
        told=_share(j.answer != UNKNOWN for j in closed),
        right_of_told=_share(j.answer == j.true for j in closed if j.answer != UNKNOWN),
        right_of_all=_share(j.answer == j.true for j in closed),
        forced=_share(j.likeliest == j.true for j in closed),
        chance=fmean(1 / j.drivers for j in closed) if closed else None,
        shuffled=_share(j.likeliest == j.true for j in shuffled),
        one_feature=_share(single),
        guest_trips=len(guests),
        guests_named=_share(j.answer != UNKNOWN for j in guests),
        calibration_error=error(reliability),
        calibration_error_closed=error(bins((j, 1.0) for j in closed)),
        reliability=reliability,
        confusion=confusion(closed),
    )


def judged(car: Car, family: Collection[str], window: str) -> Iterator[Judged]:
    """The car's trips in order, those of the family learned once judged; who is not in it is a guest."""
    styles, trips = Styles(), Counter[str]()
    for true, features in car:
        if all(trips[name] >= FEWEST_TRIPS for name in family):
            shares = {d: p for d, p in posterior(styles, features, window).items() if d != UNKNOWN}
            if shares:
                best = max(shares, key=lambda d: shares[d])
                answer = guess(styles, features, window).driver
                yield Judged(true, answer, best, shares[best], len(shares), true not in family)
        if true in family:
            before, styles = styles, learn(styles, true, features)
            trips[true] += styles.windows.get(window) != before.windows.get(window)


def dealt(car: Car, seed: int) -> list[Told]:
    """The same trips, each with the label of another."""
    names = [told.driver for told in car]
    random.Random(f"shuffled {seed}").shuffle(names)
    return [told._replace(driver=name) for told, name in zip(car, names, strict=True)]


def nearest(car: Car, family: Collection[str], window: str) -> Iterator[bool]:
    """Whether the nearest mean of one feature is the driver's own, for each trip that has it."""
    seen: dict[str, list[float]] = {name: [] for name in family}
    for true, features in car:
        x = features.get(window, Features()).get(BASELINE)
        if x is None:
            continue
        if all(len(xs) >= FEWEST_TRIPS for xs in seen.values()):
            means = {name: fmean(xs) for name, xs in seen.items()}
            yield min(means, key=lambda name: abs(means[name] - x)) == true
        seen[true].append(x)


def weighed(opened: Sequence[Judged]) -> Iterator[tuple[Judged, float]]:
    """Each with a weight that makes guests GUEST_SHARE of all: left out in turn, they are far more."""
    guests = sum(j.is_guest for j in opened)
    for j in opened:
        yield j, (GUEST_SHARE / guests if j.is_guest else (1 - GUEST_SHARE) / (len(opened) - guests)) * len(opened)


def bins(pairs: Iterable[tuple[Judged, float]]) -> list[Bin]:
    """The reliability table of the likeliest name; empty bins are left out."""
    table: dict[int, list[tuple[float, float, bool]]] = {}
    for j, weight in pairs:
        table.setdefault(min(BINS - 1, int(j.sure * BINS)), []).append((weight, j.sure, j.likeliest == j.true))
    rows = []
    for _, members in sorted(table.items()):
        total = sum(w for w, _, _ in members)
        rows.append(Bin(total, sum(w * p for w, p, _ in members) / total, sum(w for w, _, ok in members if ok) / total))
    return rows


def error(table: Sequence[Bin]) -> float | None:
    """The expected calibration error, in percentage points."""
    total = sum(row.trips for row in table)
    return 100 * sum(row.trips * abs(row.sure - row.right) for row in table) / total if total else None


def confusion(closed: Iterable[Judged]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for j in closed:
        row = table.setdefault(j.true, {})
        row[j.answer] = row.get(j.answer, 0) + 1
    return {true: dict(sorted(row.items())) for true, row in sorted(table.items())}


def _share(hits: Iterable[bool]) -> float | None:
    counted = list(hits)
    return sum(counted) / len(counted) if counted else None
