"""What a person enters on the unit: into the store if nobody holds it, else as a file that is taken in, or refused, and gone."""

from __future__ import annotations

import json
import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from agent.__main__ import main
from agent.cli.enter import enter
from agent.cli.exits import SOFTWARE
from agent.config import ConfigError
from agent.entries.entering import EntryFailed
from agent.events.household import HouseholdRule
from agent.io import clock
from agent.io.database import connect_to_look
from agent.io.requests import UNREAD_S, Request, Trouble, answer, answered, leave, waiting
from agent.io.states import read
from agent.io.store import Batch, Store
from agent.model import NS

ANA = {"driver": {"id": "ana"}}


@pytest.fixture
def config(config_file: Path) -> Path:
    (config_file.parent / "state").mkdir()
    return config_file


def drivers(config: Path) -> list[str]:
    with closing(connect_to_look(config.parent / "state" / "keyoff.db")) as conn:
        return [d["id"] for d in json.loads(read(conn)[0]["household"][1])["lent"]["drivers"]]


def test_an_entry_goes_into_a_store_that_nobody_holds(config: Path) -> None:
    enter(config, None, Request("entry", entry="DriverSaved", data=ANA))
    assert drivers(config) == ["ana"]


def test_an_entry_is_not_dated_before_what_was_known(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known_ns = clock.BUILT_UTC_NS + 400 * 86_400 * NS
    store = Store(config.parent / "state" / "keyoff.db", "unit-1")
    store.commit(Batch(anchor=("boot-1", 1, known_ns, "synchronised")))
    store.close()
    monkeypatch.setattr(time, "time_ns", lambda: known_ns - NS)
    monkeypatch.setattr(clock, "is_synchronised", lambda: False)
    enter(config, None, Request("odometer", reading_m=5_000_000.0))
    with closing(connect_to_look(store.path)) as conn:
        assert [tuple(r) for r in conn.execute("SELECT utc_ns, clock FROM events")] == [(None, "none")]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request("entry", entry="DriverSaved", data={"drivr": {}}), "did you mean `driver`"),
        (Request("entry"), "unknown kind ''"),
        (Request("assign", trip_id="t9", driver="unknown"), "there is no trip t9"),
        (Request("assign", trip_id="t9", driver="ana"), "there is no driver 'ana' here"),
        (Request("odometer"), "reading_m"),
    ],
)
def test_what_cannot_be_entered_says_why(config: Path, request_: Request, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        enter(config, None, request_)


def test_a_request_is_read_as_it_was_left(tmp_path: Path) -> None:
    made = Request("entry", entry="DriverSaved", data=ANA)
    path = leave(tmp_path, made)
    assert waiting(tmp_path) == [(path, made)]
    assert made.ref != Request("entry", entry="DriverSaved", data=ANA).ref


def test_a_request_of_an_earlier_version_is_still_one(tmp_path: Path) -> None:
    path = leave(tmp_path, Request("odometer", reading_m=5.0))
    path.write_text('{"kind":"odometer","reading_m":5.0}')
    ((_, request),) = waiting(tmp_path)
    assert request is not None
    assert (request.kind, request.reading_m) == ("odometer", 5.0)


def test_an_answer_is_read_once_by_whoever_left_the_request(tmp_path: Path) -> None:
    path, other = (leave(tmp_path, Request("odometer")) for _ in range(2))
    assert answered(path) is None
    answer(path, "failed", "not all of it is done")
    os.utime(path.with_suffix(".failed"), (0, 0))
    answer(other, "refused", "reading_m")
    assert [answered(other), answered(other)] == [("refused", "reading_m"), None]
    assert answered(path) is None, f"nobody came for it in {UNREAD_S} s"


@pytest.mark.parametrize(("trouble", "error"), [("refused", ConfigError), ("failed", EntryFailed)])
def test_what_a_running_daemon_did_not_do_is_told(
    config: Path, monkeypatch: pytest.MonkeyPatch, trouble: Trouble, error: type[Exception]
) -> None:
    state_dir = config.parent / "state"

    def daemon(wait_s: float) -> None:
        for path, _request in waiting(state_dir):
            answer(path, trouble, "there is no driver 'ana' here")
            path.unlink()

    monkeypatch.setattr("agent.io.clock.pause", daemon)
    with closing(Store(state_dir / "keyoff.db", "unit-1")), pytest.raises(error, match="there is no driver 'ana' here"):
        enter(config, None, Request("assign", trip_id="t1", driver="ana"))


def test_what_a_rule_fails_at_is_not_said_to_be_done(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(HouseholdRule, "event", broken)
    monkeypatch.setattr("sys.argv", ["keyoff", "drivers", "add", "ana", "--config", str(config)])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (SOFTWARE, "")
    assert said.err.startswith("keyoff: the unit failed at it, in household: not all of it is done")
