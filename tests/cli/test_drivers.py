"""keyoff drivers: profiles, keys and consents as a person enters them, with and without a daemon; and what is refused."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agent.cli.drivers import command, kept_household, kept_style
from agent.household import Driver
from agent.io.requests import FOLDER, waiting
from agent.io.store import Batch, Store
from tests.cli.conftest import Keyoff

HEAD = "utc_s,Vehicle.Speed,Vehicle.Powertrain.CombustionEngine.Speed"


class Unit:
    """A unit's command line, in this process: `run("add", "ana")` is `keyoff drivers add ana`."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.store = config.parent / "state" / "keyoff.db"
        self.store.parent.mkdir(exist_ok=True)

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(command, [*words, "--config", str(self.config)])

    def says(self, *words: str) -> str:
        done = self.run(*words)
        assert done.exit_code == 0, done.output
        return done.output

    def refuses(self, *words: str) -> str:
        done = self.run(*words)
        assert done.exit_code == 2, done.output
        return " ".join(done.output.split())

    def driver(self, id: str) -> Driver:
        found = kept_household(self.store).find(id)
        assert found is not None
        return found


@pytest.fixture
def unit(config_file: Path) -> Unit:
    return Unit(config_file)


# -- profiles ------------------------------------------------------------------------------------------


def test_a_driver_is_added_changed_and_removed(unit: Unit) -> None:
    given = "--name Ana --keeper --counts mi --language de --timezone Europe/Vienna --quiet 22:00-6:30 --tell-at 18:30"
    unit.says("add", "ana", *given.split(), "--channel", "page", "--of-age", "2031-05-01", "--person", "ana-at-home")
    assert unit.driver("ana") == Driver(
        "ana", "Ana", "ana-at-home", True, "mi", "de", "Europe/Vienna", "22:00", "06:30", "18:30", "page", "2031-05-01"
    )
    unit.says("set", "ana", "--no-keeper", "--tell-at", "usual", "--name", "Anna")
    ana = unit.driver("ana")
    assert (ana.name, ana.is_keeper, ana.tell_at, ana.quiet_from, ana.counts) == ("Anna", False, None, "22:00", "mi")
    assert "the trips keep the id" in unit.says("remove", "ana")
    assert kept_household(unit.store).drivers == ()


def test_a_list_shows_who_they_are(unit: Unit) -> None:
    unit.says("add", "ana", "--name", "Ana", "--keeper")
    unit.says("bind", "ana", "--key-fob", "1")
    unit.says("consent", "ana", "compare", "--grant")
    text = unit.says("list")
    row = next(line for line in text.splitlines() if line.startswith("ana"))
    assert row.split() == ["ana", "Ana", "yes", "key", "fob", "1", "compare", "–", "21:30-07:30", "usual"]
    assert "How many people drive this car is not known yet" in text
    listed = json.loads(unit.says("list", "--json"))
    assert listed["people"] is None and listed["last_trip"] == {}
    assert listed["drivers"][0]["key_fobs"] == ["1"] and listed["drivers"][0]["consents"] == ["compare"]


def test_the_owner_is_there_while_nobody_keeps_the_car(unit: Unit) -> None:
    unit.says("add", "ben")
    assert [d["id"] for d in json.loads(unit.says("list", "--json"))["drivers"]] == ["ben", "owner"]
    unit.says("set", "owner", "--language", "de")
    unit.says("consent", "owner", "report", "--revoke")
    owner = kept_household(unit.store).owner
    assert (owner.language, owner.consents) == ("de", ())
    assert "no driver 'owner'" in unit.refuses("bind", "owner", "--key-fob", "1")
    assert "'owner' is there already" in unit.refuses("add", "owner")
    unit.says("set", "ben", "--keeper")
    assert [d["id"] for d in json.loads(unit.says("list", "--json"))["drivers"]] == ["ben"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("add Ana", "'Ana' is no id: use a-z, 0-9 and -"),
        ("add unknown", "'unknown' is no id"),
        ("add ana", "'ana' is there already; change it: keyoff drivers set ana"),
        ("add ben --quiet 22:00", "write it like 21:30-07:30"),
        ("add ben --tell-at 25:00", "'25:00' is no time of day; write it like 18:30, or `usual`"),
        ("add ben --timezone Berlin", "'Berlin' is no IANA time zone; write one like Europe/Berlin"),
        ("add ben --language fr", "'fr' is not one of 'en', 'de'"),
        ("add ben --of-age 2031", "'2031' is no day; write it like 2028-04-01"),
        ("add ben --person a@b", "'a@b' is no id"),
        ("set ben", "no driver 'ben'; known: ana. New: keyoff drivers add ben"),
        ("bind ana", "nothing to bind: name --identifier, --key-fob, --seat-memory, --phone-tag, or --last-trip"),
        ("bind ana --key-fob 0", "'0' is nothing to know anybody by"),
        ("bind ana --last-trip", "the car told no identifier, key, seat memory or phone on the last trip"),
        ("unbind ana --key-fob 1", "ana is not known by it"),
        ("consent ana sell --grant", "'sell' is not one of 'report', 'compare'"),
        ("consent ana report", "say --grant or --revoke"),
        ("start ana offers", "'offers' is not one of 'service'"),
        ("remove ben", "no driver 'ben'"),
    ],
)
def test_a_mistake_is_told_with_its_fix(unit: Unit, words: str, why: str) -> None:
    unit.says("add", "ana")
    assert why in unit.refuses(*words.split())


# -- keys, consents, stopped kinds -----------------------------------------------------------------------


