"""keyoff replay, as a user runs it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Keyoff


def test_a_csv_drive_prints_its_trip(keyoff: Keyoff, drive_csv: Path) -> None:
    done = keyoff("replay", drive_csv, "--vehicle", "obd2")
    assert done.returncode == 0, done.stderr
    assert "9.00 km" in done.stdout
    assert "2020-09-13" in done.stdout
    assert "2 events: TripEnded, TripStarted." in done.stdout


def test_json_is_one_cloudevent_a_line_and_nothing_else(keyoff: Keyoff, drive_csv: Path) -> None:
    done = keyoff("replay", drive_csv, "--vehicle", "obd2", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [e["type"] for e in events] == ["keyoff.TripStarted.v1", "keyoff.TripEnded.v2"]
    assert all(e["specversion"] == "1.0" and e["source"] == "urn:keyoff:unit:replay" for e in events)
    assert events[1]["data"]["metrics"]["distance_m"] == pytest.approx(9000, abs=1)
    again = [json.loads(line) for line in keyoff("replay", drive_csv, "--vehicle", "obd2", "--json").stdout.splitlines()]
    assert [e | {"epoch": 0} for e in again] == [e | {"epoch": 0} for e in events], "another database, the same facts"


def test_a_kept_store_knows_the_recording_and_can_be_looked_at(keyoff: Keyoff, drive_csv: Path, tmp_path: Path) -> None:
    store = tmp_path / "kept.db"
    assert keyoff("replay", drive_csv, "--vehicle", "obd2", "--store", store).returncode == 0
    again = keyoff("replay", drive_csv, "--vehicle", "obd2", "--store", store)
    assert "Nothing new" in again.stdout
    trips = json.loads(keyoff("trips", "--store", store, "--json").stdout)
    assert len(trips) == 1
    shown = keyoff("trips", "show", trips[0]["id"][:6], "--store", store)
    assert "█" in shown.stdout
    assert "distance_m" in shown.stdout
    detail = json.loads(keyoff("trips", "show", trips[0]["id"], "--store", store, "--json").stdout)
    assert len(detail["trace"]["t_ns"]) == pytest.approx(620, abs=5)


def test_at_twice_hundred_speed(keyoff: Keyoff, drive_csv: Path) -> None:
    assert keyoff("replay", drive_csv, "--vehicle", "obd2", "--speed", "2000").returncode == 0
    wrong = keyoff("replay", drive_csv, "--vehicle", "obd2", "--speed", "fast")
    assert wrong.returncode == 2
    assert "neither a factor above 0 nor max" in wrong.stderr


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("empty.log", b"", 65, "no frame or row can be read"),
        ("binary.log", bytes(range(256)) * 20, 65, "no frame or row can be read"),
        ("binary.log.gz", b"nonsense", 65, "Not a gzipped file"),
        ("odd.txt", b"1 2 3", 65, "known: .log"),
        ("cols.csv", b"t_s,Vehicle.Sped\n0,1\n", 65, "no signal that keyoff knows"),
    ],
)
def test_bad_recordings_are_one_line_and_a_code(
    keyoff: Keyoff, tmp_path: Path, name: str, content: bytes, code: int, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    done = keyoff("replay", path, "--vehicle", "obd2")
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("keyoff: ")]) == 1


def test_a_missing_file(keyoff: Keyoff, tmp_path: Path) -> None:
    done = keyoff("replay", tmp_path / "no.log", "--vehicle", "obd2")
    assert done.returncode == 66
    assert "give the path of a recording" in done.stderr


def test_a_truncated_and_commented_log_gives_what_it_has_and_says_so(keyoff: Keyoff, tmp_path: Path) -> None:
    lines = [f"({1_600_000_000 + t / 2:.6f}) can0 7E8#03410D{min(60, t, 600 - t):02X}00000000" for t in range(600)]
    whole = gzip.compress("\n".join(["# cold start", *lines]).encode())
    path = tmp_path / "drive.log.gz"
    path.write_bytes(whole[:-400])
    done = keyoff("replay", path, "--vehicle", "obd2")
    assert done.returncode == 0
    assert "breaks off" in done.stderr
    assert "1 lines" in done.stderr
    assert "end-of-recording" in done.stdout


def test_an_unknown_vehicle_names_the_nearest(keyoff: Keyoff, drive_csv: Path) -> None:
    done = keyoff("replay", drive_csv, "--vehicle", "toyota_rav4")
    assert done.returncode == 78
    assert "toyota_rav4_2017" in done.stderr


def test_an_unreadable_dbc_names_it(keyoff: Keyoff, drive_csv: Path, tmp_path: Path, config_file: Path) -> None:
    folder = tmp_path / "vehicles"
    folder.mkdir()
    (folder / "mine.toml").write_text('name = "Mine"\ndbc = ["mine.dbc"]\n')
    (folder / "mine.dbc").write_text("BO_ broken")
    config_file.write_text(config_file.read_text().replace('profile = "obd2"', f'profile = "mine"\ndir = "{folder}"'))
    done = keyoff("replay", drive_csv, "--vehicle", "mine", "--config", config_file)
    assert done.returncode == 78
    assert "mine.dbc" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_in_use_or_unwritable_or_damaged(keyoff: Keyoff, drive_csv: Path, tmp_path: Path) -> None:
    from agent.io.store import Store

    held = Store(tmp_path / "held.db", "replay")
    used = keyoff("replay", drive_csv, "--vehicle", "obd2", "--store", tmp_path / "held.db")
    held.close()
    assert used.returncode == 75
    assert "another keyoff" in used.stderr
    (tmp_path / "damaged.db").write_bytes(b"x" * 5000)
    damaged = keyoff("replay", drive_csv, "--vehicle", "obd2", "--store", tmp_path / "damaged.db")
    assert damaged.returncode == 74
    assert "damaged" in damaged.stderr
    (tmp_path / "file").write_text("")
    unwritable = keyoff("replay", drive_csv, "--vehicle", "obd2", "--store", tmp_path / "file" / "a.db")
    assert unwritable.returncode == 74


def test_send_without_an_uplink_is_a_config_error(keyoff: Keyoff, drive_csv: Path) -> None:
    done = keyoff("replay", drive_csv, "--vehicle", "obd2", "--send")
    assert done.returncode == 78
    assert "[uplink]" in done.stderr
