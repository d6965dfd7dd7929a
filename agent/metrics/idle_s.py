"""Seconds standing with the combustion engine running."""

from __future__ import annotations

from agent.metrics._engine import EngineSeconds
from agent.metrics._motion import is_moving
from agent.model import Step


class IdleS(EngineSeconds):
    """A stand whose engine is off, or not known to run, is no idling: an electric car has none."""

    def counts(self, step: Step) -> bool:
        return not is_moving(step)
