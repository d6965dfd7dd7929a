"""python -m hil.drivers: style measured on simulated households, and that the measure itself can be trusted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.style import WHOLE
from hil.drivers.__main__ import main
from hil.drivers.evaluate import Judged, Report, bins, error, judged, report
from hil.drivers.household import OVERLAPS, household
from hil.drivers.trips import LabelledError, Told, read, simulated, write

HOUSEHOLDS = 8  # of four people with 30 trips each: what they come to still moves by a point or two with the seeds
CALIBRATION_POINTS = 5.0  # binding
GUESTS = 0.05  # binding


@pytest.fixture(scope="module")
def cars() -> dict[str, list[list[Told]]]:
    return {overlap: [list(simulated(household(overlap, seed))) for seed in range(HOUSEHOLDS)] for overlap in OVERLAPS}


@pytest.fixture(scope="module")
def reports(cars: dict[str, list[list[Told]]]) -> dict[str, Report]:
    return {overlap: report(each) for overlap, each in cars.items()}


# -- what is binding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_sure_is_calibrated(reports: dict[str, Report], overlap: str) -> None:
    found = reports[overlap].calibration_error
    assert found is not None and found <= CALIBRATION_POINTS


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_guests_stay_unknown(reports: dict[str, Report], overlap: str) -> None:
    found = reports[overlap]
    assert found.guest_trips > 700
    assert found.guests_named is not None and found.guests_named <= GUESTS


# -- that it measures something ------------------------------------------------------------------------


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_shuffled_labels_are_chance(reports: dict[str, Report], overlap: str) -> None:
    found = reports[overlap]
    assert found.chance == pytest.approx(0.25)
    assert found.shuffled == pytest.approx(found.chance, abs=0.05)  # three standard errors of 800 trips


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_style_tells_more_than_chance_and_than_one_feature(reports: dict[str, Report], overlap: str) -> None:
    found = reports[overlap]
    assert found.forced is not None and found.one_feature is not None and found.chance is not None
    assert found.forced > found.chance + 0.1 and found.forced > found.one_feature


def test_the_more_alike_the_harder(reports: dict[str, Report]) -> None:
    forced = [reports[overlap].forced or 0.0 for overlap in ("low", "medium", "high")]
    assert forced == sorted(forced, reverse=True)


def test_who_is_named_is_who_drove(reports: dict[str, Report]) -> None:
    low = reports["low"]
    assert low.told and low.right_of_told is not None and low.right_of_told > 0.85


def test_a_trip_is_judged_before_it_is_learned(cars: dict[str, list[list[Told]]]) -> None:
    """What comes later in the file changes nothing of what was said before."""
    car = cars["medium"][0]
    names = sorted({told.driver for told in car})
    first = list(judged(car[:60], names, WHOLE))
    later = [told._replace(driver=names[0]) for told in car[60:]]
    assert first and list(judged([*car[:60], *later], names, WHOLE))[: len(first)] == first
    told = car[-1]._replace(driver="changed")
    assert list(judged([*car[:-1], told], names, WHOLE))[-1]._replace(true="", is_guest=False) == (
        list(judged(car, names, WHOLE))[-1]._replace(true="", is_guest=False)
    )


def test_a_wrong_probability_is_an_error() -> None:
    wrong = [(Judged("a", "a" if n < 5 else "b", "a" if n < 5 else "b", 0.95, 2, False), 1.0) for n in range(10)]
    assert error(bins(wrong)) == pytest.approx(45)
    assert error(bins([])) is None


# -- the command ---------------------------------------------------------------------------------------


def test_the_command_simulates_and_evaluates(tmp_path: Path) -> None:
    path = tmp_path / "car.csv"
    run = CliRunner()
    made = run.invoke(main, ["simulate", "--overlap", "low", "--out", str(path), "--people", "2", "--trips", "6", "--seed", "3"])
    assert made.exit_code == 0 and "12 trips of 2 people" in made.stdout
    assert path.read_text().startswith("trip,driver,t_s,Vehicle.Speed\n1,p")
    done = run.invoke(main, ["evaluate", str(path), "--json"])
    found = json.loads(done.stdout)
    assert found["trips"] == 12 and 0 < found["judged"] <= 6 and found["guests_named"] == 0
    done = run.invoke(main, ["evaluate", str(path), "--window", "early"])
    assert done.exit_code == 0 and "12 trips of 1 car(s)" in done.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("trip,t_s,Vehicle.Speed\n", "no column 'driver'"),
        ("trip,driver,t_s,Vehicle.Speed,Speed\n1,a,0,0,0\n", "'Speed' is no signal"),
        ("trip,driver,t_s,Vehicle.Speed\n", "no row"),
        ("trip,driver,t_s,Vehicle.Speed\n1,a,0,0\n2,a,0,0\n1,a,1,0\n", "trip '1' is not in one piece"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "car.csv"
    path.write_text(text)
    with pytest.raises(LabelledError, match=says):
        list(read(path))
    done = CliRunner().invoke(main, ["evaluate", str(path)])
    assert done.exit_code == 1 and says in done.stderr


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["evaluate", str(tmp_path / "none.csv")])
    assert done.exit_code == 1 and "none.csv" in done.stderr


def test_a_file_gives_what_was_simulated(tmp_path: Path) -> None:
    """Through the CSV and the engine's grid, or straight from the trace."""
    path = tmp_path / "car.csv"
    list(write(path, household("medium", 5, people=2, trips=3)))
    straight = list(simulated(household("medium", 5, people=2, trips=3)))
    for from_file, made in zip(read(path), straight, strict=True):
        assert from_file.driver == made.driver and from_file.features.keys() == made.features.keys()
        assert all(from_file.features[w] == pytest.approx(made.features[w]) for w in made.features)


def test_rows_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "car.csv"
    list(write(path, household("low", 1, people=1, trips=1)))
    whole = next(read(path))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:50], "1,p1,torn,50", "1,p1,49.5,", *lines[50:]]))
    assert next(read(path)) == whole
