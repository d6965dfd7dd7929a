"""Cars of a catalogue against a use: ranked, honest about what is not known."""

from __future__ import annotations

import pytest

from agent.report.fit import Car, Wanted, fit
from agent.report.use import use
from tests.report.months import trip

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


def test_short_ranges_charge_on_the_way() -> None:
    (found,) = fit([Car(name="old", energy="electric", range_km=20.0, urban=1, rural=1, motorway=1)], PROFILE)
    assert (found.verdict, found.days_share) == ("would do, charging on the way", 0.0)


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
