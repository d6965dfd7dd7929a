"""The simulated cars: physics against what is plausible and against their own books; frames and answers against the truth."""

from __future__ import annotations

import tomllib
from collections import Counter
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from agent.model import NS
from agent.signals import (
    BATTERY_POWER,
    COOLANT,
    ENGINE_SPEED,
    FUEL_LEVEL,
    FUEL_RATE,
    IGNITION,
    LAMBDA,
    MAF,
    ODOMETER,
    SIGNALS,
    SPEED,
)
from agent.vehicle import Vehicle
from hil.vehicle import VEHICLES, Drive, Trace, car, cycles, trace_of
from hil.vehicle.drive import IGNITION_ON_S
from hil.vehicle.electric import Electric
from hil.vehicle.encode import DBC


@cache
def driven(vehicle: str, cycle: str = "wltc_3b", style: str = "trace", stop_start: bool = False) -> Drive:
    return Drive(car(vehicle, stop_start=stop_start), trace_of([cycle], style, 0))


def held(drive: Drive, path: str) -> list[Any]:
    return [second.held[path] for second in drive.seconds]


def by_hand(*speeds_kmh: float) -> Drive:
    """A drive over a trace of our own."""
    return Drive(car("sim_petrol"), Trace("by hand", speeds_kmh))


# -- physics: petrol ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cycle", "least", "most"), [("wltc_3b", 5.0, 7.5), ("hwfet", 4.0, 6.0), ("us06", 6.0, 9.0), ("udds", 5.5, 8.0)]
)
def test_fuel_per_100_km_is_plausible(cycle: str, least: float, most: float) -> None:
    truth = driven("sim_petrol", cycle).truth
    assert least < truth.fuel_l / truth.distance_m * 100_000 < most


def test_brisk_burns_more_than_average_than_calm() -> None:
    calm, average, brisk = (driven("sim_petrol", "wltc_3b", style).truth.fuel_l for style in ("calm", "average", "brisk"))
    assert calm * 1.03 < average < brisk / 1.03


def test_the_fuel_told_is_the_fuel_burnt() -> None:
    drive = driven("sim_petrol")
    assert sum(held(drive, FUEL_RATE)) / 3600 == pytest.approx(drive.truth.fuel_l)
    spent_percent = drive.truth.level_start_percent - drive.truth.level_end_percent
    assert spent_percent / 100 * 50.0 == pytest.approx(drive.truth.fuel_l)


def test_air_and_lambda_make_the_fuel_and_none_flows_on_overrun() -> None:
    cut = 0
    for second in driven("sim_petrol").seconds:
        maf_g_s, lamb, rate_l_h = (float(second.held[path]) for path in (MAF, LAMBDA, FUEL_RATE))  # type: ignore[arg-type]
        if lamb > 1.9:
            cut += 1
            assert rate_l_h == 0 < maf_g_s
        else:
            assert maf_g_s / 14.7 / lamb / 745 * 3600 == pytest.approx(rate_l_h)
    assert 100 < cut < 500  # WLTC slows down for about a fifth of its time


def test_idling_costs_a_plausible_amount() -> None:
    drive = by_hand(*[0.0] * 1800)
    warm_l_h = held(drive, FUEL_RATE)[-60]
    assert 0.5 < warm_l_h < 0.9
    assert drive.truth.idle_s == drive.truth.engine_s > 1790


def test_the_engine_warms_up_and_stays_below_boiling() -> None:
    coolant_c = held(driven("sim_petrol"), COOLANT)
    assert coolant_c[0] == 15
    assert 60 < coolant_c[600] < 95  # ten minutes of town
    assert max(coolant_c) < 108


def test_a_warm_start_burns_less_and_parking_cools() -> None:
    one = car("sim_petrol")
    cold = Drive(one, trace_of(["udds"], "trace", 0)).truth
    one.train.rest(600)
    warm = Drive(one, trace_of(["udds"], "trace", 0)).truth
    one.train.rest(24 * 3600)
    again = Drive(one, trace_of(["udds"], "trace", 0)).truth
    assert warm.fuel_l < cold.fuel_l * 0.95
    assert warm.coolant_start_c is not None and warm.coolant_start_c > 70
    assert again.coolant_start_c == pytest.approx(15, abs=0.5)
    assert again.fuel_l == pytest.approx(cold.fuel_l, rel=0.01)


@pytest.mark.parametrize("cycle", cycles())
def test_engine_speed_stays_where_an_engine_runs(cycle: str) -> None:
    turning = [rpm for second in driven("sim_petrol", cycle).seconds[8:-6] for rpm in second.ramps[ENGINE_SPEED]]
    assert min(turning) >= 780 and max(turning) < 6200


