"""keyoff notices: those of this car, and one that was not remedied after all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agent.cli import notices
from agent.cli.catalogues import CLOSING, NONE_YET
from tests.sim.unit import Unit

RECALL = {
    "id": "24V001",
    "kind": "recall",
    "title": "Fuel pump may stop\nthe engine",
    "published_day": "2026-01-02",
    "match": {"profiles": ["test car"]},
}
BELT, GONE = RECALL | {"id": "25V003", "title": "Belt"}, RECALL | {"id": "24V002", "title": "Taken back"}


@pytest.fixture
def config(tmp_path: Path, config_file: Path) -> Path:
    """Of a unit that has heard of three recalls: one is marked remedied, one was taken back."""
    (tmp_path / "state").mkdir()
    unit = Unit(tmp_path / "state").boot("2026-11-22 08:00").clock()
    unit.drive()
    issued = {"source": "an authority", "issued_utc_ns": round(unit.utc_s("2026-11-20 08:00")) * 10**9}
    unit.daemon.enter("CatalogueReceived", issued | {"notices": [RECALL, BELT, GONE]}, "c1")
    unit.daemon.enter("CatalogueReceived", issued | {"notices": [RECALL, BELT], "complete": True}, "c2")
    unit.daemon.enter("NoticeSettled", {"notice": "24V001", "progress": "remedied"}, "c3")
    unit.off()
    return config_file


def run(*words: str) -> Result:
    return CliRunner().invoke(notices.command, list(words))


def told(config: Path) -> dict[str, Any]:
    found = json.loads(run("--config", str(config), "--json").output)
    return {each["id"]: each["progress"] for each in found["notices"]}


def test_it_lists_what_concerns_this_car_and_how_old_the_word_is(config: Path) -> None:
    shown = run("--config", str(config)).output
    lines = {line.split()[0]: line for line in shown.splitlines() if line}
    assert "Fuel pump may stop the engine" in lines["24V001"] and lines["24V001"].endswith("remedied")
    assert lines["25V003"].endswith("cannot tell")
    assert "24V002" not in shown
    assert "catalogue of an authority, made 2026-11-20" in shown and CLOSING in shown


def test_without_a_catalogue_it_says_that_nothing_is_known(tmp_path: Path, config_file: Path) -> None:
    (tmp_path / "state").mkdir()
    Unit(tmp_path / "state").boot("2026-11-22 08:00").off()
    assert run("--config", str(config_file)).output.strip() == NONE_YET


def test_what_was_not_remedied_is_reopened(config: Path) -> None:
    assert told(config) == {"24V001": "remedied", "25V003": "open"}
    done = run("reopen", "24", "--config", str(config))
    assert (done.exit_code, done.output.strip()) == (0, "To be remedied still: 24V001.")
    assert told(config) == {"24V001": "open", "25V003": "open"}


@pytest.mark.parametrize(("start", "says"), [("2", "2 notices begin with"), ("24V002", "known here: 24V001, 25V003")])
def test_which_one_has_to_be_clear(config: Path, start: str, says: str) -> None:
    refused = run("reopen", start, "--config", str(config))
    assert refused.exit_code == 2 and says in refused.output
