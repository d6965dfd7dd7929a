"""keyoff report, keyoff relationship: as a person runs them."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.io.store import Batch, Store
from tests.cli.conftest import Keyoff
from tests.report.months import ANA, material, month_of_trips, report_of
from tests.test_reporting import row


@pytest.fixture
def kept(config_file: Path, tmp_path: Path) -> Path:
    """A unit with trips in three months, of which September was reported; returns its keyoff.toml."""
    (tmp_path / "state").mkdir()
    sent = msgspec.structs.replace(report_of(material(month_of_trips(), [ANA]), "ana"), month="2024-09")
    report = {"month": "2024-09", "driver": "ana", "id": "r", "body": msgspec.json.encode(sent).decode()}
    days = ("2024-05-02", "2024-09-26", "2024-10-05", "2024-10-06")
    with closing(Store(tmp_path / "state" / "keyoff.db", "unit-1")) as store:
        store.commit(Batch(trips=[row(day, day, "unknown") for day in days], reports=[report]))
    return config_file


def test_a_report_is_shown_as_it_was_made(keyoff: Keyoff, kept: Path) -> None:
    text = keyoff("report", "--config", kept).stdout
    assert text.startswith("Report for September 2024\n")
    assert re.search(r"^Trips +4$", text, re.MULTILINE)
    facts: dict[str, Any] = json.loads(keyoff("report", "--config", kept, "--json").stdout)
    assert (facts["month"], facts["driver"], facts["now"]["trips"]) == ("2024-09", "ana", 4)


def test_any_kept_month_is_worked_out(keyoff: Keyoff, kept: Path) -> None:
    text = keyoff("report", "--month", "2024-10", "--config", kept).stdout
    assert "Report for October 2024" in text
    assert re.search(r"^Consumption +6\.0 l/100 km", text, re.MULTILINE)
    assert "All drivers together: 40 km, 2.4 l." in text


def test_a_page_is_written(keyoff: Keyoff, kept: Path, tmp_path: Path) -> None:
    page = tmp_path / "october.html"
    done = keyoff("report", "--month", "2024-10", "--html", page, "--config", kept)
    assert done.returncode == 0
    assert str(page) in done.stdout
    assert page.read_text().startswith("<!doctype html>")
    assert keyoff("report", "--html", tmp_path / "none" / "x.html", "--config", kept).returncode == 2


def test_what_there_is_not_is_said(keyoff: Keyoff, kept: Path) -> None:
    for words, why in (
        (["--month", "2020-01"], "nothing to report of 2020-01"),
        (["--month", "October"], "is no month; write it like 2026-10"),
        (["--month", "2024-10", "--driver", "zoe"], "nothing to report of 2024-10 for 'zoe'"),
    ):
        done = keyoff("report", *words, "--config", kept)
        assert done.returncode == 2
        assert why in done.stderr


def test_the_ledger(keyoff: Keyoff, kept: Path) -> None:
    text = keyoff("relationship", "--config", kept).stdout
    assert "since 2 May 2024, over 80 km." in text
    facts = json.loads(keyoff("relationship", "--config", kept, "--json").stdout)
    assert (facts["first_day"], facts["reports"], facts["prompts_sent"]) == ("2024-05-02", 1, 0)
    assert "services_before_beep" not in facts, "no reminder was ever noticed: unknown is absent"


def test_before_the_first_trip(keyoff: Keyoff, config_file: Path, tmp_path: Path) -> None:
    assert keyoff("report", "--config", config_file).returncode == 74
    (tmp_path / "state").mkdir()
    Store(tmp_path / "state" / "keyoff.db", "unit-1").close()
    assert "no trip with a date yet" in keyoff("report", "--config", config_file).stderr
    assert "Not three months together yet" in keyoff("relationship", "--config", config_file).stdout