def test_stop_start_stops_the_engine_but_not_the_ignition() -> None:
    plain, saving = driven("sim_petrol", "nedc"), driven("sim_petrol", "nedc", stop_start=True)
    stopped = [s for s in saving.seconds[10 : saving.truth.ignition_off_s] if s.ramps[ENGINE_SPEED] == (0.0, 0.0)]
    assert len(stopped) == plain.truth.engine_s - saving.truth.engine_s > 60
    assert {s.held[IGNITION] for s in stopped} == {"ON"}
    assert saving.truth.fuel_l < plain.truth.fuel_l


def test_stop_start_waits_until_the_car_has_been_put_in_gear() -> None:
    warm = car("sim_petrol", stop_start=True)
    Drive(warm, trace_of(["udds"], "trace", 0))
    warm.train.rest(600)
    drive = Drive(warm, Trace("by hand", (*[0.0] * 10, 20.0, 0.0)))
    in_park = [s for s in drive.seconds[8:] if s.held["Vehicle.Powertrain.Transmission.SelectedGear"] == 126]
    assert {s.ramps[ENGINE_SPEED][1] for s in in_park if s.held[IGNITION] == "ON"} == {780.0}
    assert (0.0, 0.0) in {s.ramps[ENGINE_SPEED] for s in drive.seconds[10:20]}


# -- physics: electric -------------------------------------------------------------------------------


@pytest.mark.parametrize("cycle", cycles())
def test_the_battery_pays_for_everything(cycle: str) -> None:
    truth = driven("sim_ev", cycle).truth
    net_kwh = truth.drawn_kwh - truth.regenerated_kwh
    assert net_kwh == pytest.approx(truth.road_kwh + truth.brake_kwh + truth.losses_kwh + truth.auxiliaries_kwh)
    assert net_kwh == pytest.approx((truth.level_start_percent - truth.level_end_percent) / 100 * 58.0)
    assert 9 < net_kwh / truth.distance_m * 100_000 < 19


def test_power_flows_as_vss_counts_it() -> None:
    drive = driven("sim_ev")
    for second in drive.seconds:
        gain_ms, power_w = second.v1_ms - second.v0_ms, second.held[BATTERY_POWER]
        assert isinstance(power_w, float)
        if gain_ms > 0.3:
            assert power_w < 0
        if gain_ms < -0.5 and second.v1_ms > 5:
            assert power_w > 0
    told_kwh = sum(max(0.0, watts) for watts in held(drive, BATTERY_POWER)) / 3_600_000
    assert told_kwh == pytest.approx(drive.truth.regenerated_kwh)


def test_a_full_battery_takes_nothing_back() -> None:
    full = car("sim_ev")
    there = Trace("by hand", (0.0, 20.0, 40.0, 40.0, 20.0, 0.0))
    assert Drive(car("sim_ev"), there).truth.regenerated_kwh > 0
    assert isinstance(full.train, Electric)
    full.train.charge_j = 58.0 * 3_600_000
    assert Drive(full, there).truth.regenerated_kwh == 0


# -- the drive as a whole ----------------------------------------------------------------------------


@pytest.mark.parametrize("vehicle", VEHICLES)
@pytest.mark.parametrize("cycle", cycles())
def test_the_odometer_counts_the_trace(vehicle: str, cycle: str) -> None:
    drive = driven(vehicle, cycle)
    truth = drive.truth
    assert truth.odometer_end_m - truth.odometer_start_m == pytest.approx(truth.distance_m, abs=1e-4)
    assert truth.distance_m == drive.trace.distance_m
    assert truth.moving_s + truth.standing_s == truth.duration_s
    speeds = tuple(second.ramps[SPEED][0] for second in drive.seconds[truth.moves_off_s :][: drive.trace.duration_s])
    assert speeds == drive.trace.speeds_kmh[:-1]
    for second in drive.seconds:
        before_m, after_m = second.ramps[ODOMETER]
        assert after_m - before_m == pytest.approx((second.v0_ms + second.v1_ms) / 2, abs=1e-6)


