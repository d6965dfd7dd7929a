"""The age of the latest word about recalls stands wherever a person looks for them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from agent.cli.catalogues import CLOSING, NONE_YET, counted, lines
from agent.events.notice import Known, NoticeState
from agent.io.database import connect
from agent.localtime import DAY_NS
from agent.notices import Match, Notice, NoticeBook
from tests.cli.conftest import Keyoff

MADE_NS = 1_700_000_000_000_000_000  # 2023-11-14


def book(state: NoticeState) -> NoticeBook:
    """As it is kept."""
    return msgspec.json.decode(msgspec.json.encode(state), type=NoticeBook)


def test_none_is_not_no_recalls() -> None:
    assert lines({}, "UTC", MADE_NS) == [NONE_YET]
    assert book(NoticeState()).by_source() == {}


def test_each_source_has_its_age_and_the_newest_stands_first() -> None:
    found = book(NoticeState(catalogues={"an authority": MADE_NS, "the maker": MADE_NS + 3 * DAY_NS})).by_source()
    assert lines(found, "UTC", MADE_NS + 4 * DAY_NS) == [
        "catalogue of the maker, made 2023-11-17, 1 day old",
        "catalogue of an authority, made 2023-11-14, 4 days old",
        CLOSING,
    ]
    assert lines({"the maker": MADE_NS}, "UTC", None)[0] == "catalogue of the maker, made 2023-11-14", "no clock, no age"


def test_a_state_of_before_knows_the_newest_alone() -> None:
    assert book(NoticeState(catalogue_utc_ns=MADE_NS)).by_source() == {"": MADE_NS}


def test_what_is_remedied_or_taken_back_is_not_open() -> None:
    notice = Notice("1", "recall", "t", "2026-01-01", Match())
    known = {
        "1": Known(notice, "s", "applies"),
        "2": Known(notice, "s"),
        "3": Known(notice, "s", "applies", progress="remedied"),
        "4": Known(notice, "s", "applies", is_out=True),
        "5": Known(notice, "s", "does not"),
    }
    assert list(book(NoticeState(known)).open()) == ["1", "2"]
    assert counted(book(NoticeState(known))) == {"applies": 1, "cannot tell": 1}


@pytest.mark.parametrize("words", [["status"], ["why"], ["why", "today"]])
def test_it_is_shown(keyoff: Keyoff, drive_csv: Path, config_file: Path, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "state").mkdir()
    store = tmp_path / "state" / "keyoff.db"
    assert keyoff("replay", drive_csv, "--vehicle", "obd2", "--config", config_file, "--store", store).returncode == 0
    assert "no catalogue of recalls has come" in keyoff(*words, "--config", config_file).stdout
    state = msgspec.json.encode(NoticeState(catalogue_utc_ns=MADE_NS, catalogues={"the maker": MADE_NS}))
    with connect(store) as conn:
        conn.execute("UPDATE states SET body = ? WHERE name = 'notice'", (state,))
    shown = " ".join(keyoff(*words, "--config", config_file).stdout.split())
    assert "catalogue of the maker, made 2023-11-14" in shown and CLOSING in shown
