"""What changes afterwards, who drove or when it was, carried into the months' sums from the kept trips."""

from __future__ import annotations

from collections.abc import Collection
from zoneinfo import ZoneInfo

import msgspec

from agent.engine import Engine
from agent.events.driver_summary import DriverSummaries, month_of
from agent.io.store import Store
from agent.model import Event
from agent.tally import Sums


def months(store: Store, zone: ZoneInfo, boot_id: str) -> set[str]:
    """The local months in which the dated trips of a boot began."""
    return {month_of(r["start_utc_ns"], zone) for r in store.trips() if r["boot_id"] == boot_id and r["start_utc_ns"] is not None}


def rebuilt(engine: Engine, store: Store, now_ns: int, names: Collection[str]) -> list[Event]:
    """Add these months up anew; gives the summaries that have to be told again."""
    rule = next(r for r in engine.rules if isinstance(r, DriverSummaries))
    events: list[Event] = []
    rows = [(month_of(r["start_utc_ns"], rule.zone), r) for r in store.trips() if r["start_utc_ns"] is not None] if names else []
    for name in sorted(names):
        trips = [
            (r["driver"], r["kind"], Sums(msgspec.json.decode(r["metrics"]), msgspec.json.decode(r["estimated"])))
            for month, r in rows
            if month == name
        ]
        events += engine.raised(rule.rebuilt(engine.context(now_ns), name, trips))
    return events
