"""fuel_l"""

from __future__ import annotations

import pytest

from agent.metrics.fuel_l import FUEL_TYPE, FuelL
from agent.model import Area, Metric, Step, Value
from agent.signals import ENGINE_SPEED, ETHANOL, FUEL_MASS_RATE, FUEL_RATE, LAMBDA, MAF
from agent.vehicle import Fuel, Vehicle
from tests.metrics.conftest import HOUR, drive, fold, step

PETROL = Vehicle(name="petrol", fuel=Fuel(type="petrol"))
DIESEL = Vehicle(name="diesel", fuel=Fuel(type="diesel", density_g_l=835))
UNKNOWN = Vehicle(name="any")
ON: dict[str, Value] = {ENGINE_SPEED: 2000.0}


def seconds(n: int, rates: dict[str, float], known: dict[str, Value] | None = None) -> list[Step]:
    """n seconds at these rates, the engine running unless `known` says otherwise."""
    return drive([20.0] * (n + 1), known=ON | (known or {}), areas={s: Area(rate, 0.0, 1.0) for s, rate in rates.items()})


def litres(metric: Metric) -> float:
    result = metric.result(HOUR)
    assert isinstance(result, float)
    return result


def test_volume_rate() -> None:
    metric = fold(FuelL, seconds(1800, {FUEL_RATE: 6.0}), car=UNKNOWN)
    assert litres(metric) == pytest.approx(3.0)
    assert not metric.is_estimated()


def test_mass_rate_goes_before_volume_and_air() -> None:
    metric = fold(FuelL, seconds(745, {FUEL_MASS_RATE: 1.0, FUEL_RATE: 99.0, MAF: 99.0}), car=PETROL)
    assert litres(metric) == pytest.approx(1.0)
    assert not metric.is_estimated()


def test_volume_goes_before_air() -> None:
    assert litres(fold(FuelL, seconds(3600, {FUEL_RATE: 2.0, MAF: 99.0}), car=PETROL)) == pytest.approx(2.0)


def test_sources_polled_in_turn_count_each_stretch_once() -> None:
    alive: dict[str, Value] = ON | {FUEL_RATE: 6.0, MAF: 99.0}
    volume, air = {FUEL_RATE: Area(12.0, 0.0, 2.0)}, {MAF: Area(198.0, 0.0, 2.0)}
    steps = [step(end_s=n + 1.0, known=alive, areas=air if n % 2 else volume) for n in range(1800)]
    assert litres(fold(FuelL, steps, car=PETROL)) == pytest.approx(3.0)


def test_air_for_petrol_is_an_estimate() -> None:
    metric = fold(FuelL, seconds(745, {MAF: 14.7}), car=PETROL)
    assert litres(metric) == pytest.approx(1.0)
    assert metric.is_estimated()


def test_a_lean_mixture_takes_less_of_the_air() -> None:
    assert litres(fold(FuelL, seconds(745, {MAF: 14.7}, {LAMBDA: 1.25}), car=PETROL)) == pytest.approx(0.8)


def test_a_lambda_that_no_engine_burns_counts_as_unknown() -> None:
    assert litres(fold(FuelL, seconds(745, {MAF: 14.7}, {LAMBDA: 0.0}), car=PETROL)) == pytest.approx(1.0)


def test_a_fuel_cut_on_overrun_burns_nothing() -> None:
    steps = seconds(745, {MAF: 14.7}) + seconds(60, {MAF: 5.0}, {LAMBDA: 1.99})
    assert litres(fold(FuelL, steps, car=PETROL)) == pytest.approx(1.0)


@pytest.mark.parametrize("rates", [{MAF: 3.0}, {FUEL_RATE: 1.0}, {FUEL_MASS_RATE: 1.0}])
def test_a_standing_engine_burns_nothing_which_is_known(rates: dict[str, float]) -> None:
    metric = fold(FuelL, seconds(60, rates, {ENGINE_SPEED: 0}), car=PETROL)
    assert litres(metric) == 0


