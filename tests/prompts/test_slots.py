"""slots: what a workshop sends is data; what cannot be read is never free."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.model import NS
from agent.prompts.slots import Slot, span_ns


def slot(start: str, end: str) -> Slot:
    return Slot("s1", start, end, "a workshop")


def test_times_with_an_offset_are_read() -> None:
    start, end = span_ns(slot("2026-10-26T08:00:00+01:00", "2026-10-26T09:30:00Z"))
    assert (end - start) / NS == 2.5 * 3600
    assert start == 1_792_998_000 * NS


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("", ""),
        ("tomorrow", "2026-10-26T09:00:00Z"),
        ("2026-10-26T08:00:00", "2026-10-26T09:00:00"),
        ("2026-10-26T08:00:00Z", "2026-12-26T09:00:00Z"),
        ("9999-12-31T23:00:00-12:00", "9999-12-31T23:30:00-12:00"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T01:00:00+14:00"),
    ],
)
def test_what_is_no_time_is_never_free(start: str, end: str) -> None:
    assert span_ns(slot(start, end)) == (0, 0)


@given(st.datetimes(timezones=st.timezones()) | st.text(), st.datetimes(timezones=st.timezones()) | st.text())
def test_nothing_makes_it_raise(start: object, end: object) -> None:
    texts = [each if isinstance(each, str) else each.isoformat() for each in (start, end)]  # type: ignore[attr-defined]
    begun, ended = span_ns(slot(*texts))
    assert 0 <= begun < 1 << 63 and ended < 1 << 63
