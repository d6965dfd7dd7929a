"""keyoff drivers' months, and keyoff trips show's measures: in the owner's units, over the trips that know them."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.cli.trips import measured
from agent.config import Owner
from agent.io.store import Batch, Store
from tests.cli.conftest import Keyoff
from tests.test_reporting import row


@pytest.fixture
def kept(config_file: Path, tmp_path: Path) -> Path:
    """A unit with a month of Ana's, half of it without a word on fuel, a damaged trip and one without a date."""
    (tmp_path / "state").mkdir()
    rows = [row("a", "2026-10-01"), row("b", "2026-10-02", fuel_l=None), row("c", None, "ben"), row("d", "2026-10-03")]
    rows[3]["metrics"] = '{"distance_m": '
    with closing(Store(tmp_path / "state" / "keyoff.db", "unit-1")) as store:
        store.commit(Batch(trips=rows))
    return config_file


def line(text: str, start: str) -> str:
    return next(" ".join(each.split()) for each in text.splitlines() if each.startswith(start))


def test_a_months_economy_is_of_the_trips_that_know_it(keyoff: Keyoff, kept: Path) -> None:
    text = keyoff("drivers", "--config", kept).stdout
    assert line(text, "  month") == "month driver trips distance time l/100 km harsh idle cold night over"
    assert line(text, "2026-10") == "2026-10 ana 2 40.00 km 1 h 6.0 5.0 10 % 0 of 2 0 % 1 %", "6.0, and not 3.0"
    assert "1 trip damaged in the store and left out." in text
    assert "cold: Cold starts on trips below 5 km" in text and "over: Above the household's 130 km/h" in " ".join(text.split())
    told = json.loads(keyoff("drivers", "--config", kept, "--json").stdout)
    assert [(t["month"], t["driver"], t["trips"]) for t in told] == [(None, "ben", 1), ("2026-10", "ana", 2)]


def test_a_sum_that_not_all_trips_know_says_over_which_distance_it_is(keyoff: Keyoff, kept: Path) -> None:
    text = keyoff("drivers", "--config", kept).stdout
    assert "2026-10 ana: Consumption: known for 50 % of the distance." in text.splitlines()
    assert "ben: Consumption" not in text
    told = json.loads(keyoff("drivers", "--config", kept, "--json").stdout)
    assert [t["covers"] for t in told] == [{}, {"fuel_l": 20_000.0}]


@pytest.mark.parametrize(
    ("counts", "economy", "head", "value"),
    [
        ("mi", "mpg_uk", "mpg (UK)", "47.1"),
        ("mi", "mpg_us", "mpg (US)", "39.2"),
        ("km", "km/l", "km/l", "16.7"),
    ],
)
def test_economy_is_in_the_owners_unit(keyoff: Keyoff, kept: Path, counts: str, economy: str, head: str, value: str) -> None:
    kept.write_text(f'{kept.read_text()}counts = "{counts}"\neconomy = "{economy}"\n')
    text = keyoff("drivers", "--config", kept).stdout
    assert head in text.splitlines()[0] and f" {value} " in line(text, "2026-10")


def test_a_trip_has_its_measures(tmp_path: Path) -> None:
    def said(owner: Owner, **metrics: Any) -> dict[str, str]:
        with closing(Store(tmp_path / "keyoff.db", "unit-1")) as store:
            id = f"{owner.economy} {len(metrics)}"
            store.commit(Batch(trips=[row(id, "2026-10-01", **metrics)]))
            (found,) = store.conn.execute("SELECT * FROM trips WHERE id = ?", (id,)).fetchall()
            return {name: value.replace("\u00a0", " ") for name, value in measured(found, owner)}

    assert said(Owner())["Consumption, l/100\u00a0km"] == "6.0"
    assert said(Owner(counts="mi", economy="mpg_uk"))["Fuel economy, mpg\u00a0(UK)"] == "47.1"
    electric = said(Owner(over_speed_kmh=100.0), fuel_l=None, energy_kwh=4.0, regenerated_kwh=1.0, idle_s=None)
    assert electric["Consumption (electric), kWh/100\u00a0km"] == "15.0"
    assert electric["Above the household's 100\u00a0km/h"] == "1 %"
    assert not [name for name in electric if name.startswith(("Idling", "Distance"))]
