"""A far side that only listens: what the stand-ins for the uplink have in common."""

from __future__ import annotations


class NoCommands:
    """It never says anything to the unit."""

    def commands(self, limit: int) -> list[bytes]:
        return []

    def took(self, payload: bytes) -> None:
        """There was none."""
