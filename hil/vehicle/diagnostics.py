"""What a simulated car's computers would tell a workshop."""

from __future__ import annotations

from typing import NamedTuple


class Diagnostics(NamedTuple):
    """Trouble codes as "P0301"; calibration ids of at most 16 characters. All of them the engine's (7E8)."""

    vin: str
    calibration_ids: tuple[str, ...]
    stored: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    permanent: tuple[str, ...] = ()

    @property
    def is_lamp_on(self) -> bool:
        """The engine lamp is on as long as a code is stored."""
        return bool(self.stored)
