"""Who drove, by style: what is learned from trips whose driver is known, and a guess with an honest probability.

The model is the one that speakers are told apart with in an open set (two covariances): a trip lies around its driver, and
each driver around what people are like.

    trip = driver + scatter(W)        driver = centre + difference(ρ·W)

W, how one person differs from trip to trip, is one matrix pooled over all drivers: few trips of each are enough for it. ρ,
how much people differ against that, is one number: a factor of its own for each feature was tried, and told nobody better
apart. Both begin at published figures and move to what this car shows. A known driver's trips are expected where theirs were,
the more narrowly the more were learned. A guest is one more driver of the same sort of people: expected anywhere in
W·(1 + ρ). Who drives as anybody could is therefore never sure, and the answer is `unknown`.

Densities are Student's t, W being an estimate itself; `sure` is the probability by Bayes' rule, GUEST_SHARE of all trips being
a guest's unless the caller knows better. A name takes both: to be sure, and a trip AGAINST_GUEST times likelier from that
driver than from a guest, which no prior can make up for. Nothing is fitted after that: what it comes to is measured, with
guests, by `python -m hil.drivers evaluate` (calibration error and guests taken for family, both at most 5 in 100).

Only sums are kept: in which order it was learned makes no difference, and a trip that was another's can be taken out again.

Doubts: a habit that changes is not forgotten. One W takes a moody driver for as steady as the others. With a single driver
learned the centre is that driver, and only a guest who drives very differently is told. Each trip counts as evidence of its own,
though two trips on one day share their weather.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from agent.style import FEATURES, WHOLE, Features

UNKNOWN = "unknown"
SURE_ENOUGH = 0.9  # one wrong name in ten at worst; measured 1 in 20, as AGAINST_GUEST asks for more
AGAINST_GUEST = 16.0  # times likelier than from a guest: then 2 % of the guests easiest to mistake pass (at 12: 3 %; at 8: 5 %)
GUEST_SHARE = 0.05  # of trips, by somebody of whom nothing is learned; ours: `sure` holds with none of them and with more
FEWEST_TRIPS = 3  # of one driver, before they are ever named: two may be one mood
WITHIN = {"launch": 0.18, "pick_up": 0.155, "stop": 0.163, "pace": 0.098}  # a real car's 28 drives, √(1 + RATIO) narrower
WITHIN_TRIPS = 5.0  # what WITHIN weighs against the car's own trips: it is of another car, on other roads
RATIO = 0.5  # variance between people over one person's own: r = 0.33 of repeated trips, the least in hil/drivers/household.py
RATIO_DRIVERS = 3.0  # what RATIO weighs against this car's own drivers: two people alone say little about people
SENSIBLE = 10.0  # a logarithm of m/s or m/s² beyond it is no feature of a car; infinity must not get into the sums
ROUNDS = 3  # of estimating ρ and the centre in turn; the third changes sure by less than 0.001

Vector: TypeAlias = list[float]


class Learned(msgspec.Struct, frozen=True):
    """One window's sums. `drivers`: trips, then each feature's sum. `products`: x·y of all trips, lower triangle by rows."""

    drivers: dict[str, tuple[float, ...]] = {}
    products: tuple[float, ...] = ()


class Styles(msgspec.Struct, frozen=True):
    """What was learned, by window. Replaced, never changed."""

    windows: dict[str, Learned] = {}


class Guess(msgspec.Struct, frozen=True):
    """`sure`: the probability that it was this driver; with `unknown`, that it was nobody of those learned."""

    driver: str
    sure: float


def learn(styles: Styles, driver: str, features: Mapping[str, Features]) -> Styles:
    """With one more trip of `driver`; `features` by window. A window with a feature missing is not learned, nor is `unknown`."""
    return _moved(styles, driver, features, 1)


def unlearn(styles: Styles, driver: str, features: Mapping[str, Features]) -> Styles:
    """Without a trip that was learned as this driver's; one of whom nothing is learned changes nothing."""
    return _moved(styles, driver, features, -1)


def posterior(
    styles: Styles, features: Mapping[str, Features], window: str = WHOLE, prior: Mapping[str, float] | None = None
) -> dict[str, float]:
    """The probability of each learned driver and of `unknown`; they sum to 1. Empty when there is nothing to go by.

    prior: how often each is expected to drive, in any unit, before the style is seen; by default all alike, and
    `unknown` GUEST_SHARE. Whom it leaves out cannot be the answer; whom it names though nothing is learned of them counts
    as unknown.
    """
    return _shares(_logs(styles, features, window), _weights(styles, window, prior))


