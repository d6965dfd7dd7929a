"""What an entry does to consents, and what falls with them. Pure.

| entry                          | and with it                                                                           |
|--------------------------------|---------------------------------------------------------------------------------------|
| DriverSaved, DriverRemoved     | a ConsentChanged for each consent that changes by it: a profile itself never leaves   |
| ConsentChanged: report revoked | a ConcernSettled for each prompt about a report of theirs: it has figures in its text |

A ReportReady that waits in the outbox is sent nevertheless: ConsentChanged goes before it, and the far side has to heed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.events.concern import ConcernSettled
from agent.events.household import ConsentChanged, DriverRemoved, DriverSaved
from agent.household import Driver, Purpose
from agent.model import Context, Event, derive_id
from agent.prompts import Prompt


def entailed(entry: Event, ctx: Context, prompts: Iterable[Prompt]) -> list[Event]:
    """The entry and what comes with it, in order. `prompts`: all that there are."""
    events = _with_changes(entry, ctx)
    fallen = [event.driver for event in events if isinstance(event, ConsentChanged) and _ends_reports(event)]
    concerns = [p.concern for p in prompts if p.phase != "over"]
    subjects = dict.fromkeys(c.subject for c in concerns if c.kind == "report" and c.driver in fallen)
    return [*events, *(_settled(entry, subject, ctx) for subject in subjects)]


def _with_changes(entry: Event, ctx: Context) -> list[Event]:
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


def _ends_reports(change: ConsentChanged) -> bool:
    return change.purpose == "report" and not change.granted


def _settled(entry: Event, subject: str, ctx: Context) -> ConcernSettled:
    id = derive_id(ctx.unit, "ConcernSettled", entry.id, subject)
    return ConcernSettled(id=id, t_ns=ctx.t_ns, boot_id=ctx.boot_id, subject=subject, why="no longer true")
