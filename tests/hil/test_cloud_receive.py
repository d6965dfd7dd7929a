"""The reference receiver: what is missing is named, what was given up is not missing, and its file is all it needs."""

from __future__ import annotations

import json
import sqlite3
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from agent.config import UplinkConfig
from agent.events.sequence import SequenceVoided
from agent.io.envelope import make_envelope
from agent.io.identity import Identity
from agent.records import event_row
from hil.ca import Authority
from hil.cloud.__main__ import main
from hil.cloud.receive import Range, Receiver, epochs, gaps, merged
from hil.cloud.show import reports

UNIT = "sim-1"

ranges = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair))), max_size=12)


@given(ranges)
def test_gaps_are_the_numbers_from_one_that_lie_in_no_range(some: list[Range]) -> None:
    covered = {n for first, last in some for n in range(first, last + 1)}
    missing = {n for first, last in gaps(some) for n in range(first, last + 1)}
    assert missing == set(range(1, max(covered, default=0))) - covered


@given(ranges)
def test_merged_ranges_hold_the_same_numbers_apart_and_in_order(some: list[Range]) -> None:
    out = merged(some)
    assert [n for first, last in out for n in range(first, last + 1)] == sorted(
        {n for first, last in some for n in range(first, last + 1)}
    )
    assert all(later[0] > earlier[1] + 1 for earlier, later in pairwise(out))


