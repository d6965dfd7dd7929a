"""A boot's rows dated anew, once the right time is known: what it told before keeps its order and gets its hours.

Trips that an earlier boot began, and envelopes that are frozen, keep what they say; the far side dates those by ClockCorrected.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple


class Dating(NamedTuple):
    """UTC of this boot = its clock + offset_ns."""

    boot_id: str
    offset_ns: int
    clock: str


def date(conn: sqlite3.Connection, dating: Dating) -> None:
    """Inside the caller's transaction."""
    conn.execute(
        "UPDATE trips SET start_utc_ns = start_ns + :offset_ns, end_utc_ns = end_ns + :offset_ns, clock = :clock"
        " WHERE boot_id = :boot_id AND start_ns IS NOT NULL",
        dating._asdict(),
    )
    conn.execute(
        "UPDATE events SET utc_ns = t_ns + :offset_ns, clock = :clock"
        " WHERE boot_id = :boot_id AND acked = 0 AND envelope IS NULL",
        dating._asdict(),
    )
