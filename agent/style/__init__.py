"""How a trip is driven, in four numbers that speed alone gives; what agent/style/who.py tells persons by.

Each is the logarithm of a mean over the window, so that a person's habit adds to the road's share:

| feature | mean of | over the seconds in which |
|---|---|---|
| launch | acceleration | it speeds up, below 30 km/h |
| pick_up | acceleration | it speeds up, from 30 to 60 km/h |
| stop | deceleration | it slows down, from 40 to 5 km/h |
| pace | speed (the median, not the mean) | it holds a speed between 25 and 70 km/h |

They are of the driver's choosing rather than the route's: a start is a start on any road, and town is on nearly every way.
The median needs no map and no speed limits, as long as most of the town's driving is under one limit.
A feature with too few seconds behind it is absent. Left out, as nothing at hand could show what they add (no labelled
recording has them, no published spread was found to simulate them by): pedals, engine speed, coasting, jerk (a source of
1 Hz does not have it), the time from ignition-on to moving off, speeds outside town (limits there lie too close together to
tell a fast driver from the next higher limit).

Doubt: where 30 and 50 km/h are equally common, `pace` scatters more and then tells less; it is not made wrong by that, as
the scatter is learned from this car. Hills and load are not seen; another engine would change `launch`: one car, one set.
"""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TypeAlias

import msgspec

from agent.model import Step

Features: TypeAlias = dict[str, float]
"""By name: natural logarithms of m/s², of m/s for pace. What is not known is absent."""

EARLY, WHOLE = "early", "whole"
FEATURES = {EARLY: ("launch", "stop", "pace"), WHOLE: ("launch", "pick_up", "stop", "pace")}  # few early minutes hold a pick-up
EARLY_S = 300.0  # s of moving: about five starts and stops in town, the fewest that say something, and soon enough to be of use
MOVING_MS = 1 / 3.6  # below 1 km/h is a stop, as in the metrics
CHANGING_MS2 = 0.3  # gentler is holding a speed: one count of a source in whole km/h is 0.28 m/s² over a second
PLAUSIBLE_MS2 = 12.0  # beyond tyres, as in the metrics
LAUNCH_BELOW_MS = 30 / 3.6
PICK_UP_BELOW_MS = 60 / 3.6  # beyond it the engine decides more than the foot
STOP_MS = (5 / 3.6, 40 / 3.6)  # below it is rolling out; above it, slowing for another limit
TOWN_MS = (25 / 3.6, 70 / 3.6)  # 50 km/h, and as much as anybody drives slower or faster there
HELD_BINS = 24  # of 4 % each: a third of what people differ by (hil/drivers/household.py), and interpolated
PER_BIN = math.log(TOWN_MS[1] / TOWN_MS[0]) / HELD_BINS
FEWEST_MS = 15.0  # speed gained or lost in all: about two starts, or two stops; one alone is chance
FEWEST_HELD_S = 20.0  # a stretch or two


class Sums(msgspec.Struct, frozen=True):
    """`changes`: for launch, pick_up and stop, the speed gained or lost in m/s, and in how many s. `held`: s by bin of speed."""

    changes: tuple[float, ...] = (0.0,) * 6
    held: tuple[float, ...] = (0.0,) * HELD_BINS


class WatchState(msgspec.Struct, frozen=True):
    """As written with each commit: the trip so far, and what it was when EARLY_S of moving were over."""

    moved_s: float = 0.0
    whole: Sums = Sums()
    early: Sums | None = None


class Watch:
    """Fed with the trip's steps; `state()` and the constructor are the way through a power cut. Reversing does not count."""

    def __init__(self, state: WatchState | None = None) -> None:
        kept = state or WatchState()
        self._moved_s = kept.moved_s
        self._changes = list(kept.whole.changes)
        self._held = list(kept.whole.held)
        self._early = kept.early

    def step(self, step: Step) -> None:
        self.second(step.dt_s, step.v0_ms, step.v1_ms)

    def second(self, dt_s: float, v0_ms: float, v1_ms: float) -> None:
        """A step that took `dt_s`, from the one speed to the other."""
        v_ms = (v0_ms + v1_ms) / 2
        if v_ms < MOVING_MS or dt_s <= 0:
            return
        gain_ms = v1_ms - v0_ms
        if -PLAUSIBLE_MS2 * dt_s <= gain_ms <= PLAUSIBLE_MS2 * dt_s:
            self._count(v_ms, gain_ms, dt_s)
        self._moved_s += dt_s
        if self._early is None and self._moved_s >= EARLY_S:
            self._early = self._sums()

    def _count(self, v_ms: float, gain_ms: float, dt_s: float) -> None:
        """Take one second's change of speed, or the speed held, to the feature it belongs to."""
        changes = self._changes
        if gain_ms > CHANGING_MS2 * dt_s:
            if v_ms < PICK_UP_BELOW_MS:
                at = 0 if v_ms < LAUNCH_BELOW_MS else 2
                changes[at] += gain_ms
                changes[at + 1] += dt_s
        elif gain_ms < -CHANGING_MS2 * dt_s:
            if STOP_MS[0] < v_ms < STOP_MS[1]:
                changes[4] -= gain_ms
                changes[5] += dt_s
        elif TOWN_MS[0] < v_ms < TOWN_MS[1]:
            self._held[min(HELD_BINS - 1, int(math.log(v_ms / TOWN_MS[0]) / PER_BIN))] += dt_s

    def _sums(self) -> Sums:
        return Sums(tuple(self._changes), tuple(self._held))

    def state(self) -> WatchState:
        return WatchState(self._moved_s, self._sums(), self._early)

    def features(self) -> dict[str, Features]:
        """By window: `whole` so far, and `early` once EARLY_S of moving are over; either may be empty."""
        windows = {WHOLE: self._sums()} if self._early is None else {EARLY: self._early, WHOLE: self._sums()}
        return {name: {f: x for f, x in _features(sums).items() if f in FEATURES[name]} for name, sums in windows.items()}


def _features(sums: Sums) -> Features:
    found: Features = {}
    for at, name in enumerate(("launch", "pick_up", "stop")):
        gain_ms, took_s = sums.changes[2 * at : 2 * at + 2]
        if gain_ms >= FEWEST_MS:
            found[name] = math.log(gain_ms / took_s)
    if sum(sums.held) >= FEWEST_HELD_S:
        found["pace"] = math.log(TOWN_MS[0]) + _median(sums.held) * PER_BIN
    return found


def _median(held: tuple[float, ...]) -> float:
    """Where half of what the bins hold lies below, in bins, as if each were evenly filled."""
    half = sum(held) / 2
    below = 0.0
    for at, (up_to, amount) in enumerate(zip(accumulate(held), held, strict=True)):
        if amount and up_to >= half:
            return at + (half - below) / amount
        below = up_to
    return float(HELD_BINS)
