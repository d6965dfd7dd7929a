"""What is given up or lost, as events: none too large, each number told once, the least wanted first."""

from __future__ import annotations

from agent.events.health import HealthReported
from agent.events.milestone import MilestoneReached
from agent.events.trip import TripStarted
from agent.gaps import RANGES_PER_EVENT, counted, least_wanted, voided
from agent.model import Context, Event

CTX = Context(7, None, "unit-1", "boot-1", None)
STRICTEST_BYTES = 128_000  # AWS IoT


def test_numbers_by_epoch_are_one_event_each() -> None:
    events = voided(CTX, "shed", {"a": [(1, 2), (5, 5)], "b": [(9, 9)], "c": []})
    assert [(e.epoch, e.ranges, e.why) for e in events] == [("a", [(1, 2), (5, 5)], "shed"), ("b", [(9, 9)], "shed")]
    assert len({e.id for e in events}) == 2


def test_many_ranges_are_several_events_and_each_fits() -> None:
    ranges = [(n, n) for n in range(2_000_000_000, 2_000_000_000 + 5 * RANGES_PER_EVENT, 2)]
    events = voided(CTX, "restored", {"a": ranges})
    assert [r for e in events for r in e.ranges] == ranges
    assert len({e.id for e in events}) == len(events) > 1
    assert all(len(str(e.ranges)) < STRICTEST_BYTES / 2 for e in events)


def test_what_is_zero_is_not_told() -> None:
    assert counted(CTX, {"traces given up": 0}) == []
    (report,) = counted(CTX, {"traces given up": 2, "b": 0})
    assert report.counts == {"traces given up": 2}


def test_two_reports_of_one_moment_are_two() -> None:
    (a,), (b,) = counted(CTX, {"x": 1}), counted(CTX, {"x": 2})
    assert a.id != b.id


def event(kind: type[Event], n: int) -> Event:
    extra = {
        HealthReported: {"counts": {"x": n}},
        TripStarted: {"trip_id": str(n)},
        MilestoneReached: {"mark": n, "counts": "km", "reading_m": 1.0},
    }
    return kind(id=f"{kind.__name__} {n}", t_ns=n, boot_id="b", **extra[kind])  # type: ignore[arg-type]


def test_health_goes_first_then_the_least_important_and_of_each_the_oldest() -> None:
    kinds = (MilestoneReached, TripStarted, HealthReported)
    events = [event(kind, n) for n in range(2) for kind in kinds]
    order = [e.id for e in least_wanted(events, len(events))]
    assert order == [f"{kind.__name__} {n}" for kind in reversed(kinds) for n in range(2)]
    assert least_wanted(events, -1) == []
