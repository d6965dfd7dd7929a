"""Forecasts: an honest range, exact where a limit is exact."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.service.forecast import (
    EVERY_DAY,
    Forecast,
    Left,
    Rate,
    forecast,
    latest_days,
    likely_days,
    reminder_days,
    soonest_days,
)

TODAY = date(2026, 11, 22)
STEADY = Rate(30_000.0, 30_000.0, 30_000.0)
UNEVEN = Rate(10_000.0, 30_000.0, 70_000.0)
ABOVE = 1e-3  # a millimetre: far below it a product of two is no float any more
rates = st.tuples(*[st.just(0.0) | st.floats(ABOVE, 1e6)] * 3).map(lambda each: Rate(*sorted(each)))
amounts = st.floats(-1e8, 0.0) | st.floats(ABOVE, 1e8)


def test_time_is_exact() -> None:
    assert forecast([Left("time", 40.0, EVERY_DAY)], TODAY) == Forecast("time", "2027-01-01", "2027-01-01", "2027-01-01")


def test_a_steady_pace_is_exact_too() -> None:
    assert forecast([Left("distance", 3e6, STEADY)], TODAY) == Forecast("distance", "2027-03-02", "2027-03-02", "2027-03-02")


def test_an_uneven_pace_has_a_range_around_what_is_likely() -> None:
    found = forecast([Left("distance", 3e6, UNEVEN)], TODAY)
    assert found is not None and found.latest_day is not None
    assert found.likely_day == "2027-03-02"
    assert "2026-12-22" < found.earliest_day < "2027-02-10"
    assert "2027-03-20" < found.latest_day < "2027-05-30"


def test_differences_average_out_the_further_it_is() -> None:
    near, far = (soonest_days(m, UNEVEN) / likely_days(m, UNEVEN) for m in (300e3, 10e6))
    assert near < 0.5
    assert 0.6 < far < 0.8
    assert soonest_days(7 * 70_000.0, Rate(70_000.0, 30_000.0, 70_000.0)) == pytest.approx(7.0)  # the fast week itself


def test_a_quarter_abroad_does_not_hide_how_fast_it_may_go() -> None:
    back = Rate(0.0, 5_000.0, 30_000.0)
    assert soonest_days(2e6, back._replace(before=17_000.0)) < 0.7 * soonest_days(2e6, back)
    assert latest_days(2e6, back._replace(before=17_000.0)) == latest_days(2e6, back)
    assert soonest_days(2e6, back._replace(before=4_000.0)) == soonest_days(2e6, back)


def test_the_first_limit_counts() -> None:
    lefts = [Left("distance", 3e6, STEADY), Left("time", 40.0, EVERY_DAY)]
    found = forecast(lefts, TODAY)
    assert found is not None and (found.by, found.likely_day) == ("time", "2027-01-01")


def test_what_is_not_known_is_absent() -> None:
    assert forecast([], TODAY) is None
    assert forecast([Left("time", 40.0, EVERY_DAY), Left("distance", 3e6, None)], TODAY) is None
    assert forecast([Left("distance", 3e6, Rate(0.0, 0.0, 0.0))], TODAY) is None
    assert forecast([Left("distance", 3e9, STEADY)], TODAY) is None  # centuries


def test_what_is_over_is_due_today() -> None:
    assert forecast([Left("distance", -5.0, UNEVEN)], TODAY) == Forecast("distance", "2026-11-22", "2026-11-22", "2026-11-22")


@pytest.mark.parametrize(
    ("left", "days"),
    [
        (Left("distance", 3e6, STEADY, reminds_at=1.5e6), 50.0),
        (Left("distance", 3e6, STEADY, reminds_days=30), 70.0),
        (Left("distance", 3e6, STEADY, reminds_at=1.5e6, reminds_days=60), 40.0),
        (Left("time", 40.0, EVERY_DAY, reminds_days=30), 10.0),
        (Left("time", 20.0, EVERY_DAY, reminds_days=30), -10.0),
        (Left("distance", 1e6, STEADY, reminds_at=1.5e6), 0.0),
    ],
)
def test_the_cars_reminder_comes_by_amount_or_by_days(left: Left, days: float) -> None:
    assert left.rate is not None
    assert reminder_days(left, left.rate) == pytest.approx(days)


@given(amounts, rates)
def test_the_range_is_in_order(amount: float, rate: Rate) -> None:
    assert 0 <= soonest_days(amount, rate) <= likely_days(amount, rate) * (1 + 1e-9) <= latest_days(amount, rate) * (1 + 1e-8)


@given(st.just(0.0) | st.floats(ABOVE, 1e8), st.floats(0, 1e7), rates)
@example(0.0, 1.0, Rate(0.0, 0.0, 3.6e-175))
def test_less_is_used_up_sooner(amount: float, more: float, rate: Rate) -> None:
    assert soonest_days(amount, rate) <= soonest_days(amount + more, rate)
    assert latest_days(amount, rate) <= latest_days(amount + more, rate) * (1 + 1e-9)


@given(st.lists(st.tuples(amounts, rates), min_size=1, max_size=4))
def test_days_are_days(found: list[tuple[float, Rate]]) -> None:
    told = forecast([Left("distance", amount, rate) for amount, rate in found], TODAY)
    if told is not None:
        assert TODAY.isoformat() <= told.earliest_day <= told.likely_day
        assert told.latest_day is None or told.likely_day <= told.latest_day
