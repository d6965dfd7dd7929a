"""The consents that an entry changes without naming them, and whose word one is. Pure.

A profile itself never leaves the unit, so each consent that changes by a DriverSaved or a DriverRemoved goes out as a
ConsentChanged of its own. What falls with one, its hearers know: prompts (agent/events/prompt.py), what waits for the link
(agent/forgetting.py), the far side.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from agent.events.household import ConsentChanged, DriverRemoved, DriverSaved
from agent.household import Driver, Purpose, agreed_with
from agent.model import Context, Event, derive_id


def entailed(entry: Event, ctx: Context) -> list[Event]:
    """The entry and what comes with it, in order."""
    match entry:
        case DriverSaved(driver=driver):
            return [entry, *_changes(entry, ctx.household.known(driver.id) or Driver(driver.id), driver, ctx)]
        case DriverRemoved(driver=id) if gone := ctx.household.find(id):
            named_by = [d for d in (*ctx.household.drivers, ctx.household.owner) if id in agreed_with(d)]
            taken_back = [_word(entry, each, "guardian", id, False, ctx) for each in named_by]
            return [*taken_back, *_changes(entry, gone, Driver(id), ctx), entry]
        case ConsentChanged(driver=id) if known := ctx.household.known(id):
            return [msgspec.structs.replace(entry, person=known.person or id)]
    return [entry]


def _changes(entry: Event, before: Driver, after: Driver, ctx: Context) -> Iterator[ConsentChanged]:
    """What was taken back, then what was granted."""
    given, now = _given(before), _given(after)
    yield from (_word(entry, before, purpose, whom, False, ctx) for purpose, whom in given if (purpose, whom) not in now)
    yield from (_word(entry, after, purpose, whom, True, ctx) for purpose, whom in now if (purpose, whom) not in given)


def _given(driver: Driver) -> list[tuple[Purpose, str | None]]:
    """Each purpose, and `guardian` once for each driver whom it names."""
    named = agreed_with(driver)
    pairs: list[tuple[Purpose, str | None]] = [("guardian", id) for id in named]
    return [*((purpose, None) for purpose in driver.consents if purpose != "guardian" or not named), *pairs]


def _word(entry: Event, driver: Driver, purpose: Purpose, whom: str | None, granted: bool, ctx: Context) -> ConsentChanged:
    between = () if whom is None else (driver.id, whom)
    return ConsentChanged(
        id=derive_id(ctx.unit, "ConsentChanged", entry.id, purpose, *between),
        t_ns=ctx.t_ns,
        boot_id=ctx.boot_id,
        driver=driver.id,
        purpose=purpose,
        granted=granted,
        whom=whom,
        person=driver.person or driver.id,
    )
