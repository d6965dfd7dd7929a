"""keyoff fit: a catalogue is loaded, matched, looked at, and leaves when its owner lets it; with and without a daemon."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agent.cli import drivers, fit
from agent.io.database import connect_to_look
from agent.io.requests import waiting
from agent.io.store import Batch, Store
from agent.localtime import DAY_NS
from agent.model import NS
from hil.ca import Authority
from hil.cloud.command import Commander
from tests.cli.conftest import Keyoff
from tests.cli.test_run import eventually, running
from tests.test_reporting import row

CARS: list[dict[str, Any]] = [
    {"name": "Small E", "energy": "electric", "range_km": 60, "urban": 14, "rural": 13, "motorway": 19, "seats": 4, "tow_kg": 0},
    {"name": "Large E", "energy": "electric", "range_km": 420, "urban": 17, "rural": 16, "motorway": 22, "seats": 5},
    {"name": "Petrol", "energy": "petrol", "urban": 7, "rural": 5, "motorway": 6.5, "seats": 5, "tow_kg": 1500},
]
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Garage:
    """A unit with trips of so many days: every second one 35 km of ana's, every twelfth 70 km, and every fourth 5 km by ben."""

    def __init__(self, config: Path, days: int = 300, now: datetime = NOW) -> None:
        self.config, self.folder, self.now = config, config.parent, now
        (self.folder / "state").mkdir()
        self.store = self.folder / "state" / "keyoff.db"
        self.authority = Authority(self.folder / "ca")
        key = self.authority.command_key()
        config.write_text(f'{config.read_text()}household = "h-1"\n[commands]\nkey = "{key.public}"\n')
        self.sender = Commander(key.private)
        trips = [row(f"a{n}", self.day(n), distance_m=35_000.0 if n % 12 else 70_000.0) for n in range(days, 0, -2)]
        trips += [row(f"b{n}", self.day(n), "ben", distance_m=5_000.0) for n in range(days, 0, -4)]
        with closing(Store(self.store, "unit-1")) as store:
            store.commit(Batch(trips=sorted(trips, key=lambda t: t["start_utc_ns"])))

    @property
    def now_ns(self) -> int:
        return int(self.now.timestamp()) * NS

    def day(self, ago: int) -> str:
        return (self.now - timedelta(days=ago)).date().isoformat()

    def sign(self, data: dict[str, Any], kind: str = "FitCatalogueReceived", unit: str = "unit-1", expires_s: int = 3600) -> str:
        return self.sender.sign(unit, kind, data, expires_s, now_s=self.now.timestamp())

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(fit.command, [*words, "--config", str(self.config)])

    def says(self, *words: str) -> str:
        done = self.run(*words)
        assert done.exit_code == 0, done.output
        return done.output

    def refuses(self, *words: str) -> str:
        done = self.run(*words)
        assert done.exit_code == 2, done.output
        return " ".join(done.output.split())

    def agrees(self, *ids: str) -> None:
        for id in ids:
            for words in (["add", id], ["consent", id, "fit", "--grant"]):
                assert CliRunner().invoke(drivers.command, [*words, "--config", str(self.config)]).exit_code == 0

    def file(self, cars: list[dict[str, Any]] = CARS, days: int = 29) -> str:
        """A file with a signed catalogue of so many days ago; what it is called."""
        data = {"source": "Autumn list", "issued_utc_ns": self.now_ns - days * DAY_NS, "cars": cars}
        path = self.folder / "catalogue.jws"
        path.write_text(self.sign(data) + "\n")
        return str(path)

    def told(self, kind: str) -> list[Any]:
        with closing(connect_to_look(self.store)) as conn:
            return [json.loads(r["body"]) for r in conn.execute("SELECT body FROM events WHERE kind = ?", (kind,))]


