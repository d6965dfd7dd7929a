"""battery: what counts as a voltage at rest, when it is weak, when a straight line says so beforehand."""

from __future__ import annotations

from random import Random

import pytest

from agent.config import Owner
from agent.events.battery import (
    AHEAD_DAYS,
    CHARGING_V,
    CRANKING_V,
    KEPT,
    LAST,
    LOAD_V,
    REST_S,
    SETTLE_S,
    TREND_DAYS,
    TREND_LEAST,
    WEAK_V,
    WELL_V,
    Battery,
    BatteryWeak,
    reaches,
)
from agent.events.concern import Concern, ConcernSettled
from agent.model import NS, Sample, Value
from agent.signals import IGNITION, VOLTAGE
from tests.sim.car import BY_ACTIVITY, BY_SIGNAL, UTC_S, Bench, at, drive, wall

DAY_S = 86_400


def wake(t_s: float, volts: Value, *, ignition: str | None = "OFF", for_s: int = 5) -> list[Sample]:
    """A bus that wakes and says the same each second."""
    own: list[Sample] = []
    for s in range(for_s):
        own += [(at(t_s + s), VOLTAGE, volts)] + ([(at(t_s + s), IGNITION, ignition)] if ignition else [])
    return own


def rule(bench: Bench) -> Battery:
    return next(r for r in bench.engine.rules if isinstance(r, Battery))


def volts(bench: Bench) -> list[float]:
    return [r.volts for r in rule(bench).state.readings]


def rested(*resting: float, bench: Bench | None = None, ignition: str | None = "OFF") -> Bench:
    """A reading each day; the silence before the first is the first day's."""
    bench = bench or Bench()
    if rule(bench).state.heard_ns is None:
        bench.live(wake(10, 12.6, ignition=ignition))
    first_s = (rule(bench).state.heard_ns or 0) / NS
    for n, each in enumerate(resting, 1):
        bench.live(wake(first_s + n * DAY_S, each, ignition=ignition))
    return bench


# -- what counts ------------------------------------------------------------------------------------------


def test_the_first_voltage_after_a_rest_is_a_reading() -> None:
    bench = rested(12.61, 12.55)
    assert volts(bench) == [12.61, 12.55]
    assert [r.utc_ns for r in rule(bench).state.readings] == [at(UTC_S + 14 + n * DAY_S) for n in (1, 2)]


@pytest.mark.parametrize(("silence_s", "count"), [(4 * 3600 - 60, 0), (4 * 3600 + 60, 1)])
def test_a_rest_is_four_hours_long(silence_s: int, count: int) -> None:
    bench = Bench().live(wake(10, 12.6)).live(wake(10 + silence_s, 12.5))
    assert len(volts(bench)) == count


def test_the_first_voltage_ever_has_rested_nobody_knows_how_long() -> None:
    assert volts(Bench().live(wake(90_000, 12.6))) == []


@pytest.mark.parametrize("value", [CHARGING_V, 14.4, None, "12.6"])
def test_what_is_charged_or_not_known_is_no_reading(value: Value) -> None:
    assert volts(Bench().live(wake(10, 12.6)).live(wake(90_000, value))) == []


@pytest.mark.parametrize("ignition", ["ON", "START"])
def test_what_is_under_load_is_no_reading(ignition: str) -> None:
    assert volts(Bench().live(wake(10, 12.6)).live(wake(90_000, 12.1, ignition=ignition))) == []


def test_ignition_that_comes_on_in_the_same_moment_is_load() -> None:
    """The voltage's message may come before the one that says why it is low."""
    late: list[Sample] = [(at(90_000), VOLTAGE, 12.0), (at(90_000 + 0.9), IGNITION, "ON"), *wake(90_001, 12.0, ignition="ON")]
    assert volts(Bench().live(wake(10, 12.6)).live(late)) == []
    bench = Bench().live(wake(10, 12.6)).live(wake(90_000, 12.58, for_s=SETTLE_S + 1)).live(drive(90_010))
    assert volts(bench) == [12.58]


def test_a_drive_is_no_rest() -> None:
    """Though no voltage was heard in it."""
    bench = Bench().live(wake(10, 12.6)).live(drive(10 + REST_S, 300)).live(wake(10 + REST_S + 900, 12.5))
    assert volts(bench) == []


def test_a_dead_battery_is_a_reading_where_the_ignition_is_known() -> None:
    assert volts(rested(9.0)) == [9.0]
    assert volts(rested(9.0, bench=Bench(BY_ACTIVITY), ignition=None)) == [], f"below {CRANKING_V} V it may be the starter"


def test_a_zero_before_it_has_measured_is_not_heard() -> None:
    bench = Bench().live(wake(10, 12.6))
    for day in range(1, LAST + 2):
        bench.live([(at(day * DAY_S), VOLTAGE, 0.0), *wake(day * DAY_S + 1, 12.6)])
    assert volts(bench) == [12.6] * (LAST + 1)
    assert bench.of(BatteryWeak) == []


