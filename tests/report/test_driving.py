"""Ratios of sums: each over the trips that know both parts, absent without, marked when estimated."""

from __future__ import annotations

import pytest

from agent.report.driving import Driving, driving, in_unit, total
from agent.report.rows import Row
from tests.report.months import trip


def driven(*rows: Row) -> Driving:
    return driving(total(rows))


def test_a_month_is_the_sum_of_its_trips() -> None:
    d = driven(trip(), trip(kind="short_move", distance_m=100.0, fuel_l=0.02, duration_s=60.0))
    assert (d.trips, d.short_moves, d.distance_m) == (1, 1, 20_100.0)
    assert d.fuel_l_100km == pytest.approx(1.22 / 0.201)
    assert d.idle_share == pytest.approx(0.1)
    assert d.harsh_100km == pytest.approx(2 / 0.201)
    assert d.over_speed_share == pytest.approx(36 / 1860)
    assert d.covers == {}


def test_economy_is_over_the_trips_whose_fuel_is_known() -> None:
    d = driven(trip(), trip(fuel_l=None, distance_m=60_000.0))
    assert d.fuel_l_100km == pytest.approx(6.0), "not 1.2 l over 80 km"
    assert d.covers["fuel_l_100km"] == pytest.approx(0.25)
    assert d.night_share == 0.0
    d = driven(trip(), trip(distance_m=None))
    assert d.fuel_l_100km == pytest.approx(6.0), "nor 2.4 l over 20 km"


def test_what_is_not_known_is_absent() -> None:
    d = driven(
        trip(fuel_l=None, engine_s=None, idle_s=None, night_s=None, harsh_brakes=None, cold_starts=None, speed_band_m=None)
    )
    assert (d.fuel_l_100km, d.idle_share, d.night_share, d.harsh_100km, d.cold_short_trips) == (None,) * 5
    assert d.band_shares == {}
    assert driven() == Driving()


def test_a_trip_without_a_distance_is_no_denominator() -> None:
    d = driven(trip(distance_m=None, duration_s=None))
    assert (d.trips, d.fuel_l, d.fuel_l_100km, d.night_share) == (1, 1.2, None, None)


def test_an_engine_that_never_turned_has_no_idling_share() -> None:
    assert driven(trip(engine_s=0.0, idle_s=0.0)).idle_share is None


def test_a_yard_is_no_hundred_kilometres() -> None:
    d = driven(trip(distance_m=999.0))
    assert (d.fuel_l_100km, d.harsh_100km, d.distance_m) == (None, None, 999.0)


def test_electric_consumption_is_net_of_what_came_back() -> None:
    d = driven(trip(fuel_l=None, energy_kwh=4.0, regenerated_kwh=1.0), trip(energy_kwh=3.0))
    assert d.energy_kwh_100km == pytest.approx(15.0), "a trip that tells no regeneration counts as drawn"


def test_estimates_are_marked() -> None:
    d = driven(trip(), trip(estimated=["fuel_l", "harsh_brakes"]))
    assert set(d.estimated) == {"fuel_l", "fuel_l_100km", "harsh_100km"}


def test_cold_short_trips_are_told_apart() -> None:
    d = driven(trip(), trip(distance_m=4_900.0), trip(distance_m=4_900.0, cold_starts=0), trip(cold_starts=None))
    assert (d.cold_short_trips, d.cold_known_trips) == (1, 3)


def test_harshness_is_held_against_the_limit_at_its_mean_speed() -> None:
    histogram = {"urban": {"10": 95, "30": 5}, "rural": {"10": 99}}
    sums = {"urban": {"distance_m": 3_600.0, "duration_s": 360, "va_m2_s2": 1.0}, "rural": {"distance_m": 1.0, "duration_s": 1}}
    d = driven(trip(va_histogram_s=histogram, rpa_sum_m2_s2=sums))
    assert set(d.dynamics) == {"urban"}, "99 s are too few"
    assert d.dynamics["urban"].mean_kmh == pytest.approx(36.0)
    assert d.dynamics["urban"].limit_m2_s3 == pytest.approx(0.136 * 36 + 14.44)
    assert 5.0 < d.dynamics["urban"].va95_m2_s3 <= 5.5


def test_economy_in_the_owners_unit() -> None:
    assert in_unit(6.0, "l/100km") == 6.0
    assert in_unit(5.0, "km/l") == pytest.approx(20.0)
    assert in_unit(5.0, "mpg_us") == pytest.approx(47.04, abs=0.01)
    assert in_unit(5.0, "mpg_uk") == pytest.approx(56.50, abs=0.01)
    assert in_unit(0.0, "mpg_us") is None