SetClock = Callable[[datetime | None], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """What the commands here take for now; None: no clock is to be trusted."""
    return lambda now: monkeypatch.setattr(fit, "now_utc_ns", lambda: None if now is None else int(now.timestamp()) * NS)


@pytest.fixture
def garage(config_file: Path, set_clock: SetClock) -> Garage:
    set_clock(NOW)
    return Garage(config_file)


# -- a catalogue -----------------------------------------------------------------------------------------


def test_without_a_catalogue_it_says_how_one_comes(garage: Garage) -> None:
    assert "keyoff fit load FILE" in garage.says()
    assert garage.says("--json").strip() == "null"
    assert "No catalogue of cars is here" in garage.refuses("share")


def test_a_signed_catalogue_is_loaded_and_an_older_one_does_not_replace_it(garage: Garage) -> None:
    assert "Autumn list, 3 cars" in garage.says("load", garage.file())
    assert "it is older than the one that is here" in garage.refuses("load", garage.file(days=30))
    assert "Autumn list, 1 car." in garage.says("load", garage.file(cars=CARS[:1], days=28))
    assert len(json.loads(garage.says("--json"))["fits"]) == 1


def test_one_of_a_year_to_come_is_a_slip_and_keeps_no_other_out(garage: Garage) -> None:
    assert "Autumn list, 3 cars" in garage.says("load", garage.file(days=-365))
    assert "Autumn list, 1 car." in garage.says("load", garage.file(cars=CARS[:1], days=1))


def test_what_nobody_signed_for_this_unit_is_refused(garage: Garage) -> None:
    path = Path(garage.file())
    header, content, signature = path.read_text().strip().split(".")
    stranger = Commander(Authority(garage.folder / "other").command_key().private)
    for text, why in (
        (json.dumps({"source": "s", "issued_utc_ns": 1, "cars": CARS}), "not believed: not signed by the key; the key is"),
        (f"{header}.{content}.{signature[:-4]}AAAA", "not believed: not signed by the key"),
        (stranger.sign("unit-1", "FitCatalogueReceived", {}, now_s=NOW.timestamp()), "not believed: not signed by the key"),
        (garage.sign({}, unit="unit-2"), "it is not for this unit"),
        (garage.sign({}, expires_s=-3600), "it has expired"),
        (garage.sign({"driver": "ana"}, "DriverRemoved"), "it holds DriverRemoved, and no catalogue of cars"),
        (garage.sign({"source": "s", "issued_utc_ns": 1}), "missing required field `cars`"),
        ("x" * 70_000, "not believed: too large"),
    ):
        path.write_text(text)
        assert why in garage.refuses("load", str(path))
    assert "No catalogue" in garage.says()


def test_it_needs_the_key_and_a_clock(garage: Garage, set_clock: SetClock) -> None:
    path = garage.file()
    set_clock(None)
    assert "this unit's clock is not set yet" in garage.refuses("load", path)
    garage.config.write_text(garage.config.read_text().partition("[commands]")[0])
    refused = garage.run("load", path)
    assert refused.exception is not None and "no [commands]" in str(refused.exception)


# -- what is shown ---------------------------------------------------------------------------------------


def test_the_table_ranks_and_says_what_it_rests_on(garage: Garage) -> None:
    garage.says("load", garage.file())
    text = garage.says()
    assert [line.split("  ")[0] for line in text.splitlines()[4:8]] == ["Large E", "Petrol", "Small E", "this car"]
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in text.splitlines()}
    assert lines["Small E"].startswith("Small E charging en route 83 % 15.9 kWh/100 km")
    assert "Petrol would do – 6.6 l/100 km" in lines["Petrol"]
    assert "as driven – " in lines["this car"]
    assert "Days a year beyond the range: Small E 30." in text
    assert "Not known: range in winter (Small E, Large E)." in text.replace("(Large E, Small E)", "(Small E, Large E)")
    flat = " ".join(text.split())
    assert "It rests on 150 days with a trip of 301" in flat and "225 trips, 6,500 km." in flat
    assert "The catalogue: Autumn list, of" in flat and "29 days old" in flat
    assert all(len(line) <= 80 for line in text.splitlines())


def test_one_drivers_use_is_theirs_alone(garage: Garage) -> None:
    garage.says("load", garage.file())
    text = garage.says("--driver", "ben")
    assert "that ben made of this car" in text and "6 % of what the car drove" in " ".join(text.split())
    assert "no trip by 'zoe' in the last year; who drove: ana, ben" in garage.refuses("--driver", "zoe")


def test_what_is_asked_of_a_car_counts(garage: Garage) -> None:
    garage.says("load", garage.file())
    found = {f["name"]: f for f in json.loads(garage.says("--json", "--seats", "5", "--tow-kg", "1200"))["fits"]}
    assert {name: each["verdict"] for name, each in found.items()} == {
        "Petrol": "would do",
        "Large E": "cannot tell",
        "Small E": "would not do",
    }
    assert "would not do (seats, towing)" in garage.says("--seats", "5", "--tow-kg", "1200")