def test_without_an_ignition_signal_the_load_is_taken_off_and_it_says_about() -> None:
    bench = rested(*[WEAK_V - LOAD_V - 0.1] * LAST, bench=Bench(BY_ACTIVITY), ignition=None)
    assert volts(bench) == pytest.approx([WEAK_V - 0.1] * LAST)
    assert [e.about for e in bench.of(BatteryWeak)] == [True]
    assert rested(*[WEAK_V - LOAD_V + 0.1] * LAST, bench=Bench(BY_ACTIVITY), ignition=None).of(BatteryWeak) == []


# -- across boots ---------------------------------------------------------------------------------------------


def test_a_rest_over_a_boot_is_measured_by_trusted_clocks() -> None:
    bench = Bench().live(wake(10, 12.6)).restart("boot-2", wall=wall(UTC_S + DAY_S, at_s=0)).live(wake(10, 12.5))
    assert volts(bench) == [12.5]
    short = Bench().live(wake(10, 12.6)).restart("boot-2", wall=wall(UTC_S + 3600, at_s=0)).live(wake(10, 12.5))
    assert volts(short) == []


def test_a_new_boot_does_not_know_the_ignition() -> None:
    """Whichever message comes first; until one says off it may be on."""
    morning = wall(UTC_S + DAY_S)
    for samples in (wake(10, 12.5), [(at(9.9), IGNITION, "OFF"), *wake(10, 12.5, ignition=None)]):
        assert volts(Bench().live(wake(10, 12.6)).restart("boot-2", wall=morning).live(samples)) == [12.5]
    bench = Bench().live(wake(10, 12.6)).restart("boot-2", wall=morning).live(wake(10, 12.1, ignition=None))
    assert volts(bench) == []
    assert volts(bench.live([(at(20), IGNITION, "ON"), (at(21), VOLTAGE, 12.1)])) == []


def test_a_boot_without_a_clock_hides_when_the_last_voltage_was() -> None:
    bench = Bench().live(wake(10, 12.6)).restart("boot-2", wall=None).live(wake(10, 14.0, ignition="ON"))
    assert volts(bench.restart("boot-3", wall=wall(UTC_S + DAY_S)).live(wake(10, 12.5))) == []


def test_it_waits_for_the_clock_though_the_car_drives_off_meanwhile() -> None:
    bench = Bench().live(wake(10, 12.6)).restart("boot-2", wall=None).live(wake(10, 12.5)).live(drive(20))
    assert volts(bench) == []
    bench.wall = wall(UTC_S + DAY_S, at_s=0)
    bench.live(wake(400, 14.2, ignition="ON"))
    assert volts(bench) == [12.5]
    assert [r.utc_ns for r in rule(bench).state.readings] == [at(UTC_S + DAY_S + 10)]


@pytest.mark.parametrize("before", [None, wall(UTC_S, quality="unsure")])
def test_a_clock_that_was_not_trusted_bridges_nothing(before: object) -> None:
    bench = Bench(wall=before).live(wake(10, 12.6))  # type: ignore[arg-type]
    assert volts(bench.restart("boot-2", wall=wall(UTC_S + DAY_S, at_s=0)).live(wake(10, 12.5))) == []
    unsure = Bench().live(wake(10, 12.6)).restart("boot-2", wall=wall(UTC_S + DAY_S, quality="unsure")).live(wake(10, 12.5))
    assert volts(unsure) == []


def test_within_a_boot_no_wall_clock_is_needed() -> None:
    bench = rested(*[12.0] * LAST, bench=Bench(wall=None))
    (weak,), (concern,) = bench.of(BatteryWeak), bench.of(Concern)
    assert weak.since_utc_ns is None
    assert concern.values["since"] is None, "so the text is not rendered"


def test_a_restart_changes_nothing() -> None:
    whole, pieces = rested(*[12.1] * LAST), Bench()
    rested(bench=pieces)
    first_s = (rule(pieces).state.heard_ns or 0) / NS
    for n in range(1, LAST + 1):
        samples = wake(first_s + n * DAY_S, 12.1)
        pieces.live(samples[:3]).restart().live(samples[3:])
    assert [e.id for e in pieces.of(BatteryWeak)] == [e.id for e in whole.of(BatteryWeak)] != []


# -- weak, and well again --------------------------------------------------------------------------------------


def test_the_median_of_the_last_readings_decides() -> None:
    bench = rested(*[12.5] * 3, *[12.1] * (LAST - 4))
    assert bench.of(BatteryWeak) == []
    bench = rested(12.1, bench=bench)
    (weak,), (concern,) = bench.of(BatteryWeak), bench.of(Concern)
    assert (weak.by, weak.volts, weak.limit_volts, weak.readings, weak.about) == ("median", 12.1, WEAK_V, LAST, False)
    assert weak.since_utc_ns == at(UTC_S + 14 + 4 * DAY_S), "the first of those that are all below"
    assert (concern.subject, concern.kind, concern.says, concern.rests_on) == ("battery", "battery", "battery", [weak.id])
    expected = {"by": "median", "limit_volts": WEAK_V, "within_days": None, "about": False}
    assert concern.values == {"volts": 12.1, "since": "2026-10-30"} | expected


