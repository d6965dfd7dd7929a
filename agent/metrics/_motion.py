"""What the metrics of movement share: when a car moves, and what none can do."""

from __future__ import annotations

from agent.model import Step

MOVING_MS = 1 / 3.6  # below 1 km/h is a stop (EU 2017/1151, RDE); PID 0D resolves no less
PLAUSIBLE_MS2 = 12.0  # road tyres hold about 1.2 g: what is more is a glitch of the source


def mean_ms(step: Step) -> float:
    """How fast the car was over the step, on the grid; reversing counts as going."""
    return abs(step.v0_ms + step.v1_ms) / 2


def is_moving(step: Step) -> bool:
    """Whether the car moved in this step."""
    return abs(step.v0_ms + step.v1_ms) >= 2 * MOVING_MS
