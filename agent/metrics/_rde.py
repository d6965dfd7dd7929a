"""Driving dynamics at 1 Hz as the EU's real-driving-emissions rules define them: what the v·a metrics share.

Source: Regulation (EU) 2017/1151, annex IIIA, appendix 7a (since 2023/443: appendix 9). At each whole second
a = (v[+1 s] − v[−1 s]) / 2; a second counts into the class of its own speed, and as accelerating above 0.1 m/s².
A second without both neighbours (the ends of a stretch) counts nowhere.

The rules smooth coarse speeds; this does not: whole km/h (PID 0D) move v·a95 by −4 to +7 % on the published cycles.
"""

from __future__ import annotations

from typing import Any

from agent.metrics._motion import PLAUSIBLE_MS2
from agent.model import Metric, Span, Step

URBAN_MS = 60 / 3.6
RURAL_MS = 90 / 3.6
ACCELERATING_MS2 = 0.1


def speed_class(v_ms: float) -> str:
    """urban up to 60 km/h, rural up to 90, motorway above."""
    if v_ms <= URBAN_MS:
        return "urban"
    return "rural" if v_ms <= RURAL_MS else "motorway"


class Dynamics(Metric):
    """{class: what `count` keeps in it}; absent when no second had both neighbours."""

    state: dict[str, Any]

    def initial(self) -> dict[str, Any]:
        return {"before_ms": None, "classes": {}}

    def count(self, kept: dict[str, Any], v_ms: float, a_ms2: float) -> None:
        """Take up one second of the class whose sums are `kept`."""
        raise NotImplementedError

    def step(self, step: Step) -> None:
        state = self.state
        before_ms = state["before_ms"] if step.follows else None
        is_whole = step.dt_s == 1.0
        state["before_ms"] = step.v0_ms if is_whole else None
        if before_ms is None or not is_whole or step.v0_ms < 0:
            return
        a_ms2 = (step.v1_ms - before_ms) / 2
        if -PLAUSIBLE_MS2 <= a_ms2 <= PLAUSIBLE_MS2:
            self.count(state["classes"].setdefault(speed_class(step.v0_ms), {}), step.v0_ms, a_ms2)

    def result(self, span: Span) -> dict[str, Any] | None:
        return {name: dict(kept) for name, kept in self.state["classes"].items()} or None
