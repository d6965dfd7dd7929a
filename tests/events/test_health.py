"""health: what went wrong since the report before."""

from __future__ import annotations

from agent.events.health import health


def test_it_tells_what_grew() -> None:
    report = health("unit-1", "boot-1", 7, {"late samples": 5, "bad checksum in SPEED": 3}, {"late samples": 5})
    assert report is not None
    assert report.counts == {"bad checksum in SPEED": 3}
    assert (report.t_ns, report.boot_id) == (7, "boot-1")


def test_it_tells_by_how_much() -> None:
    report = health("unit-1", "boot-1", 7, {"b": 9, "a": 2}, {"b": 4})
    assert report is not None
    assert list(report.counts.items()) == [("a", 2), ("b", 5)]


def test_nothing_to_tell_is_no_report() -> None:
    assert health("unit-1", "boot-1", 7, {}, {}) is None
    assert health("unit-1", "boot-1", 7, {"a": 2}, {"a": 2}) is None


def test_the_same_report_has_the_same_id_and_another_time_another() -> None:
    first, again, later = (health("unit-1", "boot-1", t_ns, {"a": 1}, {}) for t_ns in (7, 7, 8))
    assert first is not None and again is not None and later is not None
    assert first.id == again.id != later.id
