"""A trip's sums: what is not known is absent, and a metric that throws takes no other with it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent import tally
from agent.config import Owner
from agent.model import NS, Metric, Span, Step
from agent.signals import COOLANT, ENGINE_SPEED, MAF
from agent.tally import INTEGRALS, READS, TYPES, Sums, Tally, TallyState, combine
from agent.vehicle import Vehicle
from tests.metrics.conftest import drive

CAR, OWNER = Vehicle("car"), Owner()
SPAN = Span(0, 10 * NS, None, 0.0)


class ThrowsLate(Metric):
    """Throws in its third step."""

    def initial(self) -> int:
        return 0

    def step(self, step: Step) -> None:
        self.state += 1
        if self.state == 3:
            raise ZeroDivisionError

    def result(self, span: Span) -> int:
        return 7


class ThrowsAtTheEnd(Metric):
    def result(self, span: Span) -> int:
        raise KeyError


class DoesNotAddUp(Metric):
    def result(self, span: Span) -> int:
        return 1

    @staticmethod
    def combine(a: Any, b: Any) -> Any:
        raise TypeError


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three metrics that throw, among the real ones."""
    more = {"a_throws_late": ThrowsLate, "throws_at_the_end": ThrowsAtTheEnd, "z_does_not_add_up": DoesNotAddUp}
    monkeypatch.setattr(tally, "TYPES", TYPES | more)


def folded(speeds: list[float], state: TallyState | None = None) -> Tally:
    made = Tally(CAR, OWNER, state)
    for step in drive(speeds):
        made.fold(step)
    return made


def test_what_is_not_known_is_absent() -> None:
    metrics = folded([10.0] * 11).sums(SPAN).metrics
    assert metrics["distance_m"] == pytest.approx(100.0)
    assert not metrics.keys() & {"fuel_l", "energy_kwh", "odometer_first_m", "idle_s", "night_s"}
    assert None not in metrics.values()


def test_the_observed_seconds_are_its_own_not_the_spans() -> None:
    assert folded([10.0] * 8).sums(SPAN).metrics["unobserved_s"] == pytest.approx(3.0)


@pytest.mark.usefixtures("broken")
def test_a_metric_that_throws_is_absent_and_named_and_the_others_go_on() -> None:
    made = folded([10.0] * 11)
    sums = made.sums(SPAN)
    assert sums.failed == ["a_throws_late", "throws_at_the_end"]
    assert not sums.metrics.keys() & set(sums.failed)
    assert sums.metrics["distance_m"] == pytest.approx(100.0)
    assert made.sums(SPAN).failed == sums.failed, "named once"


@pytest.mark.usefixtures("broken")
def test_a_failed_metric_stays_failed_over_a_restart() -> None:
    state = msgspec.json.decode(msgspec.json.encode(folded([10.0] * 6).state()), type=TallyState)
    again = folded([10.0] * 6, state).sums(SPAN)
    assert again.failed == ["a_throws_late", "throws_at_the_end"]
    assert again.metrics["distance_m"] == pytest.approx(100.0)


def test_a_state_in_another_shape_fails_its_metric_only() -> None:
    sums = folded([10.0] * 6, TallyState({"speed_band_s": 5, "distance_m": 50.0, "no_metric_of_ours": 1})).sums(SPAN)
    assert sums.failed == ["speed_band_s"]
    assert sums.metrics["distance_m"] == pytest.approx(100.0)


def test_a_metric_new_since_the_state_was_written_starts_afresh() -> None:
    sums = folded([10.0] * 6, TallyState({"distance_m": 50.0}, (), 5.0)).sums(SPAN)
    assert sums.metrics["moving_s"] == pytest.approx(5.0)
    assert sums.metrics["unobserved_s"] == pytest.approx(0.0)


def test_sums_add_each_in_its_own_way() -> None:
    first = Sums({"distance_m": 1.0, "odometer_first_m": 10.0, "odometer_last_m": 11.0, "speed_band_s": {"0": 1.0}}, ["fuel_l"])
    then = Sums({"distance_m": 2.0, "odometer_first_m": 11.0, "odometer_last_m": 13.0, "speed_band_s": {"0": 1.0, "30-50": 2.0}})
    assert combine(first, then) == Sums(
        {"distance_m": 3.0, "odometer_first_m": 10.0, "odometer_last_m": 13.0, "speed_band_s": {"0": 2.0, "30-50": 2.0}}
    )
    assert first.metrics["speed_band_s"] == {"0": 1.0}, "and change neither"


def test_what_one_alone_knows_is_kept_and_an_estimate_stays_one() -> None:
    assert combine(Sums({"fuel_l": 1.0}, ["fuel_l"]), Sums({"distance_m": 5.0})) == Sums(
        {"fuel_l": 1.0, "distance_m": 5.0}, ["fuel_l"]
    )


def test_what_failed_in_one_is_absent_in_both() -> None:
    half = Sums({"distance_m": 5.0}, [], ["fuel_l"])
    whole = Sums({"distance_m": 5.0, "fuel_l": 1.0}, ["fuel_l"])
    assert combine(half, whole) == combine(whole, half) == Sums({"distance_m": 10.0}, [], ["fuel_l"])


@pytest.mark.usefixtures("broken")
def test_what_does_not_add_up_is_absent_and_named() -> None:
    odd = Sums({"z_does_not_add_up": 1, "distance_m": 5.0, "moving_s": 1.0}, ["z_does_not_add_up"])
    assert combine(odd, odd) == Sums({"distance_m": 10.0, "moving_s": 2.0}, [], ["z_does_not_add_up"])
    assert combine(odd, Sums({"moving_s": {"0": 1.0}})).failed == ["moving_s"]


def test_a_name_from_a_newer_version_does_not_stop_the_sum() -> None:
    assert combine(Sums({"gone_s": 1.0}), Sums({"gone_s": 2.0})).failed == ["gone_s"]


def test_what_metrics_read_is_gathered() -> None:
    assert {ENGINE_SPEED, COOLANT} <= READS
    assert MAF in INTEGRALS
