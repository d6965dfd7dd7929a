"""How many people drive this car, from how its trips scatter: a range, as wide as it has to be.

One person's scatter W is known from attributed trips (agent/style/who.py). What all trips scatter beyond that, several people
did. For 1 to MOST people the trips are taken as so many clouds of shape W; the number that fits best, less what so many would
fit by chance, is how many show. More than there are showed in none of 213 simulated cars, so that is `low`. Who
drives like another does not show: SEEN is how often, and by Bayes' rule with PEOPLE gives `likely` and `high`.

Without enough attributed trips W is not known, and neither is the answer: None. Doubts: whoever drove once or twice is not
seen; a holiday in another town looks like another person; the range is narrower than it should be when people drive more
alike than SEEN has it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from agent.style import FEATURES, WHOLE, Features
from agent.style.who import RATIO, Learned, Styles, Vector, distance2, is_known, root_of, solved, within

PEOPLE = (0.40, 0.40, 0.12, 0.06, 0.02)  # how often a car has so many drivers; no figure found, ours: mostly one or two
MOST = len(PEOPLE)
SEEN = (  # how often one, two, three or more show: 213 households of hil/drivers, 80 trips each, all overlaps; rounded
    (0.98, 0.01, 0.01),
    (0.70, 0.29, 0.01),
    (0.70, 0.28, 0.02),
    (0.60, 0.38, 0.02),
    (0.60, 0.38, 0.02),
)
LEFT_OUT = 0.05  # of the probability, above `high`
PLAINLY = 3.0  # twenty to one
FEWEST_KNOWN = 15.0  # attributed trips beyond each driver's first: then W is good to a third
FEWEST_TRIPS = 20  # to tell from; fewer show no cloud
LATEST_TRIPS = 120  # a few months; bounds the work to a tenth of a second or so
ROUNDS = 15  # of expectation-maximisation; what still moves then is far within the range


def estimate_people(trips: Sequence[Features], styles: Styles) -> tuple[int, int, int] | None:
    """(low, likely, high) from the `whole` features of trips, the latest last, attributed or not; None when it cannot be known.

    Never fewer than `styles` has learned; `high` is at most MOST, or as many as were learned.
    """
    names = FEATURES[WHOLE]
    learned = styles.windows.get(WHOLE, Learned())
    known = sum(d[0] - 1 for d in learned.drivers.values())
    complete = [x for x in ([trip.get(name, math.nan) for name in names] for trip in trips) if all(map(is_known, x))]
    if known < FEWEST_KNOWN or len(complete) < FEWEST_TRIPS:
        return None
    doubt = 1 + math.sqrt(2 / known)  # W's own standard error: rather too wide a cloud than one too many
    root = root_of([[x * doubt for x in row] for row in within(learned, list(names), list(range(len(names))))])
    if root is None:
        return None
    show = _showing([solved(root, x) for x in complete[-LATEST_TRIPS:]])
    return _range(show, max(show, len(learned.drivers)))


def _showing(points: list[Vector]) -> int:
    """One more cloud for as long as it is plainly better."""
    logs = [_evidence(points, n) for n in range(1, MOST + 1)]
    return next((n for n in range(1, MOST) if max(logs[n:]) < logs[n - 1] + PLAINLY), MOST)


def _range(show: int, low: int) -> tuple[int, int, int]:
    """So many show, and there are at least `low`."""
    if low >= MOST:
        return low, low, low
    shares = {n: PEOPLE[n - 1] * SEEN[n - 1][min(show, 3) - 1] for n in range(low, MOST + 1)}
    above = LEFT_OUT * sum(shares.values())
    high = next(n for n in range(MOST, low - 1, -1) if sum(p for m, p in shares.items() if m >= n) > above)
    return low, max(shares, key=lambda n: shares[n]), high


def _evidence(points: list[Vector], people: int) -> float:
    """The log likelihood of so many clouds of unit width, less what their places and shares would gain by chance."""
    centre = _mean(points, [1.0] * len(points))
    places, shares = _seeds(points, people), [1 / people] * people
    fits: list[Vector] = []
    for _ in range(ROUNDS):
        fits = [[s * math.exp(-distance2(x, p) / 2) for p, s in zip(places, shares, strict=True)] for x in points]
        parts = [[f / (sum(row) or 1.0) for f in row] for row in fits]
        counts = [sum(row[n] for row in parts) for n in range(people)]
        shares = [(c + 1) / (len(points) + people) for c in counts]
        places = [_drawn(points, [row[n] for row in parts], centre) for n in range(people)]
    fit = sum(math.log(sum(row) or 5e-324) for row in fits)
    size = len(centre)
    spent = sum(size * math.log1p(RATIO * c) + distance2(p, centre) / RATIO for c, p in zip(counts, places, strict=True))
    return fit - spent / 2 - (people - 1) / 2 * math.log(len(points))


def _seeds(points: list[Vector], people: int) -> list[Vector]:
    """The point nearest the middle, then each time the one farthest from those chosen."""
    middle = _mean(points, [1.0] * len(points))
    chosen = [min(points, key=lambda x: distance2(x, middle))]
    while len(chosen) < people:
        chosen.append(max(points, key=lambda x: min(distance2(x, c) for c in chosen)))
    return chosen


def _drawn(points: list[Vector], parts: Vector, centre: Vector) -> Vector:
    """A cloud's place: its points' mean, drawn to the centre as RATIO says."""
    kept = RATIO / (RATIO + 1 / max(sum(parts), 1e-9))
    return [c + kept * (m - c) for m, c in zip(_mean(points, parts), centre, strict=True)]


def _mean(points: list[Vector], parts: Vector) -> Vector:
    total = max(sum(parts), 1e-9)
    return [sum(x * w for x, w in zip(column, parts, strict=True)) / total for column in zip(*points, strict=True)]
