"""A stop-and-go commute of our own: one route, with another day's traffic for each seed.

Figures are everyday ones, chosen here (no cycle is published for a household's way to work): a 30 zone, a main
street with traffic lights, a ring road that jams, a town centre.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from typing import NamedTuple

from hil.vehicle.trace import KMH, Piece, Trace, sampled


class Block(NamedTuple):
    """A stretch between two places where one may have to stop."""

    length_m: float
    limit_kmh: float
    stop_share: float  # how often the car is stopped at its end
    wait_s: tuple[float, float]  # how long, from … to
    jam_share: float = 0.0  # how much of it is stop-and-go on an average day


ROUTE = (
    *[Block(180, 30, 0.5, (1, 6))] * 3,
    *[Block(420, 50, 0.55, (6, 45))] * 7,
    *[Block(1900, 80, 0.15, (4, 20), jam_share=0.15)] * 4,
    *[Block(310, 50, 0.65, (8, 50))] * 6,
    Block(140, 20, 1.0, (2, 3)),
)
ACCEL_MS2 = 1.2  # moving off in traffic; WLTC's low phase peaks at 1.5
BRAKE_MS2 = 1.3  # stopping for a light that was seen coming
CRAWL_M = (15.0, 90.0)  # one move in a jam
CRAWL_KMH = (8.0, 30.0)


def commute(seed: int) -> Trace:
    """The way to work or back, 13.1 km; the distance is the same to 0.1 % on each day."""
    return sampled("commute", _pieces(random.Random(f"commute {seed}")))


def _pieces(rng: random.Random) -> Iterator[Piece]:
    yield Piece(2.0, 0.0, 0.0)
    run_m = 0.0
    for index, block in enumerate(ROUTE):
        jam_m = _jam_m(block, rng)
        run_m += block.length_m - jam_m
        following = ROUTE[index + 1] if index + 1 < len(ROUTE) else None
        stops = jam_m > 0 or following is None or following.limit_kmh != block.limit_kmh
        if not stops and rng.random() >= block.stop_share:
            continue
        yield from _run(run_m, block.limit_kmh / KMH * rng.uniform(0.93, 1.02))
        yield _wait(rng.uniform(*block.wait_s))
        run_m = yield from _jam(jam_m, rng)


def _jam_m(block: Block, rng: random.Random) -> float:
    """How much of a block is stop-and-go today: at most 60 %, and none where it would be over in one move."""
    jam_m = block.length_m * min(0.6, rng.expovariate(1 / block.jam_share)) if block.jam_share else 0.0
    return jam_m if jam_m > CRAWL_M[1] else 0.0


def _jam(length_m: float, rng: random.Random) -> Generator[Piece, None, float]:
    """Short moves with waits between them; gives what is left of the jam's length for the next run."""
    while length_m > CRAWL_M[0]:
        move_m = min(length_m, rng.uniform(*CRAWL_M))
        yield from _run(move_m, rng.uniform(*CRAWL_KMH) / KMH)
        yield _wait(rng.uniform(1, 12))
        length_m -= move_m
    return length_m


def _wait(seconds: float) -> Piece:
    return Piece(seconds, 0.0, 0.0)


def _run(length_m: float, cruise_ms: float) -> Iterator[Piece]:
    """From standing to standing over `length_m`, no faster than `cruise_ms`."""
    ramps_m = cruise_ms**2 / 2 * (1 / ACCEL_MS2 + 1 / BRAKE_MS2)
    peak_ms = cruise_ms * min(1.0, (length_m / ramps_m) ** 0.5)
    cruise_m = max(0.0, length_m - ramps_m)
    yield Piece(peak_ms / ACCEL_MS2, 0.0, peak_ms)
    if cruise_m > 0:
        yield Piece(cruise_m / peak_ms, peak_ms, peak_ms)
    yield Piece(peak_ms / BRAKE_MS2, peak_ms, 0.0)
