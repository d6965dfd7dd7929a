"""SequenceVoided: numbers of the sequence that will never arrive, and why: the far side's proof of completeness stays whole."""

from __future__ import annotations

from typing import ClassVar, Literal

from agent.model import Event


class SequenceVoided(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The unacknowledged events `ranges` (first and last seq, inclusive) of `epoch` were given up on purpose.

    shed: the disk or the size limit forced it · forgotten: a person asked for it · restored: the database was
    damaged, and what could be salvaged went on in another epoch (then `last_seq` of the old one is not known better).
    """

    importance: ClassVar[int] = 3
    urgent: ClassVar[bool] = True
    epoch: str
    ranges: list[tuple[int, int]]
    why: Literal["shed", "forgotten", "restored"]
