"""A driver's profile as a person enters it."""

from __future__ import annotations

import pytest

from agent.household import Driver
from agent.profile import bound, changed, is_binding, is_day, is_id, is_span, is_time, is_zone, known_by, unbound


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (is_id, ["ana", "a1", "x-2", "a" * 32], ["", "Ana", "ana m", "a" * 33, "unknown", "änne", "ana\n"]),
        (is_time, ["18:30", "0:00", "7:05", "23:59"], ["24:00", "18:60", "18", "18:3", "-1:00", "", "１:30"]),
        (is_span, ["21:30-07:30", "0:00-0:00"], ["21:30", "21:30-", "-07:30", "21:30-7", "21:30–07:30"]),
        (is_day, ["2028-04-01"], ["2028-4-1", "1.4.2028", "2028-02-30", ""]),
        (is_zone, ["Europe/Berlin", "UTC"], ["Berlin", "", "../etc", "Europe/"]),
        (is_binding, ["1", "aa:bb", "black key"], ["", "0", "NONE", "not_available", "x" * 65, "a\nb"]),
    ],
)
def test_what_is_right(check: object, right: list[str], wrong: list[str]) -> None:
    assert [text for text in right if not check(text)] == []  # type: ignore[operator]
    assert [text for text in wrong if check(text)] == []  # type: ignore[operator]


def test_what_is_left_out_stays() -> None:
    ana = Driver("ana", name="Ana", tell_at="18:30", is_keeper=True, counts="mi")
    given = {"name": None, "is_keeper": None, "counts": None, "quiet": "22:00-6:45", "tell_at": None}
    later = changed(ana, given)
    assert (later.name, later.is_keeper, later.counts, later.tell_at) == ("Ana", True, "mi", "18:30")
    assert (later.quiet_from, later.quiet_to) == ("22:00", "06:45")
    assert changed(ana, {"tell_at": "usual", "is_keeper": False}) == Driver("ana", name="Ana", counts="mi")
    assert changed(ana, {"tell_at": "9:00"}).tell_at == "09:00"


def test_bindings_come_and_go() -> None:
    ana = bound(Driver("ana", key_fobs=("1",)), {"key_fobs": ("2", "1", "2"), "phone_tags": ("aa",), "seat_memories": ()})
    assert known_by(ana) == ["key fob 1", "key fob 2", "phone tag aa"]
    assert known_by(unbound(ana, {"key_fobs": ("1", "7"), "phone_tags": ("aa",)})) == ["key fob 2"]
    assert unbound(ana, {"key_fobs": ("7",)}) == ana