def test_pure_ethanol() -> None:
    assert litres(fold(FuelL, seconds(789, {MAF: 9.0}, {ETHANOL: 100}), car=PETROL)) == pytest.approx(1.0)


def test_e85_shifts_ratio_and_density() -> None:
    burnt_l = 1000 * 10 / 9.8 / 782  # its published ratio of 9.8 : 1 and density of 782 g/l
    assert litres(fold(FuelL, seconds(1000, {MAF: 10.0}, {ETHANOL: 85}), car=PETROL)) == pytest.approx(burnt_l, rel=0.005)


@pytest.mark.parametrize("car", [DIESEL, UNKNOWN])
def test_air_never_makes_litres_of_diesel_or_of_an_unknown_fuel(car: Vehicle) -> None:
    assert fold(FuelL, seconds(60, {MAF: 14.7}), car=car).result(HOUR) is None


def test_the_cars_own_word_is_enough_even_late() -> None:
    steps = seconds(700, {MAF: 14.7}) + seconds(45, {MAF: 14.7}, {FUEL_TYPE: "GAS"})
    assert litres(fold(FuelL, steps, car=UNKNOWN)) == pytest.approx(1.0)


@pytest.mark.parametrize("words", [["DSL"], ["LPG"], ["BI_GAS", "BI_LPG"], ["BI_LPG", "BI_GAS"]])
def test_the_cars_own_word_refutes_the_profile(words: list[str]) -> None:
    steps = [s for word in words for s in seconds(10, {MAF: 14.7}, {FUEL_TYPE: word})]
    assert fold(FuelL, steps, car=PETROL).result(HOUR) is None


def test_a_hybrid_running_electric_says_nothing_of_its_tank() -> None:
    steps = seconds(700, {MAF: 14.7}, {FUEL_TYPE: "HYB_ELEC"}) + seconds(45, {MAF: 14.7}, {FUEL_TYPE: "HYB_GAS"})
    assert litres(fold(FuelL, steps, car=UNKNOWN)) == pytest.approx(1.0)


def test_mass_over_the_density_of_what_the_car_burns() -> None:
    assert litres(fold(FuelL, seconds(835, {FUEL_MASS_RATE: 1.0}), car=DIESEL)) == pytest.approx(1.0)
    said = fold(FuelL, seconds(833, {FUEL_MASS_RATE: 1.0}, {FUEL_TYPE: "DSL"}), car=UNKNOWN)
    assert litres(said) == pytest.approx(1.0)
    assert not said.is_estimated()


def test_mass_of_an_unknown_fuel_is_an_estimate() -> None:
    assert fold(FuelL, seconds(60, {FUEL_MASS_RATE: 1.0}), car=UNKNOWN).is_estimated()


def test_no_source_is_absent_even_while_the_engine_runs() -> None:
    assert fold(FuelL, seconds(60, {}), car=PETROL).result(HOUR) is None


def test_a_source_for_too_little_of_the_run_makes_an_estimate() -> None:
    seen = seconds(90, {FUEL_RATE: 6.0})
    assert not fold(FuelL, seen + seconds(10, {})).is_estimated()
    assert fold(FuelL, seen + seconds(11, {})).is_estimated()


def test_a_source_missing_while_the_engine_stands_is_no_gap() -> None:
    assert not fold(FuelL, seconds(90, {FUEL_RATE: 6.0}) + seconds(60, {}, {ENGINE_SPEED: 0})).is_estimated()


def test_a_source_seen_while_the_engine_stands_hides_no_gap_of_the_run() -> None:
    standing = seconds(600, {FUEL_RATE: 0.0}, {ENGINE_SPEED: 0})
    assert fold(FuelL, standing + seconds(50, {FUEL_RATE: 6.0}) + seconds(50, {})).is_estimated()


def test_unknown_engine_speed_leaves_the_word_to_the_source() -> None:
    assert litres(fold(FuelL, seconds(1800, {FUEL_RATE: 6.0}, {ENGINE_SPEED: None}))) == pytest.approx(3.0)