def test_a_key_that_changes_hands_is_not_two_peoples(unit: Unit) -> None:
    unit.says("add", "ana")
    unit.says("add", "ben")
    unit.says("bind", "ana", "--key-fob", "1", "--seat-memory", "1", "--phone-tag", "aa")
    text = unit.says("bind", "ben", "--key-fob", "1", "--key-fob", "2")
    assert "ana is no longer known by it." in text and "ben is known by key fob 1, key fob 2." in text
    assert (unit.driver("ana").key_fobs, unit.driver("ana").seat_memories) == ((), ("1",))
    unit.says("unbind", "ben", "--key-fob", "1")
    assert unit.driver("ben").key_fobs == ("2",)


def test_what_is_wrong_in_an_old_profile_is_no_obstacle(unit: Unit) -> None:
    """Before profiles were checked a command could name an id that the command line does not take."""
    unit.says("add", "ana")
    with closing(Store(unit.store, "unit-1")) as store:
        version, _ = store.states()["household"]
        lent = {"drivers": [{"id": "Ana M.", "timezone": "Berlin", "quiet_from": "late"}, {"id": "unknown"}]}
        store.commit(Batch(states={"household": (version, json.dumps({"lent": lent}).encode())}, quiet=False))
    assert "Ana M." in unit.says("list")
    assert json.loads(unit.says("list", "--json"))["drivers"][0]["quiet_from"] == "21:30"
    unit.says("remove", "Ana M.")
    assert kept_household(unit.store).drivers == ()


def test_a_consent_is_given_and_taken_back(unit: Unit) -> None:
    unit.says("add", "ana")
    unit.says("consent", "ana", "report", "--grant")
    assert unit.driver("ana").consents == ("report",)
    unit.says("consent", "ana", "report", "--revoke")
    assert unit.driver("ana").consents == ()
    store = Store(unit.store, "unit-1")
    assert store.count("ConsentChanged") == 2
    assert store.count("DriverSaved") == 0, "a profile stays here"
    store.close()


def test_guardian_names_whom_it_means(unit: Unit) -> None:
    unit.says("add", "ana")
    unit.says("add", "kim", "--of-age", "2100-01-01")
    assert "has to say with whom" in str(unit.run("consent", "kim", "guardian", "--grant").exception)
    assert "kim: guardian with ana is granted." in unit.says("consent", "kim", "guardian", "--grant", "--with", "ana")
    assert unit.driver("kim").guardian_with == ("ana",)
    assert "guardian (ana)" in unit.says("list")
    unit.says("consent", "kim", "guardian", "--revoke", "--with", "ana")
    assert (unit.driver("kim").consents, unit.driver("kim").guardian_with) == ((), ())


def test_stopped_prompts_come_again(unit: Unit) -> None:
    from agent.cli.drivers import _save

    unit.says("add", "ana")
    _save(unit.config, None, Driver("ana", stopped=("service", "report")))
    assert "ana hears about service again." in unit.says("start", "ana", "service")
    assert unit.driver("ana").stopped == ("report",)
    assert "had not stopped fault" in unit.says("start", "ana", "fault")


# -- with a real drive, and a real daemon ------------------------------------------------------------------


def drive(path: Path, fob: str, start_s: int) -> Path:
    """Ten minutes of driving with a key; by the seventh the car says who it is, in its own words."""
    said = f"{fob},DE|Ana M." if fob == "7" else f"{fob},"
    rows = [f"{start_s + t},{min(60, t, 600 - t) if t <= 600 else 0},{1500 if t <= 600 else 0},{said}" for t in range(620)]
    path.write_text(
        f"{HEAD},Vehicle.Private.Access.KeyFob,Vehicle.Occupant.Row1.DriverSide.Identifier.Subject\n" + "\n".join(rows) + "\n"
    )
    return path


def test_the_key_of_the_last_trip_is_anas_from_now_on(keyoff: Keyoff, unit: Unit, tmp_path: Path) -> None:
    def driven(n: int, fob: str) -> list[tuple[Any, ...]]:
        log = drive(tmp_path / f"{n}.csv", fob, 1_600_000_000 + 90_000 * n)
        done = keyoff("replay", log, "--vehicle", "obd2", "--config", unit.config, "--store", unit.store)
        assert done.returncode == 0, done.stderr
        trips = json.loads(keyoff("trips", "--config", unit.config, "--json").stdout)
        return [(t["driver"], t["driver_how"], t.get("driver_sure")) for t in trips]

    assert driven(1, "7") == [("unknown", "unknown", None)]
    assert kept_style(unit.store).said == {"key fob": "7", "identifier": "DE|Ana M."}
    unit.says("add", "ana")
    assert "ana is known by identifier DE|Ana M., key fob 7." in unit.says("bind", "ana", "--last-trip")
    assert driven(2, "7")[1] == ("ana", "identifier", 0.98)
    assert driven(3, "8")[2][0] == "unknown"
    first = json.loads(keyoff("trips", "--config", unit.config, "--json").stdout)[0]["id"]
    assert keyoff("trips", "assign", first, "ana", "--config", unit.config).returncode == 0
    trips = json.loads(keyoff("trips", "--config", unit.config, "--json").stdout)
    assert (trips[0]["driver"], trips[0]["driver_how"], trips[0]["driver_sure"]) == ("ana", "household", 1.0)


def test_a_running_daemon_is_asked(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    unit.says("add", "ana")
    monkeypatch.setattr("agent.cli.enter.WAIT_S", 0.2)
    store = Store(unit.store, "unit-1")  # the daemon's lock
    try:
        assert "when it can" in unit.says("set", "ana", "--name", "Anna")
    finally:
        store.close()
    ((_, request),) = waiting(unit.store.parent)
    assert request is not None
    assert (request.kind, request.entry, request.data) == ("entry", "DriverSaved", {"driver": {"id": "ana", "name": "Anna"}})
    assert (unit.store.parent / FOLDER).is_dir()
