"""keyoff odometer set: a reading that cannot be taken for another unit's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agent.cli import odometer
from tests.sim.unit import Unit


@pytest.fixture
def config(tmp_path: Path, config_file: Path) -> Path:
    (tmp_path / "state").mkdir()
    Unit(tmp_path / "state").boot("2026-11-22 08:00").off()
    return config_file


def run(*words: str) -> Result:
    return CliRunner().invoke(odometer.command, list(words))


def reading_m(config: Path) -> float | None:
    found: dict[str, float] = json.loads(run("--config", str(config), "--json").output)
    return found.get("reading_m")


def in_miles(config: Path) -> None:
    config.write_text(config.read_text().replace("[owner]\n", '[owner]\ncounts = "mi"\n'))


@pytest.mark.parametrize(
    ("words", "meters", "says"),
    [
        (["48210"], 48_210_000.0, "48,210 km"),
        (["48210", "--km"], 48_210_000.0, "48,210 km"),
        (["30000", "--mi"], 30_000 * 1609.344, "30,000 mi"),
    ],
)
def test_it_is_entered_in_the_unit_that_is_said(config: Path, words: list[str], meters: float, says: str) -> None:
    done = run("set", *words, "--config", str(config))
    assert (done.exit_code, done.output.strip()) == (0, f"The odometer stands at {says}.")
    assert reading_m(config) == pytest.approx(meters)


def test_who_counts_in_miles_says_which(config: Path) -> None:
    in_miles(config)
    refused = run("set", "30000", "--config", str(config))
    assert refused.exit_code == 2 and "add --mi, or --km" in refused.output
    assert reading_m(config) is None
    assert run("set", "30000", "--mi", "--config", str(config)).exit_code == 0
    assert run("--config", str(config)).output.startswith("30,000")
    assert run("set", "48300", "--km", "--config", str(config)).exit_code == 0
    assert reading_m(config) == pytest.approx(48_300_000.0)