def guess(
    styles: Styles, features: Mapping[str, Features], window: str = WHOLE, prior: Mapping[str, float] | None = None
) -> Guess:
    """The driver when sure enough, else `unknown`; see `posterior` for the arguments."""
    logs = _logs(styles, features, window)
    shares = _shares(logs, _weights(styles, window, prior))
    known = {d: p for d, p in shares.items() if d != UNKNOWN and styles.windows[window].drivers[d][0] >= FEWEST_TRIPS}
    best = max(known, key=lambda d: known[d], default=UNKNOWN)
    if best != UNKNOWN and known[best] >= SURE_ENOUGH and logs[best] - logs[UNKNOWN] >= math.log(AGAINST_GUEST):
        return Guess(best, known[best])
    return Guess(UNKNOWN, shares.get(UNKNOWN, 1.0))


def _logs(styles: Styles, features: Mapping[str, Features], window: str) -> dict[str, float]:
    """The logarithm of the trip's density under each driver learned and `unknown`; empty when there is nothing to go by."""
    learned, found = styles.windows.get(window), features.get(window, {})
    at = [i for i, name in enumerate(FEATURES.get(window, ())) if is_known(found.get(name, math.nan))]
    if learned is None or not learned.drivers or not at:
        return {}
    names = [FEATURES[window][i] for i in at]
    model = _model(learned, names, at)
    return model.logs([found[name] for name in names]) if model else {}


def _weights(styles: Styles, window: str, prior: Mapping[str, float] | None) -> dict[str, float]:
    """The prior over the drivers learned and `unknown`, in any unit."""
    drivers = styles.windows.get(window, Learned()).drivers
    if prior is None:
        return {**dict.fromkeys(drivers, (1 - GUEST_SHARE) / max(1, len(drivers))), UNKNOWN: GUEST_SHARE}
    weights = {d: max(0.0, prior.get(d, 0.0)) for d in drivers}
    named = sum(max(0.0, p) for d, p in prior.items() if d != UNKNOWN)
    guests = max(0.0, prior.get(UNKNOWN, named * GUEST_SHARE / (1 - GUEST_SHARE)))
    return weights | {UNKNOWN: guests + named - sum(weights.values())}


def _shares(logs: Mapping[str, float], weights: Mapping[str, float]) -> dict[str, float]:
    """Bayes' rule; empty when nothing is possible."""
    possible = [d for d in logs if weights[d] > 0]
    if not possible:
        return {}
    top = max(logs[d] for d in possible)
    joint = {d: max(0.0, weights[d]) * math.exp(min(0.0, logs[d] - top)) for d in logs}
    total = sum(joint.values())
    return {d: p / total for d, p in joint.items()}


# -- learning ------------------------------------------------------------------------------------


def _moved(styles: Styles, driver: str, features: Mapping[str, Features], sign: int) -> Styles:
    if driver == UNKNOWN:
        return styles
    windows = dict(styles.windows)
    for window, names in FEATURES.items():
        x = [features.get(window, {}).get(name, math.nan) for name in names]
        old = windows.get(window, Learned())
        if all(map(is_known, x)) and (sign > 0 or driver in old.drivers):
            windows[window] = _with(old, driver, x, sign)
    return Styles(windows)


def is_known(x: float) -> bool:
    """Whether it can be a feature: not NaN, and within what any car can do."""
    return -SENSIBLE < x < SENSIBLE


def _with(old: Learned, driver: str, x: Vector, sign: int) -> Learned:
    drivers = {**old.drivers, driver: _plus(old.drivers.get(driver, ()), [1.0, *x], sign)}
    if drivers[driver][0] < 1:
        del drivers[driver]
    products = _plus(old.products, [a * b for i, a in enumerate(x) for b in x[: i + 1]], sign)
    return Learned(drivers, products) if drivers else Learned()  # nobody: no rounding left behind either


def _plus(a: Sequence[float], b: Sequence[float], sign: int) -> tuple[float, ...]:
    return tuple(p + sign * q for p, q in zip(a or [0.0] * len(b), b, strict=True))


# -- the model -----------------------------------------------------------------------------------


