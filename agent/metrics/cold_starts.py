"""Whether the trip's engine was started cold: 1 or 0."""

from __future__ import annotations

from typing import Any

from agent.model import Metric, Span, Step
from agent.signals import COOLANT, ENGINE_SPEED

COLD_C = 35.0  # the warmest air (308 K) in which the EU lets a car soak before a cold RDE test (2017/1151)
NEAR_START_S = 30.0  # a recorded engine warmed from 24 to 45 °C in its first minute: later readings say nothing of the start


class ColdStarts(Metric):
    """The first start of the engine, by the first coolant temperature known within half a minute of it.

    A hybrid's and stop-start's later starts are the same warm-up and do not count. A unit that wakes with
    the engine already running takes that for the start: it boots with the ignition, some 30 s late. Absent
    when the engine's speed, or the coolant's temperature near the start, was never known.
    """

    signals = (ENGINE_SPEED, COOLANT)
    state: dict[str, Any]

    def initial(self) -> dict[str, Any]:
        return {"starts": None, "since_start_s": None}

    def step(self, step: Step) -> None:
        state = self.state
        since_s = state["since_start_s"]
        if since_s is not None and (since_s > NEAR_START_S or state["starts"] is not None):
            return
        if since_s is None:
            rpm = step.get(ENGINE_SPEED)
            if not isinstance(rpm, (int, float)):
                return
            if rpm <= 0:
                state["starts"] = 0
                return
            state["starts"] = None
        coolant_c = step.get(COOLANT)
        if isinstance(coolant_c, (int, float)):
            state["starts"] = int(coolant_c <= COLD_C)
        state["since_start_s"] = (since_s or 0.0) + step.dt_s

    def result(self, span: Span) -> int | None:
        starts: int | None = self.state["starts"]
        return starts
