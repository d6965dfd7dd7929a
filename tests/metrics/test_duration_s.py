"""duration_s"""

from __future__ import annotations

from agent.metrics.duration_s import DurationS
from agent.model import NS, Span
from tests.metrics.conftest import fold


def test_it_is_the_trip_from_start_to_end_seen_or_not() -> None:
    assert fold(DurationS, []).result(Span(5 * NS, 65 * NS + NS // 2, None, 0.0)) == 60.5


def test_two_trips_add_up() -> None:
    assert DurationS.combine(60.5, 30.0) == 90.5
