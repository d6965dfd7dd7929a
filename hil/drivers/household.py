"""A simulated household: people whose styles overlap as much as published figures say, and their trips with one car.

The spreads were fixed before the classifier was written, and were not touched since. A person has a habit in three
traits; a trip shifts each (a mood, the weather, passengers); each start and each stop scatters on its own. Relative
standard deviations; where a trait's whole spread is published, a repeat correlation r cuts it into the person's part
(√r of it) and the trip's (√(1−r)).

Pace (speed held, against what the road allows):
- whole spread 14 % of the limit: UK Department for Transport, "Vehicle speeds in Great Britain 2002" (see hil/vehicle/style.py);
- r between two measurements of the same driver in free flow 0.49 … 0.81: Haglund and Åberg, "Stability in drivers' speed
  choice" (SWOV C 30592, abstract). Low overlap takes the upper end, high the lower, medium the middle, 0.65.
Acceleration:
- whole spread 0.08 / 0.60 = 13 %: Snare, Virginia Tech 2002 (see hil/vehicle/style.py);
- r "probably around 0.50 for the mean of a 30-min drive": af Wåhlberg, Accident Analysis and Prevention 36 (2004) 83–92
  (abstract). Medium takes it as it stands. It can also be meant for the halves of such a drive, or hold for longer drives
  than ours: by Spearman-Brown 0.67 for twice the length (low overlap), 0.33 for half of it (high overlap).
Braking:
- one stop from the next 28 %: 821 stops of El-Shawarby, Rakha et al., TRB 2007, between 1.51 and 7.47 m/s² around 3.27; a
  range of that many is 6.4 standard deviations (Tippett's factor for 800: from memory, check);
- of that variance 6.1 % is the driver's, 12.4 % driver's and trip's together: multilevel model over 37 drivers and 174 trips,
  "Modelling drivers' braking behaviour and comfort under normal driving" (PhD, Loughborough; combined OEM and TeleFOT data).
  One figure, so the same at all three overlaps.
Ours, for want of figures: starts scatter like stops (Transportation Research Record 1899, 2004, doi 10.3141/1899-01, finds "a
large, random component" in both, without a number in its abstract); who is brisk in one trait tends to be so in the others,
and so are moods, with correlation 0.5 (independent traits would be easier to tell apart); somebody slower is ahead on a third
of the stretches at most; routes say nothing about the person: all drive the same mix.

For comparison, from elsewhere, with more signals, or with routes that give the driver away: 15 drivers told apart "about nine
times out of ten" by the brake pedal alone in 15 minutes, closed set, one route (Enev et al., PETS 2016, from a report of it);
82 % for 4–5 drivers from GPS, 137 features, closed set, own routes (Journal of Advanced Transportation 2018, 9702730). van Ly
et al. (IV 2013) call their result for two similar drivers "anemic"; braking and turning tell more than accelerating.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

from hil.vehicle.commute import Block
from hil.vehicle.trace import KMH, Piece, Trace, sampled


class Spread(NamedTuple):
    """Relative standard deviations of the three traits."""

    pace: float
    accel: float
    brake: float


class Overlap(NamedTuple):
    """How people differ, and how one person differs from trip to trip."""

    people: Spread
    trips: Spread


PACE_SD = 0.14
ACCEL_SD = 0.133
STOP_SD = 0.28
BRAKE_DRIVER, BRAKE_TRIP = 0.061, 0.124 - 0.061  # shares of STOP_SD's variance
EVENT_SD = STOP_SD * math.sqrt(1 - BRAKE_DRIVER - BRAKE_TRIP)
SHARED = 0.5  # correlation between traits


def _overlap(r_pace: float, r_accel: float) -> Overlap:
    people = Spread(PACE_SD * math.sqrt(r_pace), ACCEL_SD * math.sqrt(r_accel), STOP_SD * math.sqrt(BRAKE_DRIVER))
    trips = Spread(PACE_SD * math.sqrt(1 - r_pace), ACCEL_SD * math.sqrt(1 - r_accel), STOP_SD * math.sqrt(BRAKE_TRIP))
    return Overlap(people, trips)


OVERLAPS = {
    "low": _overlap(0.81, 0.67),
    "medium": _overlap(0.65, 0.50),
    "high": _overlap(0.49, 0.33),
}

TOWN = (*[Block(180, 30, 0.5, (1, 6))] * 3, *[Block(420, 50, 0.55, (6, 45))] * 6)  # the stretches of hil/vehicle/commute.py
ROUTES = (
    TOWN + TOWN[::-1],
    (*TOWN, *[Block(1500, 80, 0.25, (4, 20))] * 3, *TOWN[3:]),
    (*TOWN, *[Block(1500, 80, 0.25, (4, 20))] * 2, *[Block(5000, 120, 0.0, (0, 0))] * 2, *TOWN[3:]),
)
LENGTH = (0.6, 1.5)  # another town each time
ROAD_PACE = (0.93, 1.02)  # as in hil/vehicle/commute.py: some stretches allow less than their limit
AHEAD_SHARE = 0.33  # stretches behind somebody else, who is slower or not
ACCEL_MS2 = 1.2  # as in hil/vehicle/commute.py
BRAKE_MS2 = 1.3
TAPER = (0.6, 0.6)  # beyond this share of the speed aimed at, this share of the acceleration
LIMIT_MS2 = 3.8  # tyres and a family car; see hil/vehicle/style.py
STANDS_S = (5.0, 20.0)  # from ignition-on to moving off; no figure found, the same for all


class TripOf(NamedTuple):
    """One trip: its driver's pseudonym and speeds at 1 Hz."""

    driver: str
    trace: Trace


