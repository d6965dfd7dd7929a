"""Seconds with the combustion engine turning."""

from __future__ import annotations

from agent.metrics._engine import EngineSeconds


class EngineS(EngineSeconds):
    """Engine speed above 0; stop-start's and a hybrid's pauses do not count."""
