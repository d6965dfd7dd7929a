"""CommandTaken: what became of a signed command. The daemon raises it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from agent.model import Context, Event, derive_id

KIND_CHARS = 64  # no kind has more
WHY_CHARS = 600  # a refusal may quote what was sent, and it lists the kinds that there are


class CommandTaken(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a command that the right key has signed: told once, in the transaction of what the command caused.

    `command` is its `jti`. A repeat gets no answer, nor does what is not believed. refused: nothing of it is done; failed: a rule
    of the unit threw on it, and parts of it may be.
    """

    version: ClassVar[int] = 2
    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    command: str
    kind: str  # what it asked for, as far as that could be read
    outcome: Literal["done", "refused", "failed"]
    why: str = ""  # it is not done, in plain words


def unfinished(failed: Iterable[str]) -> str | None:
    """Why an entry was not done, though nothing refused it; `failed`: the rules that threw on it. None: all of it was done."""
    names = ", ".join(sorted(failed))
    return f"the unit failed at it, in {names}: not all of it is done; see what is, and enter the rest anew" if names else None


def taken(ctx: Context, command: str, kind: str, refusal: str | None = None, failure: str | None = None) -> CommandTaken:
    """The answer; why it was refused, or failed; done without either."""
    return CommandTaken(
        id=derive_id(ctx.unit, "CommandTaken", command),
        t_ns=ctx.t_ns,
        boot_id=ctx.boot_id,
        command=command,
        kind=kind[:KIND_CHARS],
        outcome="refused" if refusal else "failed" if failure else "done",
        why=(refusal or failure or "")[:WHY_CHARS],
    )
