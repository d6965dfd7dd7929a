"""The consents that an entry changes without naming them. Pure.

A profile itself never leaves the unit, so each consent that changes by a DriverSaved or a DriverRemoved goes out as a
ConsentChanged of its own. What falls with one, its hearers know: prompts (agent/events/prompt.py), what waits for the link
(agent/forgetting.py), the far side.
"""

from __future__ import annotations

from collections.abc import Iterator

from agent.events.household import ConsentChanged, DriverRemoved, DriverSaved
from agent.household import Driver, Purpose
from agent.model import Context, Event, derive_id


def entailed(entry: Event, ctx: Context) -> list[Event]:
    """The entry and what comes with it, in order."""
    match entry:
        case DriverSaved(driver=driver):
            before = (ctx.household.known(driver.id) or Driver(driver.id)).consents
            return [entry, *_changes(entry, driver.id, before, driver.consents, ctx)]
        case DriverRemoved(driver=id) if gone := ctx.household.find(id):
            return [*_changes(entry, id, gone.consents, (), ctx), entry]
    return [entry]


def _changes(
    entry: Event, id: str, before: tuple[Purpose, ...], after: tuple[Purpose, ...], ctx: Context
) -> Iterator[ConsentChanged]:
    changed = [(purpose, False) for purpose in before if purpose not in after]
    changed += [(purpose, True) for purpose in after if purpose not in before]
    for purpose, granted in changed:
        yield ConsentChanged(
            id=derive_id(ctx.unit, "ConsentChanged", entry.id, purpose),
            t_ns=ctx.t_ns,
            boot_id=ctx.boot_id,
            driver=id,
            purpose=purpose,
            granted=granted,
        )