def test_too_short_a_time_is_told_and_leaves_nothing(config_file: Path, set_clock: SetClock) -> None:
    set_clock(NOW)
    garage = Garage(config_file, days=10)
    garage.says("load", garage.file())
    garage.agrees("ana", "ben")
    text = " ".join(garage.says().split())
    assert "Too little is known yet: 11 days, 5 with a trip; from 28 a year can be told" in text
    assert "Large E cannot tell – 18.9 kWh/100 km –" in text
    assert "Too little is known yet" in garage.refuses("share", "--yes")
    assert garage.told("FitShared") == []


def test_without_a_clock_it_goes_up_to_the_last_trip(garage: Garage, set_clock: SetClock) -> None:
    garage.says("load", garage.file())
    set_clock(None)
    text = " ".join(garage.says().split())
    assert "of 299 (" in text and "its age is not known: the clock is not set" in text


def test_what_is_not_in_it_is_told(garage: Garage) -> None:
    lost = {"id": "u", "kind": "unaccounted", "driver": "unknown", "metrics": '{"unaccounted_m": 34000.0}'}
    broken = row("x", garage.day(3)) | {"metrics": "{"}
    with closing(Store(garage.store, "unit-1")) as store:
        store.commit(Batch(trips=[lost, row("y", None), broken]))
    garage.says("load", garage.file())
    text = " ".join(garage.says().split())
    assert "Not in it: 34 km that the car counted and nobody saw; 1 trip without a date; 1 trip damaged in the store." in text


# -- what leaves -----------------------------------------------------------------------------------------


def test_nothing_leaves_without_a_yes_and_what_leaves_was_shown(garage: Garage) -> None:
    garage.says("load", garage.file())
    garage.agrees("ana", "ben")
    for answer in ("n\n", ""):
        refused = CliRunner().invoke(fit.command, ["share", "--config", str(garage.config)], input=answer)
        assert refused.exit_code == 1 and "Let it leave the car?" in refused.output
    assert garage.told("FitShared") == []
    done = CliRunner().invoke(fit.command, ["share", "--seats", "5", "--config", str(garage.config)], input="y\n")
    assert done.exit_code == 0
    shown = json.loads(done.output.partition("\n\n")[0])
    assert garage.told("FitShared") == [shown]
    assert (shown["household"], shown["wanted"], shown["basis"]["days_driven"]) == ("h-1", {"seats": 5}, 150)
    assert "day_m" not in done.output and "driver" not in shown


def test_it_takes_the_word_of_whose_use_it_is(garage: Garage) -> None:
    garage.says("load", garage.file())
    why = "owner did not agree to it (keyoff drivers consent owner fit --grant); ana and ben drove, and nobody of that name"
    assert why in garage.refuses("share", "--yes")
    garage.agrees("ana")
    assert CliRunner().invoke(drivers.command, ["add", "ben", "--config", str(garage.config)]).exit_code == 0
    assert "ben did not agree to it" in garage.refuses("share", "--yes")
    assert "ben did not agree to it" in garage.refuses("share", "--yes", "--driver", "ben")
    garage.says("share", "--yes", "--driver", "ana")
    (told,) = garage.told("FitShared")
    assert (told["driver"], told["person"], told["basis"]["car_share"]) == ("ana", "ana", 0.94)


def test_a_daemon_that_runs_takes_it_in(config_file: Path, set_clock: SetClock, keyoff: Keyoff) -> None:
    now = datetime.now(UTC)  # that process has its own clock
    set_clock(now)
    garage = Garage(config_file, now=now)
    garage.config.write_text(f'{garage.config.read_text()}[[bus]]\nname = "can0"\ninterface = "virtual"\nchannel = "car"\n')
    garage.agrees("ana", "ben")
    with running(garage.config) as process:
        eventually(lambda: "listens" in (process.stderr.readline() if process.stderr else ""), "the start")
        assert "Autumn list, 3 cars" in garage.says("load", garage.file())
        assert waiting(garage.folder / "state") == []
        done = keyoff("fit", "share", "--yes", "--config", garage.config)
        assert done.returncode == 0, done.stderr
        eventually(lambda: garage.told("FitShared") != [], "the event")
    assert garage.told("FitShared") == [json.loads(done.stdout.partition("\n\n")[0])]
    assert len(json.loads(garage.says("--json"))["fits"]) == 3
