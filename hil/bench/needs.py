"""What simulated cars need, and when their own reminder starts: what hil/bench/beep.py holds the rule against."""

from __future__ import annotations

import random
from typing import NamedTuple


class Reminder(NamedTuple):
    """When a car's own reminder starts: so far, or so many days, before its service is due; oil life: at so many percent."""

    m: float
    days: int
    percent: float


RULES: dict[Reminder, int] = {  # how many cars of a hundred have it
    Reminder(1_000_000, 30, 15): 30,  # Peugeot's spanner, Volvo's 30 days, Honda's oil life
    Reminder(800_000, 30, 15): 20,  # 500 miles
    Reminder(1_500_000, 30, 15): 20,
    Reminder(500_000, 14, 10): 10,
    Reminder(0, 0, 5): 15,  # at the limit itself
    Reminder(3_000_000, 30, 20): 5,  # Peugeot's first figure on the display: earlier than what Keyoff assumes
}


class Need(NamedTuple):
    """What a car needs, by its own reckoning; None: without that limit."""

    every_m: float | None
    every_months: int | None
    oil_m: float | None  # how far a fill lasts
    reminder: Reminder
    known: str  # told, seen, unknown
    done: str  # noticed, told, read
    used: float  # how much of the first interval was gone when the unit came


def need(rng: random.Random) -> Need:
    every_m = rng.choice([10e6, 15e6, 15e6, 20e6, 30e6])
    months = rng.choice([12, 12, 24])
    by = rng.choices(["both", "distance", "time", "oil"], [60, 12, 13, 15])[0]
    return Need(
        every_m if by in ("both", "distance") else None,
        months if by in ("both", "time") else None,
        every_m if by == "oil" else None,
        rng.choices(list(RULES), list(RULES.values()))[0],
        rng.choice(["told", "seen", "unknown"]),
        rng.choice(["noticed", "told", "read"]),
        rng.uniform(0.0, 0.9),
    )
