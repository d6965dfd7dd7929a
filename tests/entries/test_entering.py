"""What people enter: the event that it is, or a refusal that says why."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.entries.entering import EntryRefused, OdometerRead, TripGiven, attributed, enterable, entry_of, event_of
from agent.events import kinds
from agent.events.appointment import SlotsOffered
from agent.events.message import PromptAnswered
from agent.model import Context, Event, derive_id

CTX = Context(5, None, "unit-1", "boot-1", None)
ROW = {"id": "t1", "driver": "kim", "kind": "trip", "start_utc_ns": 7, "metrics": '{"distance_m": 1.0}', "estimated": "[]"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def refusal(kind: str, data: dict[str, Any]) -> str:
    with pytest.raises(EntryRefused) as e:
        entry_of(kind, data, "c1", CTX)
    return str(e.value)


def test_an_event_gets_its_id_from_who_entered_it_and_its_time_from_the_unit() -> None:
    event = event_of("PromptAnswered", {"prompt_id": "p1", "answer": "done"}, "c1", CTX)
    id = derive_id("unit-1", "PromptAnswered", "c1")
    assert event == PromptAnswered(id=id, t_ns=5, boot_id="boot-1", prompt_id="p1", answer="done")


def test_what_lies_inside_is_made_too() -> None:
    slot = {"id": "s1", "start": "2026-11-23T09:00:00+01:00", "end": "2026-11-23T10:00:00+01:00", "place": "Garage Nord"}
    event = event_of("SlotsOffered", {"bookable": "oil change", "slots": [slot]}, "c1", CTX)
    assert isinstance(event, SlotsOffered)
    assert event.slots[0].place == "Garage Nord"


def test_the_two_that_are_more_than_an_event() -> None:
    assert entry_of("OdometerRead", {"reading_m": 84_210_000}, "c1", CTX) == OdometerRead(84_210_000.0)
    assert entry_of("TripAttributed", {"trip_id": "t1", "driver": "ana"}, "c1", CTX) == TripGiven("t1", "ana")


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("PromptAnswered", {"prompt_id": "p1", "anser": "done"}, "unknown key `anser`: did you mean `answer`?"),
        ("PromptAnswered", {"prompt_id": "p1"}, "missing required field `answer`"),
        ("PromptAnswered", {"prompt_id": "p1", "answer": "don"}, "answer: Invalid enum value 'don'"),
        ("PromptAnswered", {"prompt_id": "p1", "answer": "snoozed", "days": 1 << 63}, "more than 64 bits"),
        ("SlotsOffered", {"bookable": "b", "slots": [{"id": "s", "plce": "x"}]}, "`slots.plce`: did you mean `slots.place`?"),
        ("DriverSaved", {"driver": {"id": "ana", "quiet_form": "22:00"}}, "did you mean `driver.quiet_from`?"),
        ("OdometerRead", {"reading_m": -1.0}, "reading_m: Expected `float` >= 0.0"),
        ("OdometerRead", {"reading_m": "84210"}, "reading_m: Expected `float`, got `str`"),
        ("OdometerRead", {"reading_km": 84210}, "unknown key `reading_km`: did you mean `reading_m`?"),
        ("TripAttributed", {"trip_id": "t1", "driver": ""}, "driver: Expected `str` of length >= 1"),
        ("TripEnded", {}, "cannot be entered"),
        ("Nonsense", {}, "unknown kind 'Nonsense'; known here: "),
    ],
)
def test_a_refusal_says_what_and_where(kind: str, data: dict[str, Any], words: str) -> None:
    assert words in refusal(kind, data)


def test_what_is_nested_too_deep_is_not_looked_into() -> None:
    """Else it would be the stack that ends, and the daemon with it."""
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    assert "nested too deep" in refusal("SlotsOffered", {"bookable": "b", "slots": deep})


@pytest.mark.parametrize("name", Event.__struct_fields__)
def test_nobody_says_the_unit_s_own_words(name: str) -> None:
    assert f"unknown key `{name}`" in refusal("PromptAnswered", {"prompt_id": "p1", "answer": "done", name: "x"})


def test_an_offer_was_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is anything that a closed list of kinds does not have."""

    class NoticeMade(Event, frozen=True, kw_only=True):
        enterable: ClassVar[bool] = True
        kind: Literal["recall", "software", "bulletin"]

    monkeypatch.setattr("agent.entries.entering.kinds", lambda: {"NoticeMade": NoticeMade})
    assert refusal("offer", {"text": "only today"}) == "not asked"
    assert refusal("Offer", {}) == refusal(" offer ", {}) == "not asked"
    assert refusal("NoticeMade", {"kind": " OFFER", "price": 5}) == "not asked"
    assert refusal("NoticeMade", {"kind": "offer"}) == "not asked"
    assert refusal("NoticeMade", {"kind": "coupon"}) == "not asked"
    assert refusal("NoticeMade", {"kind": "offer", "price": 5}) == "not asked", "whatever else is wrong with it"
    assert refusal("NoticeMade", {"notices": [{"kind": "offer"}]}) == "not asked"
    assert "Expected `str`" in refusal("NoticeMade", {"kind": 3})
    assert type(entry_of("NoticeMade", {"kind": "recall"}, "c1", CTX)) is NoticeMade


def test_a_record_may_have_rules_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Checked(Event, frozen=True, kw_only=True):
        enterable: ClassVar[bool] = True
        days: int

        def __post_init__(self) -> None:
            if self.days < 1:
                raise ValueError("days: at least one")

    monkeypatch.setattr("agent.entries.entering.kinds", lambda: {"Checked": Checked})
    assert refusal("Checked", {"days": 0}) == "Checked: days: at least one"


@settings(deadline=None)
@given(st.sampled_from(enterable()), st.dictionaries(st.sampled_from(["driver", "kind", "prompt_id", "x"]), JSON, max_size=4))
def test_whatever_is_entered_is_an_entry_or_refused_in_words(kind: str, data: dict[str, Any]) -> None:
    try:
        entry = entry_of(kind, data, "c1", CTX)
    except EntryRefused as e:
        assert str(e)
    else:
        assert isinstance(entry, (Event, OdometerRead, TripGiven))


@pytest.mark.parametrize("kind", [name for name, record in kinds().items() if record.enterable])
def test_every_kind_that_can_be_entered_asks_for_its_fields(kind: str) -> None:
    """And what an empty entry lacks is one of them."""
    words = refusal(kind, {})
    assert any(f"`{name}`" in words for name in kinds()[kind].__struct_fields__ if name not in Event.__struct_fields__)


# -- who drove ---------------------------------------------------------------------------------------


def test_a_trip_moves_from_who_had_it() -> None:
    event = attributed(ROW, "ana", "c1", CTX)
    assert (event.trip_id, event.driver, event.before, event.how) == ("t1", "ana", "kim", "household")
    assert event.id == derive_id("unit-1", "TripAttributed", "c1")


@pytest.mark.parametrize(
    "damage",
    [{"metrics": "{"}, {"metrics": None}, {"metrics": "[]"}, {"estimated": "3"}, {"driver": None}, {"start_utc_ns": "soon"}],
)
def test_a_damaged_row_does_not_move(damage: dict[str, Any]) -> None:
    with pytest.raises(EntryRefused, match="trip t1 cannot move: its row in the store is damaged"):
        attributed(ROW | damage, "ana", "c1", CTX)
