"""Who drove: what the car's signals say, latched until ignition-off; how it was driven; the default; nobody."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.household import Driver, Household
from agent.household.attribution import (
    BEFORE_S,
    KINDS,
    NOBODY,
    SURE,
    SURE_DEFAULT,
    SURE_TO_LEARN,
    Attribution,
    AttributionState,
    Who,
    bound_to,
    by_evidence,
    features_of,
    watched_as_one,
    who_drove,
)
from agent.model import NS, Area, Step, Value
from agent.signals import DRIVER_SUBJECT, KEY_FOB, PHONE_TAG, SEAT_MEMORY
from agent.style import EARLY, FEATURES, WHOLE, Features
from agent.style.who import Styles, learn

ANA = Driver(
    "ana", person="ana-at-home", identifiers=("DE|Ana M.",), key_fobs=("1",), seat_memories=("1",), phone_tags=("aa:01",)
)
BEN = Driver("ben", key_fobs=("2", "9"), seat_memories=("2",), phone_tags=("bb:02",))
HOME = Household((ANA, BEN))
NO_STYLES = None


def who(said: dict[str, str], household: Household = HOME) -> tuple[str, str]:
    found = by_evidence(said, household)
    return (found.driver, found.how) if found else ("", "")


# -- what the signals say ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"key fob": "1"}, ("ana", "key fob")),
        ({"key fob": "9"}, ("ben", "key fob")),
        ({"seat memory": "2"}, ("ben", "seat memory")),
        ({"phone tag": "bb:02"}, ("ben", "phone tag")),
        ({"identifier": "ana"}, ("ana", "identifier")),
        ({"identifier": "ana-at-home"}, ("ana", "identifier")),
        ({"identifier": "DE|Ana M."}, ("ana", "identifier")),
        ({"key fob": "3"}, ("", "")),  # nobody's key
        ({"key fob": "3", "phone tag": "bb:02"}, ("ben", "phone tag")),
        ({"seat memory": "aa:01"}, ("", "")),  # a phone's tag is no seat
        ({}, ("", "")),
        # contradictions: the stronger kind
        ({"key fob": "1", "seat memory": "2"}, ("ana", "key fob")),
        ({"key fob": "1", "phone tag": "bb:02"}, ("ana", "key fob")),
        ({"seat memory": "1", "phone tag": "bb:02"}, ("ana", "seat memory")),
        ({"identifier": "ben", "key fob": "1"}, ("ben", "identifier")),
        # two against one make it less likely than not
        ({"key fob": "1", "seat memory": "2", "phone tag": "bb:02"}, ("unknown", "key fob")),
    ],
)
def test_what_the_signals_say(said: dict[str, str], expected: tuple[str, str]) -> None:
    assert who(said) == expected


def test_what_two_are_bound_to_tells_of_nobody_and_says_so() -> None:
    shared = Household((ANA, msgspec.structs.replace(BEN, key_fobs=("1",))))
    assert by_evidence({"key fob": "1", "seat memory": "2"}, shared) == Who("unknown", "key fob", 0.0)
    assert bound_to(shared, "key fob", "1") == ["ana", "ben"]
    assert bound_to(shared, "seat memory", "1") == ["ana"]


def test_the_kinds_stand_in_order_and_each_alone_is_sure_enough_to_learn_from() -> None:
    assert list(SURE.values()) == sorted(SURE.values(), reverse=True)
    assert set(KINDS.values()) == set(SURE)
    assert all(SURE_DEFAULT < SURE_TO_LEARN < sure < 1 for sure in SURE.values())


def test_what_contradicts_makes_it_less_sure_and_what_agrees_does_not_make_it_surer() -> None:
    sure = {said: by_evidence(dict(said), HOME).sure for said in SAYINGS}  # type: ignore[union-attr]
    alone, agreed, doubted = (sure[said] for said in SAYINGS)
    assert alone == agreed == SURE["key fob"]
    assert 0.5 < doubted < SURE_TO_LEARN
    assert doubted == pytest.approx(0.95 * 0.1 / (0.95 * 0.1 + 0.05 * 0.9), abs=1e-4), "Bayes' rule"


SAYINGS = (
    (("key fob", "1"),),
    (("key fob", "1"), ("phone tag", "aa:01")),
    (("key fob", "1"), ("seat memory", "2")),
)


# -- latched until ignition-off ------------------------------------------------------------------------


def heard(*samples: tuple[float, str, Value], begin_s: float = 100.0) -> dict[str, str]:
    """What was said, of (s, signal, value); the ignition comes on at `begin_s`."""
    attribution = Attribution()
    for t_s, signal, value in samples:
        if t_s < begin_s:
            attribution.sample(round(t_s * NS), signal, value, driving=False)
    attribution.begin(round(begin_s * NS), driving=True)
    for t_s, signal, value in samples:
        if t_s >= begin_s:
            attribution.sample(round(t_s * NS), signal, value, driving=True)
    return attribution.evidence()


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ([(101, KEY_FOB, "1")], {"key fob": "1"}),
        ([(101, KEY_FOB, "1"), (102, KEY_FOB, "2")], {"key fob": "1"}),
        ([(101, KEY_FOB, "3"), (102, KEY_FOB, "1")], {"key fob": "3"}),  # a guest's; Ana's comes with a passenger
        ([(101, KEY_FOB, "0"), (102, KEY_FOB, None), (103, KEY_FOB, "1"), (104, KEY_FOB, "NOT_AVAILABLE")], {"key fob": "1"}),
        ([(101, SEAT_MEMORY, "None"), (102, PHONE_TAG, " "), (103, KEY_FOB, 1.0), (104, KEY_FOB, True)], {}),  # not as texts
        ([(99, KEY_FOB, "1")], {"key fob": "1"}),  # a tag that is read once, before the start
        ([(90, KEY_FOB, "2"), (99, KEY_FOB, "1")], {"key fob": "1"}),  # who got out before, and who got in
        ([(99, KEY_FOB, "2"), (101, KEY_FOB, "1")], {"key fob": "1"}),  # the start itself says more
        ([(99, KEY_FOB, "2"), (101, SEAT_MEMORY, "1")], {"key fob": "2", "seat memory": "1"}),
        ([(100 - BEFORE_S, KEY_FOB, "2")], {"key fob": "2"}),
        ([(99.9 - BEFORE_S, KEY_FOB, "2")], {}),  # too long ago to be about this trip
        ([(101, DRIVER_SUBJECT, "ana")], {"identifier": "ana"}),
    ],
)
def test_of_each_kind_the_first_counts(samples: list[tuple[float, str, Value]], said: dict[str, str]) -> None:
    if samples[0][0] + BEFORE_S < 100:
        samples = [(t + 200, signal, value) for t, signal, value in samples]
        assert heard(*samples, begin_s=300.0) == said
    else:
        assert heard(*samples) == said


texts = st.sampled_from(["1", "2", "3", "0", "", "NONE", None])
later = st.lists(st.tuples(st.sampled_from(sorted(KINDS)), texts))


@given(later, later)
def test_nothing_after_the_first_changes_anything(
    first: list[tuple[str, str | None]], more: list[tuple[str, str | None]]
) -> None:
    attribution = Attribution()
    attribution.begin(0, driving=True)
    for n, (signal, text) in enumerate(first):
        attribution.sample(n, signal, text, driving=True)
    before = attribution.evidence()
    for n, (signal, text) in enumerate(more):
        attribution.sample(100 + n, signal, text, driving=True)
    assert {kind: text for kind, text in attribution.evidence().items() if kind in before} == before


@given(later, later)
def test_its_state_is_all_that_it_remembers(before: list[tuple[str, str | None]], after: list[tuple[str, str | None]]) -> None:
    one = Attribution()
    for n, (signal, text) in enumerate(before):
        one.sample(n, signal, text, driving=n % 3 == 0)
    written = msgspec.json.encode(one.state(is_parked=False))
    two = Attribution(msgspec.json.decode(written, type=AttributionState))
    for each in (one, two):
        each.begin(0, driving=False)
        each.set_off(NS)
        for n, (signal, text) in enumerate(after):
            each.sample(n, signal, text, driving=True)
    assert one.evidence() == two.evidence()
    assert one.state(is_parked=False) == two.state(is_parked=False)


def test_a_parked_car_keeps_only_what_it_heard_for_the_trip_to_come() -> None:
    attribution = Attribution()
    attribution.begin(0, driving=True)
    attribution.sample(1, KEY_FOB, "1", driving=True)
    attribution.sample(2, SEAT_MEMORY, "2", driving=False)
    assert msgspec.json.encode(attribution.state(is_parked=True)) == b'{"before":{"seat memory":[2,"2"]}}'


def test_a_new_trip_begins_with_nothing() -> None:
    attribution = Attribution()
    attribution.begin(0, driving=True)
    attribution.sample(1, KEY_FOB, "1", driving=True)
    attribution.begin(500 * NS, driving=True)
    assert attribution.evidence() == {}
    assert attribution.watched().moved == 0


def test_a_tag_that_was_read_once_is_for_one_trip() -> None:
    attribution = Attribution()
    attribution.sample(95 * NS, KEY_FOB, "1", driving=False)
    for begin_s, said in ((100, {"key fob": "1"}), (180, {})):
        attribution.begin(begin_s * NS, driving=True)
        assert attribution.evidence() == said


# -- how it was driven, and the default ------------------------------------------------------------------


def trip(x: float, wobble: float = 0.0) -> dict[str, Features]:
    return {w: {name: x + wobble * (n % 2 or -1) for n, name in enumerate(FEATURES[w])} for w in (EARLY, WHOLE)}


def learned() -> Styles:
    styles = Styles()
    for n in range(12):
        styles = learn(styles, "ana", trip(0.0, 0.02 * (n % 5)))
        styles = learn(styles, "ben", trip(1.0, 0.02 * (n % 5)))
    return styles


def test_evidence_goes_before_style_and_style_before_the_default() -> None:
    styles = learned()
    assert who_drove({"key fob": "2"}, trip(0.0), HOME, styles, "cem").driver == "ben"
    by_style = who_drove({}, trip(0.0), HOME, styles, "cem")
    assert (by_style.driver, by_style.how) == ("ana", "style") and by_style.sure >= 0.9
    assert who_drove({}, trip(0.5), HOME, styles, "cem") == Who("cem", "default", SURE_DEFAULT), "it could be either"
    assert who_drove({}, {}, HOME, styles, "cem").how == "default"
    assert who_drove({}, trip(0.0), HOME, NO_STYLES, "unknown") == NOBODY
    assert who_drove({"key fob": "77"}, trip(0.5), HOME, styles, "unknown") == NOBODY


def test_a_guest_is_not_the_default_driver_whose_style_is_known() -> None:
    styles = learned()
    assert who_drove({}, trip(-2.0), HOME, styles, "ana") == NOBODY
    assert who_drove({}, trip(-2.0), HOME, styles, "cem").driver == "cem", "of whom nothing is learned: it may be them"
    assert who_drove({}, {}, HOME, styles, "ana").driver == "ana"


def test_a_contradiction_is_not_settled_by_style() -> None:
    shared = Household((ANA, msgspec.structs.replace(BEN, key_fobs=("1",))))
    assert who_drove({"key fob": "1"}, trip(0.0), shared, learned(), "ana") == Who("unknown", "key fob", 0.0)


# -- the pieces of a stitched trip -----------------------------------------------------------------------


def driven(speeds_ms: list[float]) -> Attribution:
    attribution = Attribution()
    attribution.begin(0, driving=True)
    for v0, v1 in pairwise(speeds_ms):
        attribution.step(Step(NS, 1.0, v0, v1, (v0 + v1) / 2, True, (), 1, lambda _: None, lambda _: Area(0.0, 0.0, 0.0)))
    return attribution


HOPS = ([*(float(v) for v in range(0, 14, 2)), *[13.0] * 30, *(float(v) for v in range(12, -1, -2)), 0.0]) * 12


def test_two_pieces_add_up_but_for_the_first_minutes() -> None:
    cut = HOPS.index(0.0, 150)
    whole, a, b = driven(HOPS).watched(), driven(HOPS[: cut + 1]).watched(), driven(HOPS[cut:]).watched()
    one = watched_as_one(a, b)
    assert one is not None
    assert one.moved == whole.moved
    assert features_of(one)[WHOLE] == features_of(whole)[WHOLE]
    assert EARLY in features_of(whole) and EARLY not in features_of(one)
    late = HOPS.index(0.0, 400)
    kept = watched_as_one(driven(HOPS[: late + 1]).watched(), driven(HOPS[late:]).watched())
    assert features_of(kept)[EARLY] == features_of(whole)[EARLY]


def test_a_piece_of_an_older_state_has_no_style() -> None:
    watched = driven(HOPS).watched()
    assert watched_as_one(None, watched) == watched_as_one(watched, None) == watched
    assert features_of(None) == {}