def test_since_is_the_first_of_the_last_row() -> None:
    (weak,) = rested(12.1, 12.5, 12.5, 12.1, 12.1, 12.1, 12.1).of(BatteryWeak)
    assert weak.since_utc_ns == at(UTC_S + 14 + 4 * DAY_S)


def test_fewer_readings_say_nothing() -> None:
    assert rested(*[12.0] * (LAST - 1)).of(BatteryWeak) == []


def test_one_cold_night_is_not_weak() -> None:
    assert rested(*([12.5] * 4 + [11.9]) * 4).of(BatteryWeak) == []


def test_it_is_told_once_until_it_is_well_again() -> None:
    bench = rested(*[12.0] * 30)
    assert len(bench.of(BatteryWeak)) == 1
    bench = rested(*[WELL_V - 0.1] * 10, bench=bench)
    assert bench.of(ConcernSettled) == []
    bench = rested(12.7, 12.7, bench=bench)
    (settled,) = bench.of(ConcernSettled)
    assert (settled.subject, settled.why) == ("battery", "no longer true")
    assert len(volts(bench)) == 3, "the old battery's voltages say nothing of the new one"
    bench = rested(*[12.0] * 6, bench=bench)
    assert len(bench.of(BatteryWeak)) == 2


def test_a_fall_is_told_before_it_is_there() -> None:
    falling = [12.75 - 0.016 * day for day in range(60)]
    bench = rested(*falling)
    weak = bench.of(BatteryWeak)[0]
    day = (weak.t_ns - at(14)) / at(DAY_S)
    reached = (12.75 - WEAK_V) / 0.016 + 1
    assert weak.by == "trend"
    assert weak.confidence_percent == 95
    assert weak.volts > WEAK_V
    assert weak.within_days == pytest.approx(reached - day, abs=0.2)
    assert TREND_DAYS <= reached - AHEAD_DAYS <= day <= reached - AHEAD_DAYS + 1
    assert weak.since_utc_ns == at(UTC_S + 14 + DAY_S)
    assert len(bench.of(BatteryWeak)) == 1


def test_a_short_row_is_weather() -> None:
    short = [12.9 - 0.03 * day for day in range(int(TREND_DAYS))]
    assert rested(*short[:-1]).of(BatteryWeak) == []


def test_a_steady_battery_is_not_told_whatever_the_noise() -> None:
    random = Random(4)
    for mean in (12.4, 12.5, 12.6):
        noisy = rested(*[random.gauss(mean, 0.06) for _ in range(2 * KEPT)])
        assert noisy.of(BatteryWeak) == []
        assert len(volts(noisy)) == KEPT


# -- the line ---------------------------------------------------------------------------------------------------


def test_the_line_is_where_it_is() -> None:
    line = [(float(day), 13.0 - 0.02 * day) for day in range(30)]
    assert reaches(line, 12.2, 14.0) == pytest.approx(40 - 29)
    assert reaches(line, 12.2, 10.0) is None
    assert reaches(line, 12.9, 14.0) == 0.0
    assert reaches([(x, 24.0 - y) for x, y in line], 12.2, 14.0) is None, "it rises, though below"
    assert reaches([(x, 12.5) for x, _ in line], 12.2, 14.0) is None


def test_what_scatters_is_not_sure() -> None:
    line = [(float(day), 12.75 - 0.01 * day) for day in range(TREND_LEAST * 2)]
    scattered = [(x, y + (0.3 if n % 2 else -0.3)) for n, (x, y) in enumerate(line)]
    limit = 12.75 - 0.01 * (line[-1][0] + 14) + 0.01
    assert reaches(line, limit, 14.0) is not None
    assert reaches(scattered, limit, 14.0) is None


def test_at_95_percent_one_in_twenty_is_wrong_and_no_more() -> None:
    """Readings around a line that is exactly at the limit in two weeks."""
    random, said, rows = Random(1), 0, 2_000
    for _ in range(rows):
        row = [(float(day), 12.6 - 0.01 * day + random.gauss(0, 0.05)) for day in range(0, 2 * TREND_LEAST, 2)]
        said += reaches(row, 12.6 - 0.01 * (26 + 14), 14.0) is not None
    assert 0.03 < said / rows < 0.07


def test_the_owners_day_is_told() -> None:
    bench = Bench(BY_SIGNAL, owner=Owner(timezone="Pacific/Auckland"))
    (concern,) = rested(*[12.0] * LAST, bench=bench).of(Concern)
    assert concern.values["since"] == "2026-10-27"
