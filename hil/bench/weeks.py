"""Random weeks at event level: clocks step, links fail, power goes; it counts what must never be (hil/bench/week_judge.py)."""

from __future__ import annotations

import os
import time
from collections import Counter
from multiprocessing import get_context
from typing import NamedTuple

from hil.bench.figures import Figure, Group, Place, exactly, progress
from hil.bench.week_plan import plan
from hil.bench.week_world import World

WEEKS = 10_000
PIECE = 100  # weeks that one process lives before it tells


class Lived(NamedTuple):
    """`faults`: (seed, what did not hold)."""

    faults: list[tuple[int, str]]
    counts: Counter[str]


def live(seed: int) -> Lived:
    judge = World(plan(seed), seed).live()
    return Lived([(seed, fault) for fault in judge.faults], judge.counts)


def live_many(seeds: range) -> Lived:
    lived = [live(seed) for seed in seeds]
    return Lived([f for each in lived for f in each.faults], sum((each.counts for each in lived), Counter()))


def measure(place: Place, weeks: int = WEEKS) -> list[Figure]:
    began_s = time.monotonic()
    pieces = [range(first, min(first + PIECE, weeks)) for first in range(0, weeks, PIECE)]
    with get_context("spawn").Pool(os.cpu_count()) as pool:
        lived = list(progress("Random weeks", list(pool.imap_unordered(live_many, pieces))))
    faults = [fault for each in lived for fault in each.faults]
    counts = sum((each.counts for each in lived), Counter[str]())
    return figures_of(weeks, faults, counts, time.monotonic() - began_s)


def figures_of(weeks: int, faults: list[tuple[int, str]], counts: Counter[str], seconds: float) -> list[Figure]:
    def number(*words: str) -> int:
        return sum(any(word in fault for word in words) for _, fault in faults)

    early, seen = number("ignition is", "after it came on"), number("has TripStarted")
    lost, twice = number("lost:"), number("released again", "revision")
    other = len(faults) - early - seen - lost - twice
    first = f"{weeks:,} weeks, {counts['messages']:,} messages, {counts['messages about safety']:,} about safety"
    return [
        Figure("weeks_released_too_early", early, "messages", exactly(0), first),
        Figure("weeks_shown_after_trip_started", seen, "prompts", exactly(0), f"of {counts['shown']:,} shown"),
        Figure("weeks_prompts_lost", lost, "prompts", exactly(0)),
        Figure("weeks_prompts_twice", twice, "prompts", exactly(0)),
        Figure("weeks_other_faults", other, "faults", exactly(0), "quiet hours, too often, not withdrawn; " + str(faults[:1])),
        Figure("weeks_shown_while_driving_link_down", counts["shown while driving, link down"], "prompts"),
        Figure("weeks_shown_while_driving_unit_off", counts["shown while driving, unit off"], "prompts"),
        Figure("weeks_shown_while_driving_not_told_yet", counts["shown while driving, not told yet"], "prompts"),
        Figure("weeks_shown_while_driving_otherwise", counts["shown while driving, otherwise"], "prompts"),
        Figure(
            "weeks_moves_settled_untold",
            counts["moved, settled before it was told"],
            "appointments",
            None,
            f"of {counts['appointments moved']:,} moved; begun, moved back or cancelled before a moment came",
        ),
        Figure("weeks_ms_a_week", seconds / weeks * 1000, "ms", None, f"{seconds:.0f} s in all"),
    ]


FIGURES = (
    "weeks_released_too_early",
    "weeks_shown_after_trip_started",
    "weeks_prompts_lost",
    "weeks_prompts_twice",
    "weeks_other_faults",
)
GROUP = Group("weeks", FIGURES, measure)
