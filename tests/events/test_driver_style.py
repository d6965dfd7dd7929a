"""What is learned of how each driver drives: from certain trips, moved when the household says so, forgotten with them."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Owner
from agent.events.driver_style import TRIPS_KEPT, DriverStyle, DriverStyleState, StyledTrip, forget, people
from agent.events.driver_summary import TripAttributed
from agent.events.household import DriverRemoved
from agent.events.trip import TripStyled
from agent.household.attribution import SURE, SURE_TO_LEARN, How
from agent.model import Context, Event, Setup
from agent.style import EARLY, FEATURES, WHOLE, Features
from agent.style.who import Learned, Styles, guess, learn
from agent.vehicle import Vehicle

CTX = Context(0, None, "unit-1", "boot-1", None)
KNOWN_BY: tuple[How, ...] = tuple(SURE)


def features(x: float, wobble: float = 0.0, seed: int = 0) -> dict[str, Features]:
    rng = random.Random(seed)
    return {w: {name: round(x + rng.gauss(0, wobble), 4) for name in FEATURES[w]} for w in (EARLY, WHOLE)}


def styled(n: int, driver: str, how: How = "key fob", x: float = 0.0, sure: float = 0.95) -> TripStyled:
    return TripStyled(
        id=f"s{n}", t_ns=n, boot_id="b", trip_id=f"t{n}", driver=driver, how=how, sure=sure, said={"key fob": str(n)},
        features=features(x, 0.1, n),
    )  # fmt: skip


def said(n: int, driver: str, how: How = "household") -> TripAttributed:
    return TripAttributed(id=f"a{n}", t_ns=n, boot_id="b", trip_id=f"t{n}", driver=driver, how=how, before="?")


def gone(driver: str) -> DriverRemoved:
    return DriverRemoved(id="r", t_ns=0, boot_id="b", driver=driver)


def after(*events: Event) -> DriverStyleState:
    rule = DriverStyle(Setup("unit-1", Vehicle("car"), Owner()))
    for event in events:
        assert list(rule.event(CTX, event)) == []
    return rule.state


def trips(state: DriverStyleState) -> dict[str, float]:
    return {driver: sums[0] for driver, sums in state.lent.windows.get(WHOLE, Learned()).drivers.items()}


def is_close(a: Styles, b: Styles) -> bool:
    return all(
        a.windows.get(w, Learned()).drivers.keys() == b.windows.get(w, Learned()).drivers.keys()
        and all(
            sums == pytest.approx(b.windows[w].drivers[d], abs=1e-9) for d, sums in a.windows.get(w, Learned()).drivers.items()
        )
        and a.windows.get(w, Learned()).products == pytest.approx(b.windows.get(w, Learned()).products, abs=1e-9)
        for w in (EARLY, WHOLE)
    )


# -- from whom it learns -----------------------------------------------------------------------------


@pytest.mark.parametrize("how", KNOWN_BY)
def test_it_learns_from_what_the_cars_signals_say(how: How) -> None:
    assert trips(after(styled(1, "ana", how, sure=SURE[how]))) == {"ana": 1}


@pytest.mark.parametrize("how", ["style", "default", "unknown"])
def test_it_never_learns_from_a_guess(how: How) -> None:
    state = after(styled(1, "ana", how, sure=0.99))
    assert state.lent == Styles()
    assert [(t.trip_id, t.driver, t.learned) for t in state.trips] == [("t1", "ana", "")]


def test_it_learns_nothing_from_what_contradicts_itself() -> None:
    assert trips(after(styled(1, "ana", sure=SURE_TO_LEARN - 0.01))) == {}
    assert trips(after(styled(1, "unknown", sure=0.0))) == {}


def test_it_remembers_what_the_last_trip_told() -> None:
    assert after(styled(1, "ana"), styled(2, "unknown", "unknown")).said == {"key fob": "2"}


# -- the household's word ----------------------------------------------------------------------------


def test_a_correction_moves_what_was_learned() -> None:
    state = after(styled(1, "ana"), styled(2, "ana"), styled(3, "ben", x=1.0), said(2, "ben"))
    assert is_close(state.lent, after(styled(1, "ana"), styled(2, "ben"), styled(3, "ben", x=1.0)).lent)
    assert trips(state) == {"ana": 1, "ben": 2}


def test_a_guess_is_learned_once_somebody_says_so() -> None:
    assert trips(after(styled(1, "ana", "style"), said(1, "ana"))) == {"ana": 1}
    assert trips(after(styled(1, "ana", "style"), said(1, "ben"), said(1, "ben"))) == {"ben": 1}


def test_a_guests_trip_is_nobodys() -> None:
    state = after(styled(1, "ana"), said(1, "unknown"))
    assert state.lent == Styles({EARLY: Learned(), WHOLE: Learned()})
    assert trips(after(styled(1, "ana"), said(1, "unknown"), said(1, "ana"))) == {"ana": 1}


def test_only_the_households_word_moves() -> None:
    assert trips(after(styled(1, "ana"), said(1, "ben", "style"))) == {"ana": 1}


def test_a_trip_of_which_nothing_is_kept_stays_as_it_was_learned() -> None:
    events = [styled(n, "ana") for n in range(TRIPS_KEPT + 1)]
    state = after(*events, said(0, "ben"), said(999, "ben"))
    assert trips(state) == {"ana": TRIPS_KEPT + 1}
    assert len(state.trips) == TRIPS_KEPT
    assert trips(after(*events, said(1, "ben"))) == {"ana": TRIPS_KEPT, "ben": 1}


names = st.sampled_from(["ana", "ben", "unknown"])
words = st.lists(st.tuples(st.integers(0, 5), names), max_size=12)


@given(st.lists(names, min_size=6, max_size=6), words)
def test_in_the_end_it_is_as_if_the_last_word_had_been_there_from_the_start(
    first: list[str], later: list[tuple[int, str]]
) -> None:
    told = dict(enumerate(first)) | dict(later)
    moved = after(*(styled(n, driver) for n, driver in enumerate(first)), *(said(n, driver) for n, driver in later))
    straight = after(*(styled(n, told[n]) for n in range(6)))
    assert is_close(moved.lent, straight.lent)


# -- forgetting ---------------------------------------------------------------------------------------


def test_who_is_removed_is_forgotten_and_the_others_are_told_apart_as_before() -> None:
    events = [styled(3 * n + i, driver, x=x) for n in range(12) for i, (driver, x) in enumerate(PEOPLE)]
    before, later = after(*events), after(*events, gone("ben"))
    assert trips(later) == {"ana": 12, "cem": 12}
    assert {t.driver for t in later.trips} == {"ana", "cem"}
    for driver, x in (PEOPLE[0], PEOPLE[2]):
        assert guess(before.lent, features(x)).driver == guess(later.lent, features(x)).driver == driver
    assert guess(later.lent, features(PEOPLE[1][1])).driver == "unknown"
    assert trips(after(*events, gone("ben"), said(1, "ana"))) == {"ana": 12, "cem": 12}, "their trips tell nothing any more"


PEOPLE = (("ana", 0.0), ("ben", 1.2), ("cem", -1.2))


def test_the_scatter_from_trip_to_trip_stays_as_it_was() -> None:
    styles = Styles()
    for n in range(30):
        for driver, x in PEOPLE:
            styles = learn(styles, driver, features(x, 0.1, hash((n, x)) % 1000))
    kept = forget(styles, "ben").windows[WHOLE]

    def spread(learned: Learned) -> float:
        mean = sum(d[1] ** 2 / d[0] for d in learned.drivers.values())
        return (learned.products[0] - mean) / sum(d[0] - 1 for d in learned.drivers.values())

    assert spread(kept) == pytest.approx(spread(styles.windows[WHOLE]))
    assert kept.drivers == {d: sums for d, sums in styles.windows[WHOLE].drivers.items() if d != "ben"}


def test_to_forget_the_only_one_or_nobody() -> None:
    styles = learn(Styles(), "ana", features(0.0))
    assert forget(styles, "ana").windows[WHOLE] == Learned()
    assert forget(styles, "ben") == styles
    assert forget(Styles(), "ben") == Styles()
    assert after(styled(1, "ana"), gone("ana")).trips == ()


# -- how many, and how it is kept ----------------------------------------------------------------------


def test_how_many_drive_this_car_is_not_known_from_a_few_trips() -> None:
    assert people(after()) is None
    assert people(after(*(styled(n, "ana") for n in range(10)))) is None


def test_how_many_drive_this_car() -> None:
    two = after(*(styled(n, ("ana", "ben")[n % 2], x=(0.0, 1.0)[n % 2]) for n in range(40)))
    found = people(two)
    assert found is not None and found[0] == found[1] == 2
    guests = after(*(styled(n, "ana") for n in range(30)), *(styled(30 + n, "unknown", "unknown", x=1.5) for n in range(15)))
    found = people(guests)
    assert found is not None and found[0] == 2, "attributed or not"


def test_its_state_survives_being_written_and_is_small() -> None:
    state = after(*(styled(n, ("ana", "ben")[n % 2]) for n in range(TRIPS_KEPT)))
    body = msgspec.json.encode(state)
    assert msgspec.json.decode(body, type=DriverStyleState) == state
    assert len(body) < 14_000, "it is written once for each trip"
    assert isinstance(state.trips[0], StyledTrip)


def test_a_trip_told_twice_is_learned_once_and_stays_where_it_was_put() -> None:
    assert after(styled(1, "ana"), styled(1, "ana")) == after(styled(1, "ana"))
    assert trips(after(styled(1, "ana"), said(1, "ben"), styled(1, "ana"))) == {"ben": 1}
