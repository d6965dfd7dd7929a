"""keyoff prompts: the table, and answers entered on the unit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agent.cli import prompts, why
from agent.config import Owner, Service
from tests.cli.conftest import Keyoff
from tests.sim.unit import Unit

ITEMS = (Service("brake fluid", every_months=24, last_day="2024-12-20"), Service("tyres", every_months=12, last_day="2025-12-10"))


@pytest.fixture
def due(tmp_path: Path, config_file: Path) -> Path:
    """A unit with two prompts held; returns its keyoff.toml."""
    (tmp_path / "state").mkdir()
    unit = Unit(tmp_path / "state", Owner(timezone="Europe/Berlin"), ITEMS).boot("2026-11-22 08:00").clock()
    unit.drive()
    unit.off()
    items = [f'[[service]]\nitem = "{s.item}"\nevery_months = {s.every_months}\nlast_day = "{s.last_day}"\n' for s in ITEMS]
    config_file.write_text(config_file.read_text() + "".join(items))
    return config_file


def run(command: Any, *words: str) -> Result:
    return CliRunner().invoke(command, list(words))


def told(config: Path) -> dict[str, dict[str, Any]]:
    """What each is about → it."""
    found = json.loads(run(prompts.command, "--config", str(config), "--json").output)
    return {t["about"].split()[1]: t for t in found}


def test_the_table_fits_on_a_terminal(due: Path) -> None:
    out = run(prompts.command, "--config", str(due)).output
    assert "brake fluid" in out and "tyres" in out and "held" in out
    assert all(len(line) <= 80 for line in out.splitlines())


@pytest.mark.parametrize(("answer", "state"), [("done", "done"), ("wrong", "wrong"), ("acknowledged", "acknowledged")])
def test_an_answer_ends_one_prompt(due: Path, answer: str, state: str) -> None:
    done = run(prompts.command, "answer", told(due)["tyres"]["id"][:8], answer, "--config", str(due))
    assert done.exit_code == 0, done.output
    after = told(due)
    assert (after["tyres"]["state"], after["brake"]["state"]) == (state, "held")


def test_a_snooze_holds_it_for_so_many_days(due: Path) -> None:
    id = told(due)["tyres"]["id"]
    assert run(prompts.command, "answer", id, "snoozed", "--days", "14", "--config", str(due)).exit_code == 0
    assert told(due)["tyres"]["state"] == "held"
    assert "put off" in run(why.command, id, "--config", str(due)).output


def test_stopped_ends_all_of_its_kind(due: Path) -> None:
    assert run(prompts.command, "answer", told(due)["tyres"]["id"], "stopped", "--config", str(due)).exit_code == 0
    assert {t["state"] for t in told(due).values()} == {"stopped"}


def test_wrong_usage_says_what_is_wrong(due: Path) -> None:
    id = told(due)["tyres"]["id"]
    config = ("--config", str(due))
    run(prompts.command, "answer", id, "done", *config)
    for words, says in (
        ((id, "snoozed"), "is over already: done"),
        ((id, "wrong", "--days", "3"), "only snoozed takes it"),
        ((id, "snoozed", "--days", "0"), "0 is not in the range"),
        ((id, "booked"), "'booked' is not one of"),
        (("zz", "done"), "no prompts begin with 'zz'"),
        (("", "done"), "2 prompts begin with ''"),
    ):
        wrong = run(prompts.command, "answer", *words, *config)
        assert (wrong.exit_code, says in wrong.output) == (2, True), wrong.output


def test_from_the_front_door(keyoff: Keyoff, due: Path) -> None:
    id = told(due)["tyres"]["id"][:6]
    done = keyoff("prompts", "answer", id, "done", "--config", due)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(": done.")
    listed = keyoff("prompts", "--config", due).stdout
    assert "done" in listed and "held" in listed
