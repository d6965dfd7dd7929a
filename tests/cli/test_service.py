"""keyoff service: the items with their forecasts, and what a person knows better."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agent.cli import service
from agent.cli.service import NO_ITEMS, due_text, find_item, range_text
from agent.config import Owner, Service
from agent.service.forecast import Forecast
from tests.cli.conftest import Keyoff
from tests.sim.unit import Unit

ITEMS = (
    Service("oil change", every_km=15_000, last_km=30_000),
    Service("brake fluid", every_months=24, last_day="2024-12-20"),
)
TOML = (
    '[[service]]\nitem = "oil change"\nevery_km = 15000\nlast_km = 30000\n'
    '[[service]]\nitem = "brake fluid"\nevery_months = 24\nlast_day = "2024-12-20"\n'
)


@pytest.fixture
def driven(tmp_path: Path, config_file: Path) -> Path:
    """A unit after a drive past 45,000 km; returns its keyoff.toml."""
    (tmp_path / "state").mkdir()
    unit = Unit(tmp_path / "state", Owner(timezone="Europe/Berlin"), ITEMS).boot("2026-11-22 08:00").clock()
    unit.drive(odometer_m=44_998_000.0)
    unit.off()
    config_file.write_text(config_file.read_text() + TOML)
    return config_file


def run(*words: str) -> Result:
    return CliRunner().invoke(service.command, list(words))


def told(config: Path) -> dict[str, dict[str, Any]]:
    return {t["item"]: t for t in json.loads(run("--config", str(config), "--json").output)}


def test_the_table_says_how_far_each_is(driven: Path) -> None:
    out = run("--config", str(driven)).output
    lines = {line.split("  ")[0]: line for line in out.splitlines()}
    assert "due" in lines["oil change"] and "45,000 km" in lines["oil change"]
    assert "soon" in lines["brake fluid"] and "2026-12-20" in lines["brake fluid"]
    assert "The odometer stands at 45,00" in out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_done_begins_the_next_interval_where_it_was_done(driven: Path) -> None:
    done = run("done", "oil", "--km", "44500", "--day", "2026-11-20", "--config", str(driven))
    assert (done.exit_code, done.output.strip()) == (0, "Done: oil change, at 44,500 km, on 2026-11-20.")
    after = told(driven)["oil change"]
    assert (after["stage"], after["due_m"], after["last_done_day"]) == (None, 59_500_000.0, "2026-11-20")


def test_done_at_a_reading_in_miles(driven: Path) -> None:
    done = run("done", "oil", "--mi", "27500", "--day", "2026-11-20", "--config", str(driven))
    assert (done.exit_code, done.output.strip()) == (0, "Done: oil change, at 27,500 mi, on 2026-11-20.")
    assert told(driven)["oil change"]["last_done_m"] == 27_500 * 1609.344
    ahead = run("done", "oil", "--mi", "44500", "--config", str(driven))
    assert ahead.exit_code == 2 and "44,500 mi are still to come: the odometer stands at 27,96" in ahead.output
    both = run("done", "oil", "--mi", "27500", "--km", "44500", "--config", str(driven))
    assert both.exit_code == 2 and "one of --km and --mi is enough" in both.output


def test_done_at_a_reading_that_is_still_to_come_is_refused(driven: Path) -> None:
    done = run("done", "oil", "--km", "445000", "--config", str(driven))
    assert done.exit_code == 2 and "the odometer stands at 45,00" in done.output
    assert told(driven)["oil change"]["stage"] == "due"
    assert run("done", "oil", "--km", "45100", "--config", str(driven)).exit_code == 0, "a little ahead of a reckoned one"


def test_reopened_it_is_as_before(driven: Path) -> None:
    before = told(driven)["oil change"]
    assert run("done", "oil change", "--config", str(driven)).exit_code == 0
    assert told(driven)["oil change"]["due_m"] > 60_000_000 - 1
    assert run("reopen", "oil change", "--config", str(driven)).exit_code == 0
    after = told(driven)["oil change"]
    assert (after["stage"], after["due_m"]) == ("due", before["due_m"])


def test_the_cars_own_reminder_is_noted(driven: Path) -> None:
    assert not told(driven)["brake fluid"]["car_reminded"]
    assert run("beeped", "brake fluid", "--config", str(driven)).exit_code == 0
    assert told(driven)["brake fluid"]["car_reminded"]
    assert "car beeped" in run("--config", str(driven)).output


def test_wrong_usage_says_what_is_wrong(driven: Path) -> None:
    for words, says in (
        (("done", "wipers"), "known here: oil change, brake fluid"),
        (("done", "oil", "--day", "20.11.2026"), "is no day up to today"),
        (("done", "oil", "--day", "2999-01-01"), "is no day up to today"),
        (("done", "oil", "--km", "-1"), "not in the range"),
        (("reopen", ""), "2 service items begin with ''"),
    ):
        wrong = run(*words, "--config", str(driven))
        assert (wrong.exit_code, says in " ".join(wrong.output.split())) == (2, True), wrong.output


def test_a_whole_name_wins_over_a_beginning() -> None:
    assert find_item(["oil", "oil filter"], "oil") == "oil"
    assert find_item(["oil", "oil filter"], "OIL F") == "oil filter"


def test_without_items_it_says_where_they_go(keyoff: Keyoff, drive_csv: Path, tmp_path: Path) -> None:
    store = tmp_path / "kept.db"
    assert keyoff("replay", drive_csv, "--vehicle", "obd2", "--store", store).returncode == 0
    done = keyoff("service", "--store", store)
    assert (done.returncode, done.stdout.strip()) == (0, NO_ITEMS)


def test_a_forecast_is_a_range() -> None:
    found = Forecast("distance", "2026-12-08", "2026-11-28", "2027-01-03")
    days = {"likely_day": found.likely_day, "earliest_day": found.earliest_day, "latest_day": found.latest_day}
    assert range_text(days) == "11-28 to 2027-01-03"
    assert range_text(days | {"latest_day": None}) == "11-28 or much later"
    assert range_text(days | {"earliest_day": None}) is None
    limits = {"due_m": 9e7, "due_day": "2026-12-20", "every_engine_h": 500, "oil_life_below_percent": 15.0}
    assert due_text(limits, "mi") == "55,923 mi or 2026-12-20 or 500 engine hours or 15 % oil life"