class Sender:
    """A unit's identity, and a receiver that it tells things."""

    def __init__(self, folder: Path, file: str | Path = ":memory:") -> None:
        self.folder = folder
        Authority(folder).client(UNIT)
        config = UplinkConfig(host="localhost", ca="ca.pem", certificate=f"{UNIT}.pem", key=f"{UNIT}.key")
        self.identity = Identity.load(config, folder, UNIT, None)
        self.receiver = Receiver(folder / "ca.pem", file)

    def birth(self) -> list[dict[str, Any]]:
        payload = json.dumps({"unit": UNIT, "x5c": self.identity.x5c}).encode()
        return self.receiver.take(f"keyoff/{UNIT}/birth", payload, self.identity.sign(payload))

    def event(
        self, seq: int, epoch: str = "e", id: str | None = None, kind: str = "TripEnded", data: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        payload = make_envelope(
            unit=UNIT, id=id or f"{epoch}-{seq}", kind=kind, version=1, t_ns=1, boot_id="b", utc_ns=None, clock="none",
            epoch=epoch, seq=seq, data=data or {},
        )  # fmt: skip
        return self.receiver.take(f"keyoff/{UNIT}/event/{kind}", payload, self.identity.sign(payload))

    def voided(self, seq: int, epoch: str, given_up: list[tuple[int, int]]) -> list[dict[str, Any]]:
        """As a unit sends it: through its own record."""
        record = SequenceVoided(id=f"v-{seq}", t_ns=1, boot_id="b", epoch=epoch, ranges=given_up, why="shed")
        return self.event(seq, "e", record.id, "SequenceVoided", json.loads(event_row(record, None, "b").body))


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    sender = Sender(tmp_path / "ca")
    sender.birth()
    return sender


def test_what_is_missing_is_named_and_comes_late_without_harm(sender: Sender) -> None:
    for seq in (2, 3, 7, 8, 12):
        sender.event(seq)
    (epoch,) = epochs(sender.receiver.db, UNIT)
    assert (epoch.name, epoch.here, epoch.missing) == ("e", [(2, 3), (7, 8), (12, 12)], [(1, 1), (4, 6), (9, 11)])
    assert reports(sender.receiver.db)[0].missing == 7
    for seq in (1, 4, 5, 6, 9, 10, 11, 5):
        sender.event(seq)
    (report,) = reports(sender.receiver.db)
    assert report.complete
    assert (report.events, report.received, report.duplicates, report.bad) == (12, 13, 1, 0)


def test_what_was_given_up_is_not_missing(sender: Sender) -> None:
    for seq in (1, 2, 6):
        sender.event(seq)
    sender.voided(7, "e", [(3, 3), (5, 5)])
    (epoch,) = epochs(sender.receiver.db, UNIT)
    assert (epoch.voided, epoch.missing) == ([(3, 3), (5, 5)], [(4, 4)])
    sender.voided(8, "e", [(4, 4)])
    assert reports(sender.receiver.db)[0].complete


def test_each_epoch_counts_for_itself_and_a_later_one_may_give_up_an_earlier_ones(sender: Sender) -> None:
    sender.event(1, "old")
    sender.event(3, "old")
    sender.event(1, "e")
    assert [(each.name, each.missing) for each in epochs(sender.receiver.db, UNIT)] == [("old", [(2, 2)]), ("e", [])]
    sender.voided(2, "old", [(2, 2), (4, 9)])
    assert all(not each.missing for each in epochs(sender.receiver.db, UNIT))


@pytest.mark.parametrize(
    "data",
    [{}, {"epoch": "e"}, {"epoch": "e", "ranges": [[1]]}, {"epoch": "e", "ranges": [["a", "b"]]}, {"epoch": "e", "ranges": 7}],
)
def test_a_voiding_that_is_none_is_not_believed(sender: Sender, data: dict[str, Any]) -> None:
    assert sender.event(1, kind="SequenceVoided", data=data) == []
    (report,) = reports(sender.receiver.db)
    assert (report.bad, report.events, report.epochs) == (1, 0, [])


def test_a_number_that_two_events_claim_is_told(sender: Sender) -> None:
    sender.event(1)
    sender.event(1, id="another")
    (report,) = reports(sender.receiver.db)
    assert report.epochs[0].reused == 1
    assert not report.complete


def test_the_same_id_with_other_content_is_a_duplicate_and_not_believed(sender: Sender) -> None:
    sender.event(1)
    assert sender.event(1, data={"distance_m": 1.0}) == []
    (report,) = reports(sender.receiver.db)
    assert (report.events, report.duplicates, report.bad) == (1, 1, 1)


def test_a_fact_told_anew_under_another_number_leaves_no_hole(sender: Sender) -> None:
    """By a unit whose database was restored: what was sent already goes out again, in the new epoch."""
    sender.event(1, "old", "trip")
    for _ in range(2):
        sender.event(1, id="trip")
    sender.event(2)
    (report,) = reports(sender.receiver.db)
    assert [(each.name, each.here, each.reused) for each in report.epochs] == [("old", [(1, 1)], 0), ("e", [(1, 2)], 0)]
    assert report.complete
    sender.event(1, id="another")
    assert reports(sender.receiver.db)[0].epochs[1].reused == 1


@pytest.mark.parametrize(
    "change", [{"seq": True}, {"seq": -1}, {"seq": 2**31}, {"seq": 10**30}, {"id": None}, {"data": []}, {"epoch": 1}]
)
def test_an_event_that_is_none_is_not_believed(sender: Sender, change: dict[str, Any]) -> None:
    envelope = json.loads(make_envelope(
        unit=UNIT, id="x", kind="TripEnded", version=1, t_ns=1, boot_id="b", utc_ns=None, clock="none", epoch="e", seq=1, data={},
    ))  # fmt: skip
    payload = json.dumps(envelope | change).encode()
    assert sender.receiver.take(f"keyoff/{UNIT}/event/TripEnded", payload, sender.identity.sign(payload)) == []
    assert reports(sender.receiver.db)[0].bad == 1


@pytest.mark.parametrize("payload", [b"[" * 100_000, b"\xff", b"", b"\0.\0.\0"])
def test_rubbish_is_counted_whoever_sends_it(sender: Sender, payload: bytes) -> None:
    for topic in (f"keyoff/{UNIT}/event/TripEnded", f"keyoff/{UNIT}/birth"):
        for jws in (None, "", "a.b.c", sender.identity.sign(payload), f"{payload.decode('latin-1')}..x"):
            assert sender.receiver.take(topic, payload, jws) == []
    assert reports(sender.receiver.db)[0].bad == 10


def test_the_reasons_kept_are_bounded(sender: Sender) -> None:
    for _ in range(1_100):
        sender.receiver.refuse(UNIT, "topic", "why")
    assert sender.receiver.db.execute("SELECT count(*), max(n) FROM refused").fetchone() == (1_000, 1_100)


def test_nothing_is_kept_before_the_commit_and_all_of_it_after(tmp_path: Path) -> None:
    file = tmp_path / "cloud.db"
    sender = Sender(tmp_path / "ca", file)
    sender.birth()
    sender.event(1)
    sender.receiver.commit()
    sender.event(2)
    sender.receiver.db.close()  # killed
    again = Sender(tmp_path / "ca", file)
    assert reports(again.receiver.db)[0].events == 1
    assert len(again.event(2)) == 1  # known without another birth
    assert len(again.event(1)) == 0


def test_what_waits_for_its_birth_survives_too(tmp_path: Path) -> None:
    file = tmp_path / "cloud.db"
    sender = Sender(tmp_path / "ca", file)
    assert sender.event(1) == []
    sender.receiver.commit()
    sender.receiver.db.close()
    again = Sender(tmp_path / "ca", file)
    assert again.event(2) == []
    assert reports(again.receiver.db)[0].waiting == 2
    assert [event["seq"] for event in again.birth()] == [1, 2]
    (report,) = reports(again.receiver.db)
    assert (report.received, report.waiting, report.events) == (2, 0, 2)


def test_one_units_birth_lets_no_others_events_in(tmp_path: Path) -> None:
    sender = Sender(tmp_path / "ca")
    sender.receiver.take("keyoff/sim-2/event/TripEnded", b"{}", sender.identity.sign(b"{}"))
    assert sender.birth() == []
    assert [(each.unit, each.waiting) for each in reports(sender.receiver.db)] == [(UNIT, 0), ("sim-2", 1)]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    file = tmp_path / "cloud.db"
    sender = Sender(tmp_path / "ca", file)
    sender.birth()
    for seq in (1, 2, 4):
        sender.event(seq)
    sender.event(5, kind="MilestoneReached")
    sender.event(5, kind="MilestoneReached")
    sender.receiver.take(f"keyoff/{UNIT}/event/TripEnded", b"{}", "a.b.c")
    sender.receiver.commit()
    return file


def shown(*words: str) -> str:
    result = CliRunner().invoke(main, ["show", *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_show_says_what_is_here_and_what_is_not(kept: Path) -> None:
    lines = [line.split() for line in shown(str(kept)).splitlines()]
    assert [UNIT, "4", "NO", "1", "1", "1", "0", "0"] in lines
    assert [UNIT, "e", "1–2,", "4–5", "–", "3", "–"] in lines
    assert [UNIT, "keyoff.TripEnded.v1", "3"] in lines
    assert f"not believed: keyoff/{UNIT}/event/TripEnded:" in shown(str(kept))


def test_show_for_programs(kept: Path) -> None:
    (unit,) = json.loads(shown(str(kept), "--json"))
    assert (unit["unit"], unit["complete"], unit["epochs"][0]["missing"]) == (UNIT, False, [[3, 3]])
    assert unit["kinds"] == {"keyoff.MilestoneReached.v1": 1, "keyoff.TripEnded.v1": 3}


def test_show_of_what_is_no_receivers_file(tmp_path: Path) -> None:
    for name, fill in (
        ("text", lambda p: p.write_text("x" * 1000)),
        ("other", lambda p: sqlite3.connect(p).execute("CREATE TABLE t (a)")),
    ):
        fill(tmp_path / name)
        result = CliRunner().invoke(main, ["show", str(tmp_path / name)])
        assert result.exit_code == 1
        assert "is no receiver's file" in result.output
    assert CliRunner().invoke(main, ["show", str(tmp_path / "none")]).exit_code == 2


def test_show_before_anything_was_heard(tmp_path: Path) -> None:
    sender = Sender(tmp_path / "ca", tmp_path / "cloud.db")
    sender.receiver.commit()
    assert shown(str(tmp_path / "cloud.db")) == "nothing was heard of any unit\n"


def test_listening_needs_its_certificates() -> None:
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 2
    assert "--ca, --cert and --key are needed" in result.output