def household(overlap: str, seed: int, people: int = 4, trips: int = 30) -> Iterator[TripOf]:
    """`trips` a person, in the order of time, all people mixed. Raises KeyError for an unknown overlap."""
    spread = OVERLAPS[overlap]
    rng = random.Random(f"household {overlap} {seed}")
    habits = {f"p{n + 1}": _traits(spread.people, rng) for n in range(people)}
    order = [name for name in habits for _ in range(trips)]
    rng.shuffle(order)
    for name in order:
        mood = _traits(spread.trips, rng)
        manner = Spread(*(math.exp(a + b) for a, b in zip(habits[name], mood, strict=True)))
        yield TripOf(name, sampled("trip", _pieces(manner, rng)))


def _traits(spread: Spread, rng: random.Random) -> Spread:
    common = rng.gauss(0, math.sqrt(SHARED))
    return Spread(*(sd * (common + rng.gauss(0, math.sqrt(1 - SHARED))) for sd in spread))


def _pieces(manner: Spread, rng: random.Random) -> Iterator[Piece]:
    """A way through random stretches, each begun at the speed of the one before."""
    yield Piece(rng.uniform(*STANDS_S), 0.0, 0.0)
    v_ms = 0.0
    blocks = [b._replace(length_m=b.length_m * rng.uniform(*LENGTH)) for b in rng.choice(ROUTES)]
    for index, block in enumerate(blocks):
        aim_ms = block.limit_kmh / KMH * manner.pace * rng.uniform(*ROAD_PACE)
        if rng.random() < AHEAD_SHARE:
            aim_ms = min(aim_ms, block.limit_kmh / KMH * math.exp(rng.gauss(0, PACE_SD)))
        stops = index == len(blocks) - 1 or rng.random() < block.stop_share
        run = list(_run(block.length_m, v_ms, aim_ms, stops, manner, rng))
        yield from run
        v_ms = run[-1].v1_ms
        if stops:
            yield Piece(rng.uniform(*block.wait_s) + 1, 0.0, 0.0)


def _run(length_m: float, v_ms: float, aim_ms: float, stops: bool, manner: Spread, rng: random.Random) -> Iterator[Piece]:
    """One stretch from v_ms: to the speed aimed at (less where there is no room for it), held, and to a stand if it stops."""
    accel = min(LIMIT_MS2, ACCEL_MS2 * manner.accel * math.exp(rng.gauss(0, EVENT_SD)))
    brake = BRAKE_MS2 * manner.brake * math.exp(rng.gauss(0, EVENT_SD))
    if stops:  # what is left of the way for the ramps bounds the peak
        room_ms2 = 2 * length_m / (1 / (TAPER[1] * accel) + 1 / brake)
        aim_ms = min(aim_ms, max(v_ms, math.sqrt(room_ms2)))
    ramps = list(_ramp(v_ms, aim_ms, accel, brake))
    last_m = aim_ms**2 / 2 / brake if stops else 0.0
    yield from ramps
    held_m = length_m - sum(p.distance_m for p in ramps) - last_m
    yield Piece(max(0.5, held_m / aim_ms), aim_ms, aim_ms)
    if stops:
        yield Piece(aim_ms / brake, aim_ms, 0.0)


def _ramp(v_ms: float, aim_ms: float, accel_ms2: float, brake_ms2: float) -> Iterator[Piece]:
    if aim_ms < v_ms:
        yield Piece((v_ms - aim_ms) / brake_ms2, v_ms, aim_ms)
        return
    turn_ms = max(v_ms, TAPER[0] * aim_ms)
    for v0_ms, v1_ms, a_ms2 in ((v_ms, turn_ms, accel_ms2), (turn_ms, aim_ms, TAPER[1] * accel_ms2)):
        if v1_ms > v0_ms:
            yield Piece((v1_ms - v0_ms) / a_ms2, v0_ms, v1_ms)
