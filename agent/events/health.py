"""HealthReported: what was dropped, what failed. Raised after a trip, only when there is something to tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from agent.model import Event, derive_id


class HealthReported(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Counts since the report before, by what went wrong ("WHEEL_SPEEDS bad checksum": 3)."""

    importance: ClassVar[int] = 6
    counts: dict[str, int]


def health(unit: str, boot_id: str, t_ns: int, now: Mapping[str, int], before: Mapping[str, int]) -> HealthReported | None:
    """The report on what grew since `before`; None when nothing did."""
    grown = {what: n - before.get(what, 0) for what, n in sorted(now.items()) if n > before.get(what, 0)}
    if not grown:
        return None
    return HealthReported(id=derive_id(unit, "HealthReported", boot_id, t_ns), t_ns=t_ns, boot_id=boot_id, counts=grown)
