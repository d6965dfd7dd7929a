"""Cars of a catalogue against a use: ranked, honest about what is not known."""

from __future__ import annotations

from typing import Any

import pytest

from agent.household import OWNER, Driver, Household
from agent.report.fit import LEAST_DAYS, Basis, Car, Wanted, fit, rounded, taken_from, withheld
from agent.report.use import use
from tests.report.months import ANA, BEN, trip

DAYS = [trip(f"2026-10-{day:02}", distance_m=200_000.0 if day == 28 else 30_000.0) for day in range(1, 29)]
PROFILE = use(DAYS, 28)

SMALL = Car(
    name="small battery car", energy="electric", range_km=150.0, urban=14.0, rural=13.0, motorway=19.0, seats=4, tow_kg=0.0
)
LARGE = Car(name="large battery car", energy="electric", range_km=420.0, urban=17.0, rural=16.0, motorway=22.0, seats=5)
PETROL = Car(name="petrol car", energy="petrol", urban=7.0, rural=5.0, motorway=6.5, seats=5, tow_kg=1500.0)


def test_the_days_and_the_energy_decide() -> None:
    found = fit([PETROL, SMALL, LARGE], PROFILE)
    assert [f.name for f in found] == ["small battery car", "large battery car", "petrol car"]
    small, _, petrol = found
    assert small.days_share == pytest.approx(27 / 28), "the holiday is longer"
    assert small.longer_days_year == pytest.approx(365.25 / 28)
    assert petrol.days_share is None
    assert petrol.amount_100km == pytest.approx(0.5 * 7 + 0.1 * 5 + 0.4 * 6.5)
    assert petrol.energy_mj_year == pytest.approx((petrol.amount_year or 0) * 32)


def test_a_shorter_range_charges_on_the_way_and_one_too_short_would_not_do() -> None:
    rows = [trip(f"2026-10-{day:02}", distance_m=10_000.0 * day) for day in range(1, 29)]
    for range_km, verdict in ((270, "would do"), (260, "would do, charging on the way"), (140, "would do, charging on the way")):
        (found,) = fit([Car(name="old", energy="electric", range_km=range_km, urban=1, rural=1, motorway=1)], use(rows, 28))
        assert (found.verdict, found.lacks) == (verdict, [])
    (found,) = fit([Car(name="old", energy="electric", range_km=139.0, urban=1, rural=1, motorway=1)], use(rows, 28))
    assert (found.verdict, found.lacks, found.days_share) == ("would not do", ["range"], 13 / 28)


def test_what_is_asked_and_lacking_rules_out_and_what_nobody_knows_is_said() -> None:
    found = {f.name: f for f in fit([SMALL, LARGE, PETROL], PROFILE, Wanted(seats=5, tow_kg=1200.0))}
    assert found["petrol car"].verdict == "would do"
    assert (found["small battery car"].verdict, found["small battery car"].lacks) == ("would not do", ["seats", "towing"])
    assert (found["large battery car"].verdict, found["large battery car"].not_known) == (
        "cannot tell",
        ["towing", "range in winter"],
    )


def test_an_unknown_range_or_economy_is_no_number() -> None:
    (found,) = fit([Car(name="x", energy="electric", urban=15.0)], PROFILE)
    assert (found.verdict, found.amount_100km, found.energy_mj_year) == ("cannot tell", None, None)
    assert found.not_known == ["range", "economy on these roads"]


def test_without_a_use_nothing_is_told() -> None:
    (found,) = fit([SMALL], use([], 0))
    assert (found.verdict, found.days_share, found.amount_year) == ("cannot tell", None, None)


@pytest.mark.parametrize(("days", "driven"), [(27, LEAST_DAYS), (365, LEAST_DAYS - 1)])
def test_few_days_judge_no_battery_car(days: int, driven: int) -> None:
    little = use([trip(f"2026-10-{day:02}") for day in range(1, driven + 1)], days)
    (small,) = fit([SMALL], little)
    assert (small.verdict, small.days_share, small.longer_days_year) == ("cannot tell", None, None)
    assert "enough days" in small.not_known
    (petrol,) = fit([PETROL], little)
    assert petrol.verdict == "would do", "it is filled up in minutes, on whatever days"


def test_a_road_that_is_not_driven_needs_no_economy() -> None:
    in_town = [trip(f"2026-10-{day:02}", speed_band_m={"0-30": 14_000.1, "30-50": 3.3, "70-90": 5_996.6}) for day in range(1, 29)]
    (found,) = fit([Car(name="x", energy="petrol", urban=7.0, rural=5.0)], use(in_town, 28))
    assert found.amount_100km == pytest.approx(6.4, abs=0.01)


# -- what it rests on, and whose word it takes ---------------------------------------------------------


def test_the_use_is_taken_from_the_first_trip_on() -> None:
    rows = [trip("2026-10-01", "ben"), trip("2026-10-11"), trip("2026-10-11", "unknown"), trip("2026-10-12")]
    profile, basis = taken_from(rows, "ana", "2026-10-20") or (None, None)
    days: dict[str, Any] = {"first_day": "2026-10-11", "last_day": "2026-10-20", "days": 10, "days_driven": 2}
    assert basis == Basis(**days, trips=2, distance_m=40_000.0, car_share=2 / 3)
    assert profile is not None and profile.day_m == [20_000.0, 20_000.0]
    _, whole = taken_from(rows, None, "2026-10-20") or (None, None)
    assert whole is not None and (whole.days, whole.trips, whole.car_share) == (20, 4, None)
    assert taken_from(rows, "zoe", "2026-10-20") is None
    assert taken_from([trip(kind="short_move")], None, "2026-10-20") is None


def test_what_leaves_has_the_digits_that_are_read() -> None:
    (small,) = fit([SMALL], PROFILE)
    told = rounded(small)
    assert (told.days_share, told.longer_days_year, told.amount_100km) == (0.964, 13.0, 15.9)
    assert (told.amount_year, told.energy_mj_year) == (2_090.0, 7_500.0)
    assert (told.name, told.verdict, told.not_known) == (small.name, small.verdict, small.not_known)
    _, basis = taken_from(DAYS, "ana", "2026-10-28") or (None, None)
    assert basis is not None and rounded(basis) == basis, "1,010 km in 28 days are even enough"


AGREES, KEEPS = Driver("ana", consents=("fit",)), Driver("ben", consents=("report", "compare"))


def test_it_leaves_with_the_word_of_whose_use_it_is() -> None:
    house = Household((AGREES, KEEPS))
    assert (withheld(house, "ana"), withheld(house, "ben")) == ([], ["ben"])
    assert withheld(house, None) == ["ben"], "he may be `unknown`, though no trip has his name"
    assert withheld(Household((AGREES,)), None, {"ana", "unknown"}) == []
    assert withheld(Household((AGREES,)), None, {"ana", "cleo"}) == ["cleo"], "nobody of that name is here to agree"
    assert withheld(Household((AGREES,)), "unknown") == ["unknown"]


def test_without_profiles_it_is_the_owners_word() -> None:
    nobody = Household()
    assert withheld(nobody, None, {"unknown"}) == [OWNER]
    agreed = Household((), Driver(OWNER, consents=("fit",)))
    assert withheld(agreed, None, {"unknown"}) == []
    assert withheld(agreed, None, {"ben"}) == ["ben"]
    assert withheld(Household((ANA, BEN), agreed.owner), None) == ["ana", "ben"]
