"""What was given up or lost, as events: the far side's proof of completeness stays whole, and a person is told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from agent.events.health import HealthReported
from agent.events.sequence import SequenceVoided
from agent.model import Context, Event, derive_id

RANGES_PER_EVENT = 1_000  # some 15 kB: far below what the strictest broker takes (AWS IoT: 128 kB)


def voided(
    ctx: Context, why: Literal["shed", "forgotten", "restored"], numbers: Mapping[str, Sequence[tuple[int, int]]]
) -> list[SequenceVoided]:
    """The numbers, by epoch, that will never arrive: one event, or several when there are too many ranges for one."""
    events = []
    for epoch, ranges in numbers.items():
        for at in range(0, len(ranges), RANGES_PER_EVENT):
            piece = list(ranges[at : at + RANGES_PER_EVENT])
            id = derive_id(ctx.unit, "SequenceVoided", epoch, why, piece)
            events.append(SequenceVoided(id=id, t_ns=ctx.t_ns, boot_id=ctx.boot_id, epoch=epoch, ranges=piece, why=why))
    return events


def counted(ctx: Context, counts: Mapping[str, int]) -> list[HealthReported]:
    """What is gone, by what it was; nothing when it is nothing."""
    told = {what: n for what, n in sorted(counts.items()) if n}
    if not told:
        return []
    id = derive_id(ctx.unit, "HealthReported", ctx.boot_id, ctx.t_ns, told)
    return [HealthReported(id=id, t_ns=ctx.t_ns, boot_id=ctx.boot_id, counts=told)]


def least_wanted(events: Iterable[Event], n: int) -> list[Event]:
    """Which `n` events go first: health reports, then the least important; of each the oldest."""
    return sorted(events, key=lambda e: (not isinstance(e, HealthReported), -e.importance))[: max(0, n)]