@pytest.mark.parametrize("vehicle", VEHICLES)
def test_a_drive_begins_and_ends_with_the_ignition_off(vehicle: str) -> None:
    drive = driven(vehicle, "nedc")
    runs = [ignition for ignition, following in pairwise([*held(drive, IGNITION), None]) if ignition != following]
    assert runs == ["OFF", "ACC", "ON", "START", "ON", "OFF"]
    assert held(drive, IGNITION)[drive.truth.ignition_off_s - 1 :][:2] == ["ON", "OFF"]
    assert held(drive, IGNITION)[IGNITION_ON_S - 1 :][:2] == ["ACC", "ON"]
    moving = [i for i, second in enumerate(drive.seconds) if second.v1_ms > 0]
    assert moving[0] > IGNITION_ON_S + 3 and moving[-1] < drive.truth.ignition_off_s - 1
    for path, seen in (
        ("Vehicle.Cabin.Seat.Row1.DriverSide.IsBelted", True),
        ("Vehicle.Cabin.Door.Row1.DriverSide.IsOpen", False),
    ):
        assert {drive.seconds[i].held[path] for i in moving} == {seen}
        assert {drive.seconds[i].held[path] for i in (0, -3)} == {not seen}


@pytest.mark.parametrize("vehicle", VEHICLES)
def test_the_brake_light_is_on_when_slowing_and_when_held_at_a_stand(vehicle: str) -> None:
    drive = driven(vehicle, "us06")
    for second in drive.seconds[drive.truth.moves_off_s : drive.truth.ignition_off_s - 2]:
        lit, pressed_percent = (
            second.held["Vehicle.Body.Lights.Brake.IsActive"],
            second.held["Vehicle.Chassis.Brake.PedalPosition"],
        )
        assert isinstance(pressed_percent, float) and (lit == "ACTIVE" or pressed_percent == 0)
        if second.v1_ms > second.v0_ms:
            assert lit == "INACTIVE"
        if second.v0_ms == second.v1_ms == 0 or second.v1_ms - second.v0_ms < -1.3:
            assert lit == "ACTIVE"


def test_harsh_events_are_counted_as_a_person_would() -> None:
    ramp = tuple(float(v) for v in range(0, 61, 5))  # 1.4 m/s²
    brake = by_hand(*ramp, 60.0, 48.0, 36.0, 36.0, 36.0, 24.0, 12.0, 0.0)  # two stops of 3.3 m/s²
    assert len(brake.truth.harsh_brakes_s) == 2
    assert brake.truth.harsh_brakes_s[0] == 10 + len(ramp)
    once = by_hand(*ramp, 48.0, 38.0, 26.0, 20.0, 10.0, 0.0)  # eased to 2.8 m/s² in between: above 83 %, the same event
    assert len(once.truth.harsh_brakes_s) == 1
    assert by_hand(0.0, 9.0, 0.0).truth.harsh_accels_s == ()  # 2.5 m/s²
    assert by_hand(0.0, 12.0, 0.0).truth.harsh_accels_s == ()  # 3.3 m/s², but below 10 km/h nearly throughout
    assert len(by_hand(0.0, 12.0, 24.0, 12.0, 0.0).truth.harsh_accels_s) == 1


# -- samples -----------------------------------------------------------------------------------------


def test_samples_come_in_order_each_at_its_rate() -> None:
    drive = driven("sim_petrol", "us06")
    samples = list(drive.samples(3 * NS, {SPEED: 20, COOLANT: 0, MAF: 2}))
    assert [t_ns for t_ns, _, _ in samples] == sorted(t_ns for t_ns, _, _ in samples)
    assert samples[0][0] == 3 * NS
    counts = Counter(path for _, path, _ in samples)
    assert counts[SPEED] == 20 * drive.duration_s and counts[MAF] == 2 * drive.duration_s
    assert counts[ODOMETER] == drive.duration_s and COOLANT not in counts
    speeds_kmh = [float(v) for _, path, v in samples if path == SPEED]  # type: ignore[arg-type]
    assert sum(speeds_kmh) / 3.6 / 20 == pytest.approx(drive.truth.distance_m)  # standing at both ends: the trapezoid
    assert set(counts) <= set(SIGNALS)


@pytest.mark.parametrize("vehicle", VEHICLES)
def test_the_odometer_counts_whole_units_as_the_profile_says(vehicle: str) -> None:
    profile = msgspec.convert(tomllib.loads((DBC / f"{vehicle}.toml").read_text()), Vehicle)
    readings = [value for _, path, value in driven(vehicle).samples() if path == ODOMETER]
    assert {float(reading) % profile.odometer.resolution_m for reading in readings} == {0.0}  # type: ignore[arg-type]
    assert len(set(readings)) == pytest.approx(23_266 / profile.odometer.resolution_m, abs=2)


def test_levels_are_unknown_until_the_ignition_is_on() -> None:
    levels = [value for _, path, value in driven("sim_petrol", "us06").samples() if path == FUEL_LEVEL]
    assert levels[:4] == [None] * 4 and None not in levels[4:]


def test_an_unknown_car_is_told_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"sim_diesel.*sim_petrol"):
        car("sim_diesel")
