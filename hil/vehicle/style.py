"""How a person drives: a table of styles made from published spreads, and a trace driven in one of them.

Sources of the table:
- Acceleration. Snare, "Dynamics Model for Predicting Maximum and Typical Acceleration Rates of Passenger Vehicles"
  (Virginia Tech 2002): the share of the car's maximum that drivers use is normal, mean 0.60, standard deviation 0.08.
  Calm and brisk are its 10th and 90th percentile: 0.60 ∓ 1.28 × 0.08 = 0.50 and 0.70, over 0.60.
- Speed. UK Department for Transport, "Vehicle speeds in Great Britain 2002" (SB (03) 24): "more than half" of the cars on
  motorways above 70 mph, 18 % above 80 mph. A normal distribution through 52 % and 18 % has its standard deviation at
  14 % of the limit. Calm and brisk lie half of one below and above: a household's spread, not a nation's.
- Braking. Roenitz et al., SAE 1999-01-0098: a stop that was seen coming peaks at about 0.25 g. El-Shawarby, Rakha et al.,
  TRB 2007 (TRID 801675), 821 stops at a light that turned yellow: 1.51–7.47 m/s², mean 3.27 m/s²; its means by distance run
  from 2.2 (most time) to 5.9 m/s² (least). Late stops here are drawn from a triangle 1.51 … 5.9 with that mean.
How often a stop comes late, and the spread between two starts of one person, are ours: nothing published was found.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import NamedTuple

from hil.vehicle.trace import KMH, Piece, Trace, sampled


class Style(NamedTuple):
    """Factors against the trace; 1 leaves it as it is."""

    accel: float
    brake: float
    pace: float
    late_share: float  # stops that are braked late, of all stops from town speed


STYLES: dict[str, Style | None] = {
    "trace": None,  # the trace itself, to the last digit
    "calm": Style(accel=0.83, brake=0.83, pace=0.93, late_share=0.01),
    "average": Style(accel=1.0, brake=1.0, pace=1.0, late_share=0.04),
    "brisk": Style(accel=1.17, brake=1.17, pace=1.07, late_share=0.15),
}

CRUISE_MS2 = 0.1  # gentler than this is holding a speed (RDE, EU 2017/1151: an acceleration is above 0.1 m/s²)
HABIT_SD = 0.05  # one person's spread from start to start
PACE_SD = 0.015  # … and in the speed held
ACCEL_LIMIT_MS2 = 3.8  # US06 peaks at 3.76: what tyres and a family car do
POWER_LIMIT_W_KG = 50.0  # US06 asks for 49: below what either simulated car has
BRAKE_LIMIT_MS2 = 5.9  # the hardest mean of the yellow-light stops
LATE_MS2 = (1.51, 5.9, 2.4)  # a triangle's low, high and mode: mean 3.27
LATE_FROM_MS = 30 / KMH  # a late stop from walking pace is no event
STRETCH = (0.2, 4.0)  # how far cruising may be shortened or lengthened to keep the way


def drive(trace: Trace, style: str, rng: random.Random) -> Trace:
    """The same way, driven in a style: same stops, nearly the same distance, other speeds.

    Raises KeyError for an unknown style.
    """
    if style not in STYLES:
        raise KeyError(f"no style {style!r}: one of {', '.join(STYLES)}")
    table = STYLES[style]
    if table is None:
        return trace
    pieces: list[Piece] = []
    for hop in _hops(trace):
        pieces += hop if hop[0].v0_ms == hop[-1].v1_ms == 0 == hop[0].v1_ms else _restyled(hop, table, rng)
    return sampled(trace.name, pieces)


def _hops(trace: Trace) -> Iterator[list[Piece]]:
    """The trace cut where it comes to a stand: runs between stops, and the stands themselves."""
    speeds = [v / KMH for v in trace.speeds_kmh]
    hop: list[Piece] = []
    for v0, v1 in pairwise(speeds):
        standing = v0 == v1 == 0
        if hop and (v0 == 0) and (standing != (hop[-1].v0_ms == hop[-1].v1_ms == 0) or not standing):
            yield hop
            hop = []
        hop.append(Piece(1.0, v0, v1))
    yield hop


def _restyled(hop: list[Piece], style: Style, rng: random.Random) -> list[Piece]:
    """One run between two stops, in a style; longer or shorter cruising keeps its distance."""
    pace = style.pace * rng.gauss(1, PACE_SD)
    accel, brake = style.accel * rng.gauss(1, HABIT_SD), style.brake * rng.gauss(1, HABIT_SD)
    pieces = [_quicker(Piece(dt, v0 * pace, v1 * pace), accel, brake) for dt, v0, v1 in hop]
    if rng.random() < style.late_share:
        pieces = _late(pieces, rng.triangular(*LATE_MS2))
    cruised_m = sum(p.distance_m for p in pieces if _is_cruise(p))
    if cruised_m > 0:
        short_m = sum(p.distance_m for p in hop) - sum(p.distance_m for p in pieces)
        factor = min(STRETCH[1], max(STRETCH[0], 1 + short_m / cruised_m))
        pieces = [p._replace(dt_s=p.dt_s * factor) if _is_cruise(p) else p for p in pieces]
    took_s = sum(p.dt_s for p in pieces)
    return [*pieces, Piece(math.ceil(took_s) - took_s, 0.0, 0.0)]  # ends on a whole second, so that a short stand stays one


def _is_cruise(piece: Piece) -> bool:
    return abs(piece.v1_ms - piece.v0_ms) <= CRUISE_MS2 * piece.dt_s


def _quicker(piece: Piece, accel: float, brake: float) -> Piece:
    """A change of speed in less time (or more), within what tyres and engine give."""
    if _is_cruise(piece):
        return piece
    gain = piece.v1_ms - piece.v0_ms
    if gain < 0:
        return piece._replace(dt_s=max(piece.dt_s / brake, -gain / BRAKE_LIMIT_MS2))
    limit_ms2 = min(ACCEL_LIMIT_MS2, POWER_LIMIT_W_KG / piece.v1_ms)
    return piece._replace(dt_s=max(piece.dt_s / accel, gain / limit_ms2))


def _late(pieces: list[Piece], brake_ms2: float) -> list[Piece]:
    """The final stop braked later and harder over the same way; unchanged when it is from walking pace or was harder."""
    groups = [list(group) for _, group in groupby(pieces, key=lambda p: p.v1_ms < p.v0_ms and not _is_cruise(p))]
    stop = groups[-1]
    v_ms = stop[0].v0_ms
    held_m = sum(p.distance_m for p in stop) - v_ms**2 / 2 / brake_ms2
    if v_ms < LATE_FROM_MS or held_m <= 0:
        return pieces
    before = [p for group in groups[:-1] for p in group]
    return [*before, Piece(held_m / v_ms, v_ms, v_ms), Piece(v_ms / brake_ms2, v_ms, 0.0)]
