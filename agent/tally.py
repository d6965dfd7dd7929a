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
    """The metrics of one trip; one that threw is in `failed` and no longer in `metrics`."""

    def __init__(self, vehicle: Vehicle, owner: Owner, state: TallyState | None = None) -> None:
        kept = state or TallyState()
        self.failed = kept.failed
        self.observed_s = kept.observed_s
        self.metrics: dict[str, Metric] = {n: metric(vehicle, owner) for n, metric in TYPES.items() if n not in kept.failed}
        for name in kept.states.keys() & self.metrics.keys():
            self.metrics[name].state = kept.states[name]

    def fold(self, step: Step) -> None:
        self.observed_s += step.dt_s
        failed = []
        for name, metric in self.metrics.items():
            try:
                metric.step(step)
            except Exception:  # noqa: BLE001 - see the module
                failed.append(name)
        self._drop(failed)

    def sums(self, span: Span) -> Sums:
        """The results over `span` (its observed_s is filled in here)."""
        span = span._replace(observed_s=self.observed_s)
        results: dict[str, Any] = {}
        estimated, failed = [], []
        for name, metric in self.metrics.items():
            try:
                value = metric.result(span)
                is_estimated = value is not None and metric.is_estimated()
            except Exception:  # noqa: BLE001 - see the module
                failed.append(name)
                continue
            if value is not None:
                results[name] = value
            if is_estimated:
                estimated.append(name)
        self._drop(failed)
        return Sums(results, estimated, list(self.failed))

    def state(self) -> TallyState:
        return TallyState({name: m.state for name, m in self.metrics.items()}, self.failed, self.observed_s)

    def _drop(self, failed: list[str]) -> None:
        for name in failed:
            del self.metrics[name]
        self.failed += tuple(failed)


def combine(a: Sums, b: Sums) -> Sums:
    """Two sums as one, the earlier first; a metric known in one only keeps that value, one that failed in either is absent."""
    failed = {*a.failed, *b.failed}
    out = {name: value for name, value in a.metrics.items() if name not in failed}
    for name in [n for n in b.metrics if n not in failed]:
        try:
            out[name] = TYPES[name].combine(out[name], b.metrics[name]) if name in out else b.metrics[name]
        except Exception:  # noqa: BLE001 - see the module
            del out[name]
            failed.add(name)
    return Sums(out, sorted({*a.estimated, *b.estimated} & out.keys()), sorted(failed))