class Model(NamedTuple):
    """In coordinates in which W is the unit matrix: where each driver's trips are expected, and how widely."""

    root: list[Vector]  # W's, as in `root_of`
    freedom: float  # degrees, of W
    expected: dict[str, tuple[Vector, float]]  # mean and variance

    def logs(self, x: Vector) -> dict[str, float]:
        """The logarithm of each density at `x`, but for what they share."""
        z = solved(self.root, x)
        size = len(z)
        return {
            d: -size / 2 * math.log(variance)
            - (self.freedom + size) / 2 * math.log1p(distance2(z, mean) / variance / self.freedom)
            for d, (mean, variance) in self.expected.items()
        }


def _model(learned: Learned, names: list[str], at: list[int]) -> Model | None:
    """For the features `at` these places; None when what is kept is no sum of trips."""
    freedom = WITHIN_TRIPS + sum(d[0] for d in learned.drivers.values()) - len(learned.drivers)
    root = root_of(within(learned, names, at))
    if root is None:
        return None
    trips = {name: d[0] for name, d in learned.drivers.items()}
    means = {name: solved(root, [d[1 + i] / d[0] for i in at]) for name, d in learned.drivers.items()}
    ratio, centre = _ratio(trips, means)
    expected = {}
    for name, mean in means.items():
        kept = _kept(ratio, trips[name])
        expected[name] = [c + kept * (m - c) for m, c in zip(mean, centre, strict=True)], 1 + ratio * (1 - kept)
    return Model(root, freedom, expected | {UNKNOWN: (centre, 1 + ratio + ratio / len(means))})


def within(learned: Learned, names: list[str], at: list[int]) -> list[Vector]:
    """W's lower triangle, for the features `names` at the places `at`: WITHIN and the car's own scatter, pooled."""
    drivers = learned.drivers.values()
    freedom = WITHIN_TRIPS + sum(d[0] for d in drivers) - len(drivers)
    rows = []
    for n, i in enumerate(at):
        own = [learned.products[i * (i + 1) // 2 + j] - sum(d[1 + i] * d[1 + j] / d[0] for d in drivers) for j in at[: n + 1]]
        own[n] += WITHIN_TRIPS * WITHIN[names[n]] ** 2
        rows.append([x / freedom for x in own])
    return rows


def _ratio(trips: Mapping[str, float], means: Mapping[str, Vector]) -> tuple[float, Vector]:
    """ρ and the centre from the drivers' means, W being 1: expectation-maximisation, RATIO counting as RATIO_DRIVERS more."""
    ratio, size = RATIO, len(next(iter(means.values())))
    centre = _centre(ratio, trips, means)
    for _ in range(ROUNDS):
        kept = {d: _kept(ratio, n) for d, n in trips.items()}
        seen = sum(kept[d] ** 2 * distance2(mean, centre) / size + (1 - kept[d]) * ratio for d, mean in means.items())
        ratio = (RATIO_DRIVERS * RATIO + seen) / (RATIO_DRIVERS + len(means) - 1)
        centre = _centre(ratio, trips, means)
    return ratio, centre


def _kept(ratio: float, trips: float) -> float:
    """How much of a driver's distance from the centre is to be believed after so many trips."""
    return ratio / (ratio + 1 / trips)


def _centre(ratio: float, trips: Mapping[str, float], means: Mapping[str, Vector]) -> Vector:
    weights = {d: _kept(ratio, n) for d, n in trips.items()}
    columns = zip(*([weights[d] * x for x in mean] for d, mean in means.items()), strict=True)
    total = sum(weights.values())
    return [sum(column) / total for column in columns]


# -- a triangle of numbers -------------------------------------------------------------------------


def root_of(rows: list[Vector]) -> list[Vector] | None:
    """Cholesky's lower root of a symmetric matrix given by its lower triangle; None when it has none."""
    root: list[Vector] = []
    for n, row in enumerate(rows):
        new: Vector = []
        for j, x in enumerate(row):
            rest = x - sum(a * b for a, b in zip(new, root[j] if j < n else new, strict=False))
            if j == n and rest <= 0:
                return None
            new.append(math.sqrt(rest) if j == n else rest / root[j][j])
        root.append(new)
    return root


def solved(root: list[Vector], x: Vector) -> Vector:
    """z with root·z = x."""
    z: Vector = []
    for row, value in zip(root, x, strict=True):
        z.append((value - sum(a * b for a, b in zip(row, z, strict=False))) / row[-1])
    return z


def distance2(a: Vector, b: Vector) -> float:
    return sum((p - q) ** 2 for p, q in zip(a, b, strict=True))
