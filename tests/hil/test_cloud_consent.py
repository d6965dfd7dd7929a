"""A consent taken back empties what rests on it: not shown, not served, not on the disk; completeness is still proved."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hil.cloud import Cloud
from hil.cloud.__main__ import main
from hil.cloud.consent import emptied_sha256, sha256
from hil.cloud.show import reports
from tests.hil.test_cloud_receive import UNIT, Sender

REPORT = {"driver": "ana", "month": "2026-10", "person": "ana", "body": {"secret": "4,711 km at night"}}


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    sender = Sender(tmp_path / "ca", tmp_path / "cloud.db")
    sender.birth()
    return sender


def word(
    sender: Sender, seq: int, purpose: str = "report", driver: str = "ana", granted: bool = False, epoch: str = "e", **more: str
) -> None:
    data = {"driver": driver, "purpose": purpose, "granted": granted, **more}
    sender.event(seq, epoch, kind="ConsentChanged", data=data)


def data(sender: Sender, id: str = "e-1") -> dict[str, Any]:
    (body,) = sender.receiver.db.execute("SELECT body FROM events WHERE id = ?", (id,)).fetchone()
    found: dict[str, Any] = json.loads(body)["data"]
    return found


@pytest.mark.parametrize("is_in_file", [True, False], ids=["in the file", "in its log"])
def test_the_report_is_gone_from_the_disk_and_its_place_is_kept(sender: Sender, tmp_path: Path, *, is_in_file: bool) -> None:
    sender.event(1, kind="ReportReady", data=REPORT | {"household": "x" * 9000})  # over several pages of the file
    sender.receiver.commit()
    if is_in_file:
        sender.receiver.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = sender.receiver.db.execute("SELECT id, type, epoch, seq, jws FROM events").fetchall()
    (body,) = sender.receiver.db.execute("SELECT body FROM events").fetchone()
    word(sender, 2)
    sender.receiver.commit()
    assert data(sender) == {"driver": "ana", "month": "2026-10"}
    assert sender.receiver.db.execute("SELECT id, type, epoch, seq, jws FROM events WHERE id = 'e-1'").fetchall() == before
    assert emptied_sha256(sender.receiver.db, UNIT, "e-1") == sha256(body)
    assert not [path for path in tmp_path.glob("cloud.db*") if b"4,711 km" in path.read_bytes()]
    (report,) = reports(sender.receiver.db)
    assert report.complete and (report.events, report.emptied) == (2, 1)
    assert "emptied" in CliRunner().invoke(main, ["show", str(tmp_path / "cloud.db")]).output


def test_a_repeat_brings_nothing_back_and_is_no_other_event(sender: Sender) -> None:
    sender.event(1, kind="ReportReady", data=REPORT)
    word(sender, 2)
    assert sender.event(1, kind="ReportReady", data=REPORT) == []
    assert "body" not in data(sender)
    (report,) = reports(sender.receiver.db)
    assert (report.duplicates, report.bad) == (1, 0)
    sender.event(1, kind="ReportReady", data=REPORT | {"month": "2026-11"})
    assert reports(sender.receiver.db)[0].bad == 1


def test_what_comes_after_the_word_and_was_said_before_it_is_empty_at_once(sender: Sender) -> None:
    word(sender, 2)
    ((event),) = sender.event(1, kind="ReportReady", data=REPORT)
    assert event["data"] == data(sender) == {"driver": "ana", "month": "2026-10"}


def test_only_what_rests_on_it_goes(sender: Sender) -> None:
    sender.event(1, kind="ReportReady", data=REPORT)
    sender.event(2, kind="ReportReady", data=REPORT | {"driver": "ben"})
    word(sender, 3, "compare")
    word(sender, 4, granted=True)
    word(sender, 5, driver="ben")
    sender.event(6, kind="ReportReady", data=REPORT | {"driver": "ben"})  # they granted it again
    assert [("body" in data(sender, f"e-{n}")) for n in (1, 2, 6)] == [True, False, True]


CHOSEN = {
    "bookable": "oil",
    "person": "ana-at-home",
    "prompt_id": "p1",
    "slot": {"id": "s"},
    "facts": {"words": "It squeaks."},
}


def test_each_purpose_has_its_own(sender: Sender) -> None:
    sender.event(1, kind="AppointmentChosen", data=CHOSEN)
    sender.event(2, kind="FitShared", data={"driver": "ana", "source": "s", "fits": [{"id": "leaf"}]})
    word(sender, 3)
    assert "facts" in data(sender) and "fits" in data(sender, "e-2")
    word(sender, 4, "workshop")
    word(sender, 5, "fit")
    assert data(sender) == {name: value for name, value in CHOSEN.items() if name != "facts"}
    assert data(sender, "e-2") == {"driver": "ana", "source": "s"}


def test_a_match_of_the_whole_car_is_everybodys(sender: Sender) -> None:
    sender.event(1, kind="FitShared", data={"source": "s", "fits": [{"id": "leaf"}]})
    word(sender, 2, "fit", driver="ben")
    assert data(sender) == {"source": "s"}


def test_a_message_keeps_what_it_says_of_other_things(sender: Sender) -> None:
    parts = [
        {"prompt_id": "p", "report": "r", "title": "October", "text": "4,711 km"},
        {"prompt_id": "q", "title": "Oil", "text": "due"},
    ]
    sender.event(1, kind="PromptReleased", data={"driver": "ana", "parts": parts})
    sender.event(2, kind="PromptReleased", data={"driver": "ana", "parts": parts[1:]})
    word(sender, 3)
    assert data(sender)["parts"] == [parts[0] | {"title": "", "text": ""}, parts[1]]
    assert emptied_sha256(sender.receiver.db, UNIT, "e-2") is None


def test_epochs_are_in_the_order_in_which_they_came(sender: Sender) -> None:
    sender.event(7, "old", kind="ReportReady", data=REPORT)
    word(sender, 1, epoch="new")
    sender.event(2, "new", kind="ReportReady", data=REPORT)
    assert ("body" in data(sender, "old-7"), "body" in data(sender, "new-2")) == (False, True)


def test_what_is_of_an_epoch_heard_of_too_late_is_taken_for_older(sender: Sender) -> None:
    word(sender, 1, epoch="new")
    sender.event(7, "old", kind="ReportReady", data=REPORT)
    sender.event(8, "old", kind="ReportReady", data=REPORT | {"driver": "ben"})
    assert ("body" in data(sender, "old-7"), "body" in data(sender, "old-8")) == (False, True)


def test_unless_they_agreed_again(sender: Sender) -> None:
    word(sender, 1, epoch="one")
    word(sender, 1, epoch="two", granted=True)
    sender.event(2, "two", kind="ReportReady", data=REPORT)
    assert "body" in data(sender, "two-2")
    word(sender, 2, epoch="one", granted=True)
    word(sender, 3, epoch="one")
    assert "body" in data(sender, "two-2"), "they did, in a later epoch"


def test_a_person_s_facts_stay_when_somebody_else_takes_theirs_back(sender: Sender) -> None:
    sender.event(1, kind="AppointmentChosen", data=CHOSEN)
    word(sender, 2, "workshop", driver="ben", person="ben")
    assert "facts" in data(sender)
    word(sender, 3, "workshop", driver="a", person="ana-at-home")
    assert "facts" not in data(sender)


MEAN = {"people": 3, "mean": {"idle_share": 0.1}}
WARDS = [{"driver": "kim", "now": {}}, {"driver": "lu", "now": {}}]
SHOWN = {"driver": "ana", "month": "2026-10", "body": {"driver": "ana", "month": "2026-10", "others": MEAN, "wards": WARDS}}


@pytest.mark.parametrize("is_late", [False, True], ids=["here", "late"])
def test_what_others_agreed_to_show_goes_from_a_report_part_by_part(sender: Sender, *, is_late: bool) -> None:
    def said(seq: int, *about: str, **more: str) -> dict[str, Any]:
        word(sender, seq, *about, **more)  # type: ignore[arg-type]
        sender.event(1, kind="ReportReady", data=SHOWN)  # if it is here, a repeat
        found: dict[str, Any] = data(sender)["body"]
        return found

    if not is_late:
        sender.event(1, kind="ReportReady", data=SHOWN)
        assert said(2, "compare", "ana") == SHOWN["body"], "it is not of their own word"
        assert said(3, "guardian", "kim", whom="ben") == SHOWN["body"]
        assert said(4, "guardian", "kim", whom="ana") == {"driver": "ana", "month": "2026-10", "others": MEAN, "wards": WARDS[1:]}
    else:
        word(sender, 4, "guardian", "kim")
    assert said(5, "compare", "ben") == {"driver": "ana", "month": "2026-10", "wards": WARDS[1:]}
    (report,) = reports(sender.receiver.db)
    assert (report.emptied, report.bad) == (1, 0)


def test_a_word_that_is_none_empties_nothing_and_is_kept(sender: Sender) -> None:
    sender.event(1, kind="ReportReady", data=REPORT)
    for seq, wrong in enumerate(({}, {"purpose": ["report"], "granted": False}, {"purpose": "report", "granted": 0}), 2):
        sender.event(seq, kind="ConsentChanged", data=wrong)
    assert "body" in data(sender)
    assert reports(sender.receiver.db)[0].bad == 0


def test_a_cloud_does_not_serve_it_either_nor_after_a_restart(tmp_path: Path, sender: Sender) -> None:
    def cloud() -> Cloud:
        pair = sender.folder / f"{UNIT}.pem", sender.folder / f"{UNIT}.key"
        return Cloud("localhost", 1, sender.folder / "ca.pem", *pair, file=tmp_path / "cloud.db")

    sender.receiver.commit()
    first = cloud()
    sender.receiver = first.receiver
    heard: list[dict[str, Any]] = []
    first.on_event = heard.append
    first._fresh += sender.event(1, kind="ReportReady", data=REPORT)
    first._commit()
    assert "body" in first.events[0]["data"]
    held = first.events
    first._fresh += sender.event(2, kind="ConsentChanged", data={"driver": "ana", "purpose": "report", "granted": False})
    first._commit()
    assert "body" not in held[0]["data"] and len(heard) == 2
    assert [each["data"] for each in cloud().events] == [each["data"] for each in held]


def test_a_file_of_an_earlier_receiver_is_shown_as_it_is(tmp_path: Path, sender: Sender) -> None:
    sender.event(1)
    sender.receiver.db.execute("DROP TABLE emptied")
    sender.receiver.commit()
    with sqlite3.connect(tmp_path / "cloud.db") as db:
        assert reports(db)[0].emptied == 0
