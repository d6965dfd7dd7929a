"""Every accuracy figure, held: recorded drives against their known answers, published cycles against their traces.

The same measurements make the figures of `python -m hil.bench` (hil/bench/recordings.py, cycles.py).
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from agent.io.vehicles import find_vehicle
from agent.signals import FUEL_LEVEL, SPEED
from hil.bench.cycles import CYCLES, distances
from hil.bench.drives import Outcome, replay
from hil.bench.recordings import (
    CSS,
    DRIVEPLOTR,
    RAV4,
    SUBARU,
    Answer,
    compare,
    distance_m,
    driveplotr_drives,
    first_harsh_accel_s,
    samples_of,
)
from tests.conftest import ROOT

NS = 1_000_000_000
FRAMES_PER_S = 50  # of the simulated bus; `make bench` takes its full rate


# -- css_164: one real drive by OBD-II ---------------------------------------------------------------


@pytest.fixture(scope="module")
def css(drives: Path) -> Outcome:
    return replay(drives / CSS, "obd2")


def test_css_is_one_trip_of_its_length(css: Outcome) -> None:
    [trip] = css.trips
    assert trip.kind == "trip"
    assert trip.ended_by == "end-of-recording"
    assert trip.metrics["distance_m"] == pytest.approx(41_650, rel=0.005)
    assert trip.metrics["duration_s"] == pytest.approx(2389.3, abs=1)


def test_css_fuel_level(css: Outcome) -> None:
    [trip] = css.trips
    assert round(trip.metrics["fuel_level_first_percent"], 2) == 54.90
    assert round(trip.metrics["fuel_level_last_percent"], 2) == 51.37


def test_css_is_dated_as_recorded(css: Outcome) -> None:
    [trip] = css.trips
    assert trip.clock == "recorded"
    assert [e["time"][:16] for e in css.envelopes] == ["2021-07-26T04:40", "2021-07-26T05:20"]
    assert trip.start_utc_ns == pytest.approx(1_627_274_455 * NS, abs=2 * NS)


# -- the RAV4: which of two speeds -------------------------------------------------------------------


def test_rav4_by_its_wheels(drives: Path) -> None:
    [trip] = replay(drives / RAV4, "toyota_rav4_2017").trips
    assert trip.metrics["distance_m"] == pytest.approx(1003.8, rel=0.002)


def test_rav4_by_message_speed_would_be_two_percent_more(drives: Path) -> None:
    by_speed_m = distance_m(samples_of(drives / RAV4, "toyota_rav4_2017", "SPEED.SPEED"))
    assert by_speed_m == pytest.approx(1025.1, abs=0.1)


def test_the_rav4s_profile_says_which_speed_and_why() -> None:
    vehicle, _ = find_vehicle("toyota_rav4_2017")
    speed = vehicle.signals[SPEED]
    assert {name.partition(".")[0] for name in speed.mean} == {"WHEEL_SPEEDS"}
    assert len(speed.mean) == 4
    assert "1003.8" in speed.why and "1025.1" in speed.why


# -- the Subaru: harsh or not ------------------------------------------------------------------------


def test_subaru_is_harsh_once_and_not_in_braking(drives: Path) -> None:
    [trip] = replay(drives / SUBARU, "subaru_86").trips
    assert trip.metrics["harsh_brakes"] == 0
    assert trip.metrics["harsh_accels"] >= 1
    assert 37.6 <= first_harsh_accel_s(drives / SUBARU) <= 38.6


def test_subarus_stuck_fuel_reads_as_unknown(drives: Path) -> None:
    level = [value for _, _, value in samples_of(drives / SUBARU, "subaru_86", FUEL_LEVEL)]
    assert len(level) > 4000
    assert set(level) == {None}
    [trip] = replay(drives / SUBARU, "subaru_86").trips
    assert not [name for name in trip.metrics if name.startswith("fuel_level")]


def test_the_subarus_dbc_tells_of_its_accelerometer() -> None:
    dbc = (ROOT / "dbc" / "subaru_86.dbc").read_text(encoding="cp1252")
    comment = re.search(r'CM_ SG_ 208 ACCEL_LONG "([^"]*)"', dbc)
    assert comment is not None
    assert "wrong sign and scale" in comment[1]
    vehicle, _ = find_vehicle("subaru_86")
    assert not re.search(r'"VssPath" SG_ \d+ ACCEL_LONG', dbc)
    assert not [m for m in vehicle.signals.values() if m.source and "ACCEL_LONG" in m.source]


# -- DrivePlotR: 28 drives in one file ---------------------------------------------------------------


@pytest.fixture(scope="module")
def driveplotr(drives: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, list[Answer]]:
    return driveplotr_drives(drives / DRIVEPLOTR, tmp_path_factory.mktemp("driveplotr"))


def test_driveplotr_is_27_trips_and_a_short_move(driveplotr: tuple[Outcome, list[Answer]]) -> None:
    outcome, answers = driveplotr
    assert len(answers) == 28
    assert [trip.kind for trip in outcome.trips].count("trip") == 27
    [short] = [trip for trip in outcome.trips if trip.kind == "short_move"]
    assert short.metrics["distance_m"] == pytest.approx(92, abs=1)
    assert short.end_utc_ns == answers[11].end_ns


def test_driveplotr_is_cut_where_the_logger_cut_it(driveplotr: tuple[Outcome, list[Answer]]) -> None:
    cuts = compare(*driveplotr)
    assert (cuts.split, cuts.merged) == (0, 0)
    assert cuts.end_error_s == 0
    assert cuts.start_error_s == 0
    assert cuts.start_late_s <= 609  # it stood so long at first, and nothing told that its ignition was on


def test_driveplotr_has_the_gaps_that_it_is_taken_for(driveplotr: tuple[Outcome, list[Answer]]) -> None:
    outcome, answers = driveplotr
    shortest_s = sorted((b.start_ns - a.end_ns) / NS for a, b in pairwise(answers))
    assert shortest_s[:6] == [149, 177, 208, 247, 279, 288]
    bridged_s = [trip.metrics["unobserved_s"] for trip in outcome.trips if trip.metrics["unobserved_s"]]
    assert len(bridged_s) >= 6
    assert max(bridged_s) > 76  # of several in one trip, one of them 76 s
    stood_s = [(a.moves_ns - a.start_ns) / NS for a in answers]
    assert max(stood_s) == pytest.approx(609, abs=2)


def test_a_split_or_merged_drive_would_be_seen(driveplotr: tuple[Outcome, list[Answer]]) -> None:
    outcome, answers = driveplotr
    whole = [answers[0]._replace(end_ns=answers[1].end_ns), *answers[2:]]
    assert compare(outcome, whole).split == 1
    middle_ns = (answers[0].start_ns + answers[0].end_ns) // 2
    halves = [answers[0]._replace(end_ns=middle_ns), answers[0]._replace(start_ns=middle_ns + 1, moves_ns=middle_ns + 1)]
    assert compare(outcome, [*halves, *answers[1:]]).merged == 1


# -- the published cycles ----------------------------------------------------------------------------


@pytest.mark.parametrize("cycle", CYCLES)
def test_a_cycles_distance(cycle: str) -> None:
    found = distances(cycle, FRAMES_PER_S)
    assert found.by_speed_percent <= 0.2
    assert found.by_pid_percent <= 1.5
    assert found.by_pid_m < found.driven_m, "PID 0D cuts down, so it reads low"
    assert found.driven_m - found.by_pid_m == pytest.approx(found.truncation_m, rel=0.6), "and by about as much as is stated"
