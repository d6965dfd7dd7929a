"""What holds a prompt on the unit, whatever the hour. Pure.

While the ignition is on or not known, or a trip is open; until HOLD_S after it came on; while appointments are asked for;
without a clock to be trusted; while it is snoozed, or was tried in vain, or the same was told lately and came back.

A do-not-drive recall (urgency "safety") waits for nothing but that the ignition is off, or has not been known for HOLD_S: a
unit that restarts in mid-drive does not know it either. Once it is snoozed, which is to have been told, it waits for that day
too, and so for a clock to be trusted: else each start without one would repeat it.
"""

from __future__ import annotations

from agent.events.message import HeldBy
from agent.model import NS, Context
from agent.prompts.state import Prompt, PromptState
from agent.stitch import is_trusted

HOLD_S = 600  # after the ignition came on: a hop to the baker's is no moment either


def hold(s: PromptState, ctx: Context, prompt: Prompt) -> tuple[HeldBy | None, int | None]:
    """(what holds it, until when in t_ns, None: until something is heard)."""
    is_safety = prompt.concern.urgency == "safety"
    if s.ignition == "on" or s.driving:
        return "the ignition is on", None
    if is_safety and (s.ignition == "off" or ctx.t_ns >= s.on_ns + HOLD_S * NS):
        if not prompt.is_snoozed():
            return None, None
    elif s.ignition == "unknown":
        return "the ignition is not known", s.on_ns + HOLD_S * NS if is_safety else None
    elif ctx.t_ns < s.on_ns + HOLD_S * NS:
        return "the ignition came on less than ten minutes ago", s.on_ns + HOLD_S * NS
    elif prompt.concern.bookable is not None and prompt.slots is None:
        return "waiting for appointments", None
    if ctx.wall is None or not is_trusted(ctx.wall):
        return "no clock to be trusted", None
    if prompt.until_utc_ns is not None and ctx.wall.utc_ns(ctx.t_ns) < prompt.until_utc_ns:
        by: HeldBy = "it could not be shown in time" if prompt.misses else "snoozed"
        return by, prompt.until_utc_ns - ctx.wall.offset_ns
    return None, None
