"""Steps as literals: what the engine's grid would make of a drive, without the engine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from agent.config import Owner
from agent.model import NS, Area, Metric, Span, Step, Value, Wall
from agent.vehicle import Vehicle

CAR = Vehicle(name="car")
OWNER = Owner()
HOUR = Span(0, 3600 * NS, None, 3600.0)
NOTHING = Area(0.0, 0.0, 0.0)


def step(
    v0_ms: float = 20.0,
    v1_ms: float | None = None,
    *,
    end_s: float = 1.0,
    dt_s: float = 1.0,
    follows: bool = True,
    v5_ms: Sequence[float] | None = None,
    samples: int = 10,
    known: Mapping[str, Value] | None = None,
    areas: Mapping[str, Area] | None = None,
) -> Step:
    """One step; speed goes evenly from v0 to v1 (default: stays) unless `v5_ms` says how."""
    v1_ms = v0_ms if v1_ms is None else v1_ms
    if v5_ms is None:
        v5_ms = [v0_ms + (v1_ms - v0_ms) * n / 5 for n in range(1, 6)]
    distance_m = (v0_ms + v1_ms) / 2 * dt_s
    get, area = dict(known or {}).get, dict(areas or {})
    return Step(
        round(end_s * NS), dt_s, v0_ms, v1_ms, distance_m, follows, tuple(v5_ms), samples, get, lambda s: area.get(s, NOTHING)
    )


def drive(
    v_ms: Sequence[float], *, samples: int = 10, known: Mapping[str, Value] | None = None, areas: Mapping[str, Area] | None = None
) -> list[Step]:
    """Whole steps between speeds a second apart; the first follows nothing."""
    return [
        step(a, b, end_s=i + 1, follows=i > 0, samples=samples, known=known, areas=areas)
        for i, (a, b) in enumerate(pairwise(v_ms))
    ]


def drive_5hz(v_ms: Sequence[float], *, samples: int = 10) -> list[Step]:
    """Whole steps over speeds 0.2 s apart (five a second, and the one at the start)."""
    seconds = range(0, len(v_ms) - 1, 5)
    return [
        step(v_ms[i], v_ms[i + 5], end_s=i / 5 + 1, follows=i > 0, v5_ms=v_ms[i + 1 : i + 6], samples=samples) for i in seconds
    ]


def fold(kind: type[Metric], steps: Iterable[Step], *, car: Vehicle = CAR, owner: Owner = OWNER) -> Metric:
    """A metric of that kind that has seen these steps."""
    metric = kind(car, owner)
    for one in steps:
        metric.step(one)
    return metric


def resume(metric: Metric) -> Metric:
    """The same metric after a power cut: made anew, its state carried through JSON."""
    again = type(metric)(metric.vehicle, metric.owner)
    again.state = json.loads(json.dumps(metric.state, allow_nan=False))
    return again


def span(seconds: float, *, wall: Wall | None = None, observed_s: float | None = None) -> Span:
    """A trip of that length from t = 0, seen throughout unless said otherwise."""
    return Span(0, round(seconds * NS), wall, seconds if observed_s is None else observed_s)
