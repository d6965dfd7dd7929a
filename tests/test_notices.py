"""Whether a notice concerns this car: applies, does not, cannot tell."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.notices import Identity, Match, VinRange, in_ranges, judge

VIN = "JTMRJREV8HD123456"
CAR = Identity("toyota_rav4_2017", VIN, "Toyota", "RAV4", 2017, frozenset({"CAL-1", "CAL-2"}))
NOTHING = Identity("obd2")


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


@given(st.sampled_from(["vin", "make", "model", "year"]))
def test_knowing_less_never_turns_applies_into_does_not(known: str) -> None:
    match = Match([VinRange("JTM")], "Toyota", "RAV4", [2017])
    assert judge(match, CAR)[0] == "applies"
    less: dict[str, Any] = {known: None}
    assert judge(match, CAR._replace(**less)) == ("cannot tell", [known])
