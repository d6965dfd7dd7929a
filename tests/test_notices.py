"""Whether a notice concerns this car: applies, does not, cannot tell."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.notices import Identity, Match, VinRange, in_ranges, judge, same

VIN = "JTMRJREV8HD123456"
CAR = Identity(frozenset({"toyota_rav4_2017"}), VIN, "Toyota", "RAV4", 2017, frozenset({"CAL-1", "CAL-2"}))
NOTHING = Identity()


@pytest.mark.parametrize(
    ("match", "verdict", "missing"),
    [
        (Match(make="toyota ", model="rav4", years=[2016, 2017]), "applies", []),
        (Match(make="Honda"), "does not", []),
        (Match(make="Toyota", years=[2018]), "does not", []),
        (Match(vins=[VinRange("JTMRJREV?HD", "120000", "130000")]), "applies", []),
        (Match(vins=[VinRange("JTMRJREV?HD", "123457", "130000")]), "does not", []),
        (Match(vins=[VinRange("JTMRJREV?HE"), VinRange("JTM")]), "applies", []),
        (Match(calibrations=["CAL-2"]), "applies", []),
        (Match(calibrations=["CAL-3"]), "does not", []),
        (Match(profiles=["toyota_rav4_2017"], calibrations=["CAL-1"]), "applies", []),
        (Match(), "cannot tell", []),
    ],
)
def test_what_is_known_settles_it(match: Match, verdict: str, missing: list[str]) -> None:
    assert judge(match, CAR) == (verdict, missing)


def test_what_is_not_known_leaves_it_open_and_is_named() -> None:
    whole = Match([VinRange("JTM")], "Toyota", "RAV4", [2017], ["CAL-1"])
    assert judge(whole, NOTHING) == ("cannot tell", ["vin", "make", "model", "year", "calibration"])
    assert judge(Match(make="Toyota", model="RAV4"), NOTHING._replace(make="Toyota")) == ("cannot tell", ["model"])


def test_one_criterion_that_is_not_met_settles_it_whatever_else_is_unknown() -> None:
    assert judge(Match([VinRange("JTM")], "Honda", years=[2017]), NOTHING._replace(make="Toyota")) == ("does not", [])


def test_a_vin_that_is_no_vin_is_not_known() -> None:
    assert in_ranges([VinRange("JTM")], "JTM") is None


@pytest.mark.parametrize(
    "range_",
    [VinRange(""), VinRange("??"), VinRange("JTM" * 6), VinRange("JTM", "1", "9"), VinRange("JTM", "200000", "100000")],
)
def test_a_range_that_no_car_can_lie_in_settles_nothing(range_: VinRange) -> None:
    assert in_ranges([range_], VIN) is None
    assert in_ranges([range_, VinRange("JTM")], VIN) is True


@pytest.mark.parametrize("vin", [VIN.lower(), f" {VIN} "])
def test_a_vin_is_one_as_a_person_writes_it(vin: str) -> None:
    assert in_ranges([VinRange("jtm", "123456", "123456")], vin) is True
    assert in_ranges([VinRange(VIN)], vin) is True, "one car alone"
    assert in_ranges([VinRange(VIN[:-1] + "7")], vin) is False


def test_a_vin_with_a_letter_that_none_has_is_not_known() -> None:
    assert in_ranges([VinRange("JTM")], VIN.replace("0", "O").replace("1", "I")) is None


@pytest.mark.parametrize(
    ("wanted", "known", "answer"),
    [
        ("RAV4", "rav4 ", True),
        ("CX-5", "CX5", True),
        ("RAV4", "RAV4 Hybrid", None),
        ("RAV4 Hybrid", "RAV4", None),
        ("Golf", "Polo", False),
        ("", "Polo", None),
        ("Golf", "", None),
    ],
)
def test_a_name_that_may_be_the_same_settles_nothing(wanted: str, known: str, answer: bool | None) -> None:
    assert same(wanted, known) is answer


def test_calibrations_of_some_control_units_rule_nothing_out() -> None:
    some = CAR._replace(is_all=False)
    assert judge(Match(calibrations=["CAL-3"]), some) == ("cannot tell", ["calibration"])
    assert judge(Match(calibrations=["CAL-2"]), some) == ("applies", [])


def test_a_profile_for_any_car_rules_nothing_out() -> None:
    assert judge(Match(profiles=["toyota_rav4_2017"]), NOTHING) == ("cannot tell", ["profile"])


MATCHES = st.builds(
    Match,
    vins=st.lists(st.builds(VinRange, st.sampled_from(["JTM", "JTH", "JT?", ""]), st.sampled_from(["000000", "1"])), max_size=2),
    make=st.sampled_from([None, "Toyota", "Honda"]),
    model=st.sampled_from([None, "RAV4", "RAV4 Hybrid", "Jazz"]),
    years=st.lists(st.sampled_from([2016, 2017]), max_size=2),
    calibrations=st.lists(st.sampled_from(["CAL-1", "CAL-2", "CAL-3"]), max_size=2),
    profiles=st.lists(st.sampled_from(["toyota_rav4_2017", "other"]), max_size=1),
)
CARS = st.builds(
    Identity,
    profiles=st.sampled_from([frozenset({"toyota_rav4_2017"}), frozenset({"x", "other"})]),
    vin=st.sampled_from([VIN, "JTH" + VIN[3:]]),
    make=st.sampled_from(["toyota", "Honda"]),
    model=st.sampled_from(["RAV4", "Jazz"]),
    year=st.sampled_from([2016, 2017]),
    calibrations=st.sets(st.sampled_from(["CAL-1", "CAL-2"]), min_size=1).map(frozenset),
    is_all=st.just(True),
)


@given(MATCHES, CARS, st.sets(st.sampled_from(["profiles", "vin", "make", "model", "year", "calibrations"])), st.data())
def test_knowing_more_never_changes_an_answer(match: Match, car: Identity, unknown: set[str], data: st.DataObject) -> None:
    some = data.draw(st.sets(st.sampled_from(sorted(car.calibrations))))
    hidden: dict[str, Any] = {name: Identity()._asdict()[name] for name in unknown}
    less = car._replace(calibrations=frozenset(some), is_all=some == car.calibrations)._replace(**hidden)
    verdict, missing = judge(match, less)
    whole, _ = judge(match, car)
    assert verdict in ("cannot tell", whole)
    assert bool(missing) <= (verdict == "cannot tell")
    assert set(missing) <= {"vin", "make", "model", "year", "calibration", "profile"}


@given(MATCHES, CARS)
def test_it_applies_when_all_that_is_asked_is_met(match: Match, car: Identity) -> None:
    alone = [
        judge(Match(**{f: getattr(match, f)}), car)[0] for f in match.__struct_fields__ if getattr(match, f) not in (None, [])
    ]
    verdict = judge(match, car)[0]
    assert verdict == ("does not" if "does not" in alone else "cannot tell" if "cannot tell" in alone or not alone else "applies")
