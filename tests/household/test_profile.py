"""A driver's profile as a person enters it."""

from __future__ import annotations

import msgspec
import pytest

from agent.household import AS_OWNER, Driver, Household
from agent.household.profile import (
    MOST,
    bound,
    changed,
    faults,
    is_binding,
    is_day,
    is_id,
    is_name,
    is_span,
    is_time,
    is_zone,
    known_by,
    mended,
    taken_by,
    unbound,
)


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (is_id, ["ana", "a1", "x-2", "a" * 32], ["", "Ana", "ana m", "a" * 33, "unknown", "änne", "ana\n"]),
        (is_time, ["18:30", "0:00", "7:05", "23:59"], ["24:00", "18:60", "18", "18:3", "-1:00", "", "１:30"]),
        (is_span, ["21:30-07:30", "0:00-0:00"], ["21:30", "21:30-", "-07:30", "21:30-7", "21:30–07:30"]),
        (is_day, ["2028-04-01"], ["2028-4-1", "1.4.2028", "2028-02-30", ""]),
        (is_zone, ["Europe/Berlin", "UTC"], ["Berlin", "", "../etc", "Europe/"]),
        (
            is_name,
            ["Ana", "", "Łucja-Zoë O'Néill", "علی\u200cرضا", "李小龍", "👩\u200d🔧"],
            ["a\nb", "x" * 65, "a\u202eb", "\x00"],
        ),
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


WRONG = [
    ("guardian_with", ("Ana",)),
    ("id", ""),
    ("id", "unknown"),
    ("id", "Ana Müller"),
    ("name", "Ana\nMüller"),
    ("person", "a@b"),
    ("timezone", "Europe/Atlantis"),
    ("timezone", ""),
    ("quiet_from", "25:00"),
    ("quiet_from", "7:30"),
    ("quiet_to", ""),
    ("tell_at", "usual"),
    ("of_age", "2028-02-30"),
    ("key_fobs", ("1", "none")),
    ("phone_tags", tuple(map(str, range(1, MOST + 2)))),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_what_a_profile_cannot_be_is_named(field: str, value: object) -> None:
    (fault,) = faults(msgspec.structs.replace(Driver("ana"), **{field: value}))
    assert fault[0] == field and fault[1].startswith(("it is no", "one of them is no", "21 are too many"))
    assert "Müller" not in fault[1], "names, hours and keys stay on the unit"


def test_nothing_is_wrong_with_a_whole_profile() -> None:
    whole = Driver(
        "ana", "Ana", "ana-at-home", True, "mi", "de", "Europe/Vienna", "22:00", "06:30", "18:30", "page", "2031-05-01", ("a@b",)
    )
    assert list(faults(whole)) == list(faults(Driver("ana"))) == list(faults(AS_OWNER)) == []


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_what_lies_in_an_old_state_is_mended(field: str, value: object) -> None:
    driver = msgspec.structs.replace(Driver("ana", consents=("report",), name="Ana"), **{field: value})
    kept = mended(Household((driver,), driver))
    assert [f for each in (*kept.drivers, kept.owner) for f, _ in faults(each)] in ([], ["id"], ["id", "id"])
    assert all(each.consents == ("report",) for each in kept.drivers)
    assert mended(kept) == kept


def test_what_was_meant_is_kept_where_it_can_be_told() -> None:
    (kept,) = mended(Household((Driver("ana", quiet_from="7:30", tell_at="9:00", key_fobs=("none", "2")),))).drivers
    assert (kept.quiet_from, kept.tell_at, kept.key_fobs) == ("07:30", "09:00", ("2",))


def test_a_key_is_one_person_s() -> None:
    household = Household((Driver("ben", key_fobs=("1",), identifiers=("b@x",)),))
    assert taken_by(Driver("ana", key_fobs=("2", "1")), household) == "a key fob of theirs is ben's"
    assert taken_by(Driver("ana", identifiers=("b@x",)), household) == "an identifier of theirs is ben's"
    assert taken_by(Driver("ben", key_fobs=("1",)), household) is None
    assert taken_by(Driver("ana", phone_tags=("1",)), household) is None
