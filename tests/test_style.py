"""Driving style: what a trip's speeds come to, what is learned of drivers, and when the answer is `unknown`."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.model import NS, Area, Step
from agent.style import EARLY, EARLY_S, FEATURES, FEWEST_HELD_S, WHOLE, Features, Watch, WatchState
from agent.style.people import MOST, estimate_people
from agent.style.who import FEWEST_TRIPS, UNKNOWN, Guess, Styles, guess, learn, posterior, unlearn

Trip = dict[str, Features]

features = st.fixed_dictionaries({name: st.floats(-1, 3) for name in FEATURES[WHOLE]})
trips = st.builds(lambda whole, early: {WHOLE: whole, EARLY: {n: early[n] for n in FEATURES[EARLY]}}, features, features)
attributed = st.tuples(st.sampled_from(["ana", "ben", "cem"]), trips)


def step(v0_ms: float, v1_ms: float, t_s: int = 0, dt_s: float = 1.0) -> Step:
    return Step(
        t_s * NS, dt_s, v0_ms, v1_ms, (v0_ms + v1_ms) / 2 * dt_s, True, (), 1, lambda _: None, lambda _: Area(0.0, 0.0, 0.0)
    )


def driven(speeds_ms: list[float], watch: Watch | None = None) -> Watch:
    watch = watch or Watch()
    for v0_ms, v1_ms in pairwise(speeds_ms):
        watch.step(step(v0_ms, v1_ms))
    return watch


def hop(accel_ms2: float, hold_ms: float, brake_ms2: float, held_s: int = 20) -> list[float]:
    """From standing to standing."""
    up = [n * accel_ms2 for n in range(int(hold_ms / accel_ms2) + 1)]
    down = [hold_ms - n * brake_ms2 for n in range(int(hold_ms / brake_ms2) + 1)]
    return [*up, *[hold_ms] * held_s, *down, 0.0, 0.0]


def trip_of(mean: Mapping[str, float], rng: random.Random, sd: float = 0.1) -> Trip:
    return {w: {name: rng.gauss(mean[name], sd) for name in FEATURES[w]} for w in FEATURES}


def person(x: float) -> dict[str, float]:
    return dict.fromkeys(FEATURES[WHOLE], x)


def learned(people: Mapping[str, Mapping[str, float]], trips_each: int = 20, seed: int = 1) -> Styles:
    rng, styles = random.Random(seed), Styles()
    for _ in range(trips_each):
        for name, mean in people.items():
            styles = learn(styles, name, trip_of(mean, rng))
    return styles


APART = {"ana": person(0.0), "ben": person(0.8)}


# -- features ----------------------------------------------------------------------------------------


def test_features_are_what_was_driven() -> None:
    whole = driven(hop(1.5, 13.5, 2.0) * 6).features()[WHOLE]
    assert whole["launch"] == pytest.approx(math.log(1.5))
    assert whole["pick_up"] == pytest.approx(math.log(1.5))
    assert whole["stop"] == pytest.approx(math.log(2.0), abs=0.02)
    assert whole["pace"] == pytest.approx(math.log(13.5), abs=0.03)


def test_pace_is_the_median_not_the_mean() -> None:
    speeds = [*[7.5] * 45, *[10.0] * 60, *[19.0] * 50]
    assert driven(speeds).features()[WHOLE]["pace"] == pytest.approx(math.log(10), abs=0.03)


def test_what_was_hardly_driven_is_absent() -> None:
    assert Watch().features() == {WHOLE: {}}
    assert driven([30.0] * 600).features() == {WHOLE: {}, EARLY: {}}
    assert "launch" not in driven(hop(1.5, 13.5, 2.0)).features()[WHOLE]
    assert "pace" not in driven([12.0] * int(FEWEST_HELD_S)).features()[WHOLE]
    assert "pace" in driven([12.0] * int(FEWEST_HELD_S + 1)).features()[WHOLE]


def test_neither_reversing_nor_a_glitch_counts() -> None:
    speeds = hop(1.5, 13.5, 2.0) * 4
    clean = driven(speeds)
    assert driven([-v for v in speeds], driven(speeds)).state() == clean.state()
    spoilt = driven(speeds)
    spoilt.step(step(1.0, 15.0))
    assert spoilt.features()[WHOLE] == clean.features()[WHOLE]


def test_early_is_what_the_first_minutes_were() -> None:
    calm, wild = hop(1.0, 12.0, 1.0) * 8, hop(3.0, 12.0, 3.0) * 20
    watch = driven([*calm, *calm])
    assert EARLY in watch.features()
    early = watch.features()[EARLY]
    both = driven(wild, watch).features()
    assert both[EARLY] == early and set(early) == set(FEATURES[EARLY])
    assert both[WHOLE]["launch"] > early["launch"]
    assert EARLY not in driven([0.0] * int(EARLY_S + 10)).features()  # standing is not driving


@settings(deadline=None)
@given(st.lists(st.floats(0, 60), min_size=2, max_size=60), st.integers(0, 59))
def test_a_power_cut_changes_nothing(speeds_ms: list[float], cut: int) -> None:
    at = min(cut, len(speeds_ms) - 1)
    written = msgspec.json.encode(driven(speeds_ms[: at + 1]).state())
    again = driven(speeds_ms[at:], Watch(msgspec.json.decode(written, type=WatchState)))
    assert again.state() == driven(speeds_ms).state()


def test_a_power_cut_keeps_the_first_minutes() -> None:
    watch = driven(hop(1.0, 12.0, 1.0) * 8)
    again = driven(hop(3.0, 12.0, 3.0) * 8, Watch(msgspec.json.decode(msgspec.json.encode(watch.state()), type=WatchState)))
    assert again.features()[EARLY] == watch.features()[EARLY]


def test_what_is_written_is_small() -> None:
    rng = random.Random(4)
    watch = driven([abs(math.sin(n / 17)) * 19 + rng.random() for n in range(9_000)])
    assert EARLY in watch.features()
    assert len(msgspec.json.encode(watch.state())) < 1_500
    rng, styles = random.Random(2), Styles()
    for n in range(600):
        styles = learn(styles, f"driver-{n % 6}-{'x' * 8}", trip_of(person(n % 6 / 7), rng))
    assert len(msgspec.json.encode(styles)) < 4_096


# -- learning ----------------------------------------------------------------------------------------


def close(a: Styles, b: Styles) -> bool:
    """The same but for rounding."""
    return a.windows.keys() == b.windows.keys() and all(
        x.drivers.keys() == y.drivers.keys()
        and all(x.drivers[d] == pytest.approx(y.drivers[d], abs=1e-9) for d in x.drivers)
        and x.products == pytest.approx(y.products, abs=1e-9)
        for x, y in ((a.windows[w], b.windows[w]) for w in a.windows)
    )


@settings(deadline=None)
@given(st.lists(attributed, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_learning_does_not_matter(told: list[tuple[str, Trip]], rng: random.Random) -> None:
    a, b = Styles(), Styles()
    for driver, trip in told:
        a = learn(a, driver, trip)
    for driver, trip in rng.sample(told, len(told)):
        b = learn(b, driver, trip)
    assert close(a, b)


@settings(deadline=None)
@given(st.lists(attributed, min_size=1, max_size=8), attributed)
def test_a_trip_can_be_taken_back(told: list[tuple[str, Trip]], wrong: tuple[str, Trip]) -> None:
    styles = Styles()
    for driver, trip in told:
        styles = learn(styles, driver, trip)
    assert close(unlearn(learn(styles, *wrong), *wrong), styles)


def test_taking_back_the_only_trip_leaves_nothing() -> None:
    trip = trip_of(person(0.1), random.Random(3))
    styles = unlearn(learn(Styles(), "ana", trip), "ana", trip)
    assert not posterior(styles, trip) and not any(w.drivers or w.products for w in styles.windows.values())
    assert unlearn(Styles(), "ana", trip).windows == {}


def test_a_trip_that_is_not_whole_teaches_nothing() -> None:
    assert learn(Styles(), "ana", {WHOLE: {"launch": 0.1}, EARLY: {}}) == Styles()
    assert learn(Styles(), "ana", {WHOLE: person(math.nan)}) == Styles()
    assert learn(Styles(), UNKNOWN, {WHOLE: person(0.1)}) == Styles()


def test_styles_are_not_changed_in_place() -> None:
    styles = learned(APART, 3)
    before = msgspec.json.encode(styles)
    learn(styles, "ana", trip_of(person(0.0), random.Random(1)))
    assert msgspec.json.encode(styles) == before


# -- guessing ----------------------------------------------------------------------------------------


def test_it_names_who_drives_unlike_the_others() -> None:
    styles, rng = learned(APART), random.Random(7)
    answers = [guess(styles, trip_of(APART[name], rng), w).driver == name for name in APART for w in FEATURES for _ in range(25)]
    assert sum(answers) > 80


def test_nothing_learned_or_nothing_known_is_unknown() -> None:
    trip = trip_of(person(0.0), random.Random(1))
    assert guess(Styles(), trip) == Guess(UNKNOWN, 1.0)
    styles = learned(APART)
    nothing: list[Trip] = [{}, {WHOLE: {}}, {WHOLE: {"launch": math.nan}}, {WHOLE: {"launch": 1e99}}]
    for absent in nothing:
        assert guess(styles, absent).driver == UNKNOWN and posterior(styles, absent) == {}


def test_somebody_in_between_or_far_off_is_unknown() -> None:
    styles = learned(APART)
    assert guess(styles, {WHOLE: person(0.4)}).driver == UNKNOWN
    assert guess(styles, {WHOLE: person(-3.0)}).driver == UNKNOWN
    assert guess(styles, {WHOLE: person(-3.0)}).sure > 0.5  # it was none of those learned


def test_nobody_is_named_after_too_few_trips() -> None:
    rng, styles = random.Random(5), learned({"ben": person(0.8)}, 30)
    for n in range(FEWEST_TRIPS + 1):
        if n:
            styles = learn(styles, "ana", trip_of(person(-0.8), rng, sd=0.02))
        named = guess(styles, {WHOLE: person(-0.8)}, prior={"ana": 0.98, "ben": 0.01, UNKNOWN: 0.01}).driver
        assert named == UNKNOWN or n >= FEWEST_TRIPS


def test_no_prior_makes_up_for_a_style_that_anybody_has() -> None:
    styles = learned({"ana": person(0.0), "ben": person(0.05)})
    certain = {"ana": 0.999, "ben": 0.0005, UNKNOWN: 0.0005}
    assert posterior(styles, {WHOLE: person(0.0)}, prior=certain)["ana"] > 0.99
    assert guess(styles, {WHOLE: person(0.0)}, prior=certain).driver == UNKNOWN


def test_a_prior_moves_and_excludes() -> None:
    styles, trip = learned(APART), {WHOLE: person(0.4)}
    assert posterior(styles, trip, prior={"ana": 9, "ben": 1})["ana"] > posterior(styles, trip)["ana"]
    assert posterior(styles, trip, prior={"ana": 1.0})["ben"] == 0
    left = posterior(styles, trip, prior={"ana": 1.0, "cem": 1.0})  # nothing is learned of cem
    assert left[UNKNOWN] > posterior(styles, trip, prior={"ana": 1.0, "ben": 1.0})[UNKNOWN]
    assert posterior(styles, trip, prior={}) == {} and guess(styles, trip, prior={}).driver == UNKNOWN


@settings(deadline=None)
@given(
    st.lists(attributed, max_size=10),
    st.dictionaries(st.sampled_from(FEATURES[WHOLE]), st.floats(allow_nan=True, allow_infinity=True)),
    st.none() | st.dictionaries(st.sampled_from(["ana", "ben", "cem", "dua", UNKNOWN]), st.floats(0, 1)),
)
def test_sure_is_a_probability(told: list[tuple[str, Trip]], found: Features, prior: dict[str, float] | None) -> None:
    styles = Styles()
    for driver, trip in told:
        styles = learn(styles, driver, trip)
    shares = posterior(styles, {WHOLE: found}, prior=prior)
    assert not shares or sum(shares.values()) == pytest.approx(1)
    answer = guess(styles, {WHOLE: found}, prior=prior)
    assert 0 <= answer.sure <= 1 and (answer.driver == UNKNOWN or answer.driver in shares)


# -- how many people ---------------------------------------------------------------------------------


def several(places: list[float], each: int = 25) -> list[Features]:
    rng = random.Random(11)
    return [trip_of(person(x), rng)[WHOLE] for _ in range(each) for x in places]


def test_people_are_counted_when_they_show() -> None:
    one = learned({"ana": person(0.0)}, 30)
    assert estimate_people(several([0.0], 60), one) == (1, 1, 4)  # others may drive alike
    assert estimate_people(several([-1.0, 1.0], 40), one) == (2, 2, 4)
    assert estimate_people(several([-1.0, 0.0, 1.0]), one) == (3, 3, MOST)


def test_those_learned_are_counted_at_least() -> None:
    alike = learned({name: person(0.0) for name in ("ana", "ben", "cem")}, 20)
    assert (estimate_people(several([0.0], 60), alike) or (0,))[0] == 3
    many = learned({f"d{n}": person(0.0) for n in range(MOST + 2)}, 10)
    assert estimate_people(several([0.0], 60), many) == (MOST + 2,) * 3


def test_people_are_not_counted_without_knowing_one() -> None:
    assert estimate_people(several([0.0, 1.0]), Styles()) is None
    assert estimate_people(several([0.0, 1.0]), learned({"ana": person(0.0)}, 5)) is None
    assert estimate_people(several([0.0, 1.0])[:10], learned({"ana": person(0.0)}, 30)) is None
