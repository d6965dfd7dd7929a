"""status, trips, drivers, odometer: what people and scripts see, and what they enter."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from agent.cli.trips import driver_line
from agent.io.schema import migrate, names
from tests.cli.conftest import Keyoff
from tests.conftest import ROOT


@pytest.fixture
def kept(keyoff: Keyoff, drive_csv: Path, config_file: Path, tmp_path: Path) -> Path:
    """A unit's state after one trip; returns its keyoff.toml."""
    (tmp_path / "state").mkdir()
    done = keyoff("replay", drive_csv, "--vehicle", "obd2", "--config", config_file, "--store", tmp_path / "state" / "keyoff.db")
    assert done.returncode == 0, done.stderr
    return config_file


def test_status(keyoff: Keyoff, kept: Path) -> None:
    text = keyoff("status", "--config", kept).stdout
    assert "trips kept   1, the last ended 2020-09-13 14:36" in text, "in the owner's time zone"
    assert "2, 2 not acknowledged" in text
    facts = json.loads(keyoff("status", "--config", kept, "--json").stdout)
    assert facts["trips"] == 1
    assert facts["odometer"] == {"source": "none"}


def test_a_trip_that_no_clock_dated_says_so(keyoff: Keyoff, kept: Path, tmp_path: Path) -> None:
    assert "no date" not in keyoff("trips", "--config", kept).stdout
    with closing(sqlite3.connect(tmp_path / "state" / "keyoff.db")) as conn, conn:
        conn.execute("UPDATE trips SET start_utc_ns = NULL")
    assert "no date" in keyoff("trips", "--config", kept).stdout


def test_before_the_first_run_it_says_so(keyoff: Keyoff, config_file: Path) -> None:
    for words in (["status"], ["trips"], ["drivers"], ["odometer"]):
        done = keyoff(*words, "--config", config_file)
        assert done.returncode == 74
        assert "there is no database yet" in done.stderr


@pytest.mark.parametrize("version", range(len(names()) + 1))
def test_a_database_of_an_earlier_version_is_looked_at_and_left_as_it_is(keyoff: Keyoff, tmp_path: Path, version: int) -> None:
    path, earlier_ones = tmp_path / "old.db", names()[:version]
    with closing(sqlite3.connect(path, isolation_level=None)) as conn, pytest.MonkeyPatch.context() as earlier:
        earlier.setattr("agent.io.schema.names", lambda: earlier_ones)
        conn.execute("PRAGMA journal_mode = WAL")
        migrate(conn)
    before = path.read_bytes()
    for words in (["status"], ["trips"], ["drivers"]):
        done = keyoff(*words, "--store", path)
        assert (done.returncode, done.stderr) == (0, "")
    assert path.read_bytes() == before


def test_the_odometer_is_unknown_until_entered(keyoff: Keyoff, kept: Path) -> None:
    assert "Unknown" in keyoff("odometer", "--config", kept).stdout
    assert keyoff("odometer", "set", "48210", "--config", kept).returncode == 0
    assert "48,210.00 km ± 0.50 km (entered" in keyoff("odometer", "--config", kept).stdout
    assert json.loads(keyoff("odometer", "--config", kept, "--json").stdout) == {
        "source": "entered",
        "reading_m": 48_210_000.0,
        "error_m": 500.0,
    }
    assert keyoff("odometer", "set", "-5", "--config", kept).returncode == 2


def test_a_trip_is_shown_in_the_owners_miles(keyoff: Keyoff, kept: Path) -> None:
    trip = json.loads(keyoff("trips", "--config", kept, "--json").stdout)[0]["id"]
    assert "km/h" in keyoff("trips", "show", trip, "--config", kept).stdout
    kept.write_text(kept.read_text().replace("[owner]", '[owner]\ncounts = "mi"'))
    shown = keyoff("trips", "show", trip, "--config", kept).stdout
    assert "mph" in shown and "19 to 31 mph" in " ".join(shown.split()).replace("–", " to ") and "km/h" not in shown


def test_a_trip_changes_hands(keyoff: Keyoff, kept: Path) -> None:
    trip = json.loads(keyoff("trips", "--config", kept, "--json").stdout)[0]["id"]
    stranger = keyoff("trips", "assign", trip[:5], "ana", "--config", kept)
    assert (stranger.returncode, "there is no driver 'ana' here; known: none" in stranger.stderr) == (78, True)
    assert "Who drove is unknown: nothing told of anybody." in keyoff("trips", "show", trip[:5], "--config", kept).stdout
    assert keyoff("drivers", "add", "ana", "--config", kept).returncode == 0
    assert keyoff("trips", "assign", trip[:5], "ana", "--config", kept).returncode == 0
    assert "ana drove, as the household says (100% sure)." in keyoff("trips", "show", trip[:5], "--config", kept).stdout
    drivers = json.loads(keyoff("drivers", "--config", kept, "--json").stdout)
    assert [(d["driver"], d["month"], d["trips"]) for d in drivers] == [("ana", "2020-09", 1)]
    assert "ana" in keyoff("drivers", "--config", kept).stdout
    wrong = keyoff("trips", "assign", "zzz", "ana", "--config", kept)
    assert wrong.returncode == 2
    assert "no trips begin with 'zzz'" in wrong.stderr


def test_help_and_version(keyoff: Keyoff) -> None:
    text = keyoff("--help").stdout
    for command in ("run", "replay", "status", "trips", "drivers", "odometer", "config", "schema"):
        assert f"\n  {command} " in text
        assert keyoff(command, "--help").returncode == 0
    assert "78 the configuration is wrong" in text
    assert keyoff("--version").stdout.startswith("keyoff, version ")
    assert keyoff("drvers").returncode == 2


def test_a_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom agent.__main__ import main\nsys.argv = ['keyoff', '--help']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'can', 'cantools', 'paho', 'sqlite_utils', 'apscheduler', 'joserfc', 'numpy', 'tabulate'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert out.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("known", "line"),
    [
        (("ana", "key fob", 0.95), "ana drove, by the key fob (95% sure)."),
        (("ana", "style", 0.97), "ana drove, by how it was driven (97% sure)."),
        (("ana", "default", 0.6), "ana drove, as nobody else was known (60% sure)."),
        (("ana", None, None), "ana drove, how that is known is not kept."),  # a trip of an earlier version
        (("unknown", "key fob", None), "Who drove is unknown: the key fob contradicts itself or what else the car said."),
        (("unknown", "household", 1.0), "Who drove is unknown, as the household says."),
        (("unknown", None, None), "Who drove is unknown: nothing told of anybody."),
    ],
)
def test_who_drove_is_told_with_how_and_how_sure(known: tuple[str, str | None, float | None], line: str) -> None:
    assert driver_line(*known) == line
