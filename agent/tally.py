"""What one open trip adds up to: its metrics, folded step by step, and the sums they give.

A metric that throws is absent from this trip and named; the others go on.
"""

from __future__ import annotations

from typing import Any

import msgspec

from agent.config import Owner
from agent.metrics import discover
from agent.model import Metric, Span, Step
from agent.vehicle import Vehicle


class Sums(msgspec.Struct, frozen=True):
    """Results by metric name; an unknown one is absent. `estimated` and `failed` name metrics."""

    metrics: dict[str, Any] = {}
    estimated: list[str] = []
    failed: list[str] = []


class TallyState(msgspec.Struct):
    """As written with each commit."""

    states: dict[str, Any] = {}
    failed: tuple[str, ...] = ()
    observed_s: float = 0.0


TYPES = discover()
READS = frozenset(s for m in TYPES.values() for s in m.signals)
INTEGRALS = frozenset(s for m in TYPES.values() for s in m.integrals)


class Tally:
    """The metrics of one trip."""

    def __init__(self, vehicle: Vehicle, owner: Owner, state: TallyState | None = None) -> None:
        self.metrics: dict[str, Metric] = {name: metric(vehicle, owner) for name, metric in TYPES.items()}
        self.failed: tuple[str, ...] = ()
        self.observed_s = 0.0
        if state is not None:
            self.failed, self.observed_s = state.failed, state.observed_s
            for name in state.states.keys() & self.metrics.keys():
                self.metrics[name].state = state.states[name]

    def fold(self, step: Step) -> None:
        self.observed_s += step.dt_s
        for name, metric in self.metrics.items():
            try:
                metric.step(step)
            except Exception:  # noqa: BLE001 - see the module
                self._fail(name)

    def sums(self, span: Span) -> Sums:
        """The results over `span` (its observed_s is filled in here)."""
        span = span._replace(observed_s=self.observed_s)
        results: dict[str, Any] = {}
        estimated = []
        for name, metric in self.metrics.items():
            if name in self.failed:
                continue
            try:
                value = metric.result(span)
                if value is not None:
                    results[name] = value
                    if metric.is_estimated():
                        estimated.append(name)
            except Exception:  # noqa: BLE001 - see the module
                self._fail(name)
        return Sums(results, estimated, list(self.failed))

    def state(self) -> TallyState:
        return TallyState({name: m.state for name, m in self.metrics.items()}, self.failed, self.observed_s)

    def _fail(self, name: str) -> None:
        if name not in self.failed:
            self.failed += (name,)


def combine(a: Sums, b: Sums) -> Sums:
    """Two sums as one, the earlier first; a metric known in one only keeps that value."""
    out = dict(a.metrics)
    for name, value in b.metrics.items():
        out[name] = TYPES[name].combine(out[name], value) if name in out and name in TYPES else value
    union = [sorted({*getattr(a, f), *getattr(b, f)}) for f in ("estimated", "failed")]
    return Sums(out, *union)
