"""What changes afterwards, who drove, when, or in which time zone, carried into the months' sums from the kept trips."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from agent.engine import Engine
from agent.events.driver_summary import DriverSummaries
from agent.io.store import Store
from agent.localtime import month_of
from agent.model import Event
from agent.tally import Sums

_metrics = msgspec.json.Decoder(dict[str, Any])
_names = msgspec.json.Decoder(list[str])


def settled(engine: Engine, store: Store, now_ns: int) -> tuple[list[Event], int]:
    """Add the months up anew if their trips moved. Raises StoreError.

    Gives the summaries that have to be told again, and how many trips had to be left out: their rows are damaged. What moved
    has been written by then. Nothing is lost by a power cut in between: the rule remembers that it waits.
    """
    rule = engine.rule(DriverSummaries)
    if not rule.state.moved:
        return [], 0
    dated = [r for r in store.trips() if r["start_utc_ns"] is not None]
    rows = [r for r in dated if isinstance(r["start_utc_ns"], str) or rule.is_open(month_of(r["start_utc_ns"], rule.zone))]
    trips = [(r["start_utc_ns"], r["driver"], r["kind"], sums) for r in rows if (sums := _sums(r)) is not None]
    return engine.raised(rule.rebuilt(engine.context(now_ns), trips)), len(rows) - len(trips)


def _sums(row: sqlite3.Row) -> Sums | None:
    if not isinstance(row["start_utc_ns"], int):
        return None
    try:
        return Sums(_metrics.decode(row["metrics"]), _names.decode(row["estimated"]))
    except (msgspec.MsgspecError, TypeError, ValueError):  # whatever a row may hold
        return None
