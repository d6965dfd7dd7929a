"""CommandTaken: what became of a signed command. The daemon raises it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from agent.model import Context, Event, derive_id

KIND_CHARS = 64  # no kind has more
WHY_CHARS = 600  # a refusal may quote what was sent, and it lists the kinds that there are


class CommandTaken(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a command that the right key has signed: told once, in the transaction of what the command caused.

    `command` is its `jti`. A repeat gets no answer, nor does what is not believed.
    """

    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    command: str
    kind: str  # what it asked for, as far as that could be read
    outcome: Literal["done", "refused"]
    why: str = ""  # of a refusal, in plain words


def unfinished(failed: Iterable[str]) -> str | None:
    """Why a command was not done, though no rule refused it; `failed`: the rules that threw on it. None: all of it was done."""
    names = ", ".join(sorted(failed))
    return f"the unit failed at it, in {names}: not all of it is done; see what is, and send the rest anew" if names else None


def taken(ctx: Context, command: str, kind: str, refusal: str | None) -> CommandTaken:
    """The answer; `refusal`: why it was not done, None when it was."""
    return CommandTaken(
        id=derive_id(ctx.unit, "CommandTaken", command),
        t_ns=ctx.t_ns,
        boot_id=ctx.boot_id,
        command=command,
        kind=kind[:KIND_CHARS],
        outcome="done" if refusal is None else "refused",
        why=(refusal or "")[:WHY_CHARS],
    )
