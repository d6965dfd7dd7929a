"""sequence: which numbers will never arrive."""

from __future__ import annotations

import msgspec

from agent.events.sequence import SequenceVoided
from agent.records import event_row


def test_it_names_epoch_ranges_and_reason() -> None:
    voided = SequenceVoided(id="1", t_ns=5, boot_id="boot-1", epoch="e1", ranges=[(3, 7), (9, 9)], why="shed")
    row = event_row(voided, None, "boot-1")
    assert msgspec.json.decode(row.body) == {"epoch": "e1", "ranges": [[3, 7], [9, 9]], "why": "shed"}
    assert (row.kind, row.importance) == ("SequenceVoided", 3)


def test_it_goes_before_routine_events_and_at_once() -> None:
    assert SequenceVoided.urgent
    assert SequenceVoided.importance < 5
