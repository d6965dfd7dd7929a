"""What rests on a consent that is taken back, and waits for the link, leaves no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.config import Owner
from agent.io.retention import Shed
from agent.io.store import Batch, EventRow, StoreError
from tests.sim.unit import Unit

FIT: dict[str, Any] = {
    "source": "a list",
    "catalogue_utc_ns": 1,
    "basis": {"first_day": "", "last_day": "", "days": 1, "days_driven": 1, "trips": 1, "distance_m": 1},
    "fits": [],
}


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    """October is over, Ana's and Ben's reports are made, and the link is down."""
    made = Unit(tmp_path, Owner(timezone="Europe/Berlin", tell_at="18:00", driver="ben")).boot("2026-10-30 18:00").clock()
    for id, keeper in (("ana", True), ("ben", False)):
        made.daemon.enter("DriverSaved", {"driver": {"id": id, "is_keeper": keeper, "consents": ["report", "fit"]}}, id)
    made.drive()
    return made.until("2026-11-01 10:00")


def says(unit: Unit, driver: str, purpose: str, granted: bool = False) -> None:
    data = {"driver": driver, "purpose": purpose, "granted": granted}
    unit.daemon.enter("ConsentChanged", data, f"{data}")


def waits(unit: Unit, kind: str = "ReportReady") -> list[Any]:
    return [e.get("driver") for e in unit.told(kind)]


def test_a_report_that_waits_is_forgotten_and_its_number_told(unit: Unit) -> None:
    assert waits(unit) == ["ana", "ben"]
    gone = [e["seq"] for kind in ("ReportReady", "PromptReleased") for e in unit.told(kind) if e["driver"] == "ben"]
    says(unit, "ben", "fit")
    says(unit, "ben", "report", granted=True)
    assert waits(unit) == ["ana", "ben"] and unit.told("SequenceVoided") == []
    says(unit, "ben", "report")
    assert waits(unit) == ["ana"]
    (voided,) = unit.told("SequenceVoided")
    assert (voided["why"], voided["epoch"], voided["ranges"]) == ("forgotten", unit.store.epoch, [[n, n] for n in gone])
    kept = unit.store.conn.execute("SELECT driver FROM reports ORDER BY driver").fetchall()
    assert [r["driver"] for r in kept] == ["ana", "ben"], "on the unit it is still to be looked at"
    unit.until("2026-11-05 10:00")
    assert waits(unit) == ["ana"], "and it is not made again"


def test_what_has_arrived_is_the_far_sides_to_forget(unit: Unit) -> None:
    unit.store.conn.execute("UPDATE events SET acked = 1 WHERE kind IN ('ReportReady', 'PromptReleased')")
    says(unit, "ben", "report")
    assert waits(unit) == ["ana", "ben"] and unit.told("SequenceVoided") == []


def test_a_disk_that_refuses_at_that_moment_delays_it(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as refusing:
        refusing.setattr(unit.store, "commit", refuse)
        with pytest.raises(StoreError):
            says(unit, "ben", "report")
    unit.daemon.commit()
    assert waits(unit) == ["ana"]


def test_a_full_disk_makes_room_and_it_goes_too(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    full, commit, store = [StoreError("no", "full")], unit.store.commit, unit.store
    first, gone = store.conn.execute("SELECT min(seq), max(seq) FILTER (WHERE kind = 'ReportReady') FROM events").fetchone()
    room = Shed(store.epoch, rows=(first,), counts={"given up": 1}, voided={store.epoch: [(first, first)]})
    monkeypatch.setattr(store, "room", lambda: room)
    monkeypatch.setattr(store, "commit", lambda *args: refuse() if full and full.pop() else commit(*args))
    says(unit, "ben", "report")
    assert not full and waits(unit) == ["ana"]
    assert {(e["why"], *e["ranges"][0]) for e in unit.told("SequenceVoided")} == {
        ("shed", first, first),
        ("forgotten", gone, gone),
    }


def test_a_store_that_becomes_another_in_that_very_commit_is_looked_at_anew(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, store = unit.store.commit, unit.store

    def mended(*args: Any) -> int:
        store.epoch = "another"
        return commit(*args)

    monkeypatch.setattr(store, "commit", mended)
    says(unit, "ben", "report")
    assert waits(unit) == ["ana"]
    assert [(e["why"], e["epoch"]) for e in unit.told("SequenceVoided")] == [("forgotten", "another")]


def test_what_a_salvage_carried_over_goes_by_the_number_that_it_bears(unit: Unit) -> None:
    unit.store.waiting(100, ())  # the bytes are frozen
    old, store = unit.store.epoch, unit.store
    gone = [e["seq"] for kind in ("ReportReady", "PromptReleased") for e in unit.told(kind) if e["driver"] == "ben"]
    store.conn.execute("UPDATE events SET seq = seq - 1000 WHERE envelope IS NOT NULL")
    store.epoch = "new"
    says(unit, "ben", "report")
    assert waits(unit) == ["ana"]
    assert [(e["epoch"], e["ranges"]) for e in unit.told("SequenceVoided")] == [(old, [[n, n] for n in gone])]


def test_the_message_that_brings_it_goes_with_it(unit: Unit) -> None:
    told = [e for e in unit.told("PromptReleased") if any(p.get("report") for p in e["parts"])]
    assert {e["driver"] for e in told} == {"ana", "ben"}
    says(unit, "ben", "report")
    left = [e for e in unit.told("PromptReleased") if any(p.get("report") for p in e["parts"])]
    assert {e["driver"] for e in left} == {"ana"}


def refuse(*_: object) -> int:
    raise StoreError("the disk is full", "full")


def test_a_match_of_the_whole_car_is_everybodys(unit: Unit) -> None:
    for n, data in enumerate((FIT | {"driver": "ana"}, FIT | {"driver": "ben"}, FIT)):
        unit.daemon.enter("FitShared", data, f"{n}")
    says(unit, "ben", "fit")
    assert waits(unit, "FitShared") == ["ana"]


# -- what is left of others' -------------------------------------------------------------------------


def keep(unit: Unit, kind: str, data: dict[str, Any]) -> int:
    """An event as it waits; its number."""
    row = EventRow(f"{kind} {data}", kind, 1, 2, False, 1, "boot-1", None, "none", msgspec.json.encode(data))
    unit.store.commit(Batch(events=[row]))
    return int(unit.store.conn.execute("SELECT max(seq) FROM events").fetchone()[0])


def kept(unit: Unit, seq: int) -> dict[str, Any] | None:
    row = unit.store.conn.execute("SELECT body FROM events WHERE seq = ?", (seq,)).fetchone()
    return row and msgspec.json.decode(row["body"], type=dict[str, Any])


def test_a_young_ones_figures_go_from_a_report_that_waits_and_it_keeps_its_number(tmp_path: Path) -> None:
    unit = Unit(tmp_path, Owner(timezone="Europe/Berlin", driver="kim")).boot("2026-10-30 18:00").clock()
    given = {"consents": ["report", "guardian"]}
    unit.daemon.enter("DriverSaved", {"driver": {"id": "kim", "of_age": "2030-01-01", **given}}, "k")
    unit.daemon.enter("DriverSaved", {"driver": {"id": "ana", "is_keeper": True, "guardian_with": ["kim"], **given}}, "a")
    unit.daemon.enter("ConsentChanged", {"driver": "kim", "purpose": "guardian", "granted": True, "whom": "ana"}, "g")
    unit.drive().until("2026-11-01 10:00")
    before = {e["driver"]: (e["seq"], e["body"]) for e in report_bodies(unit)}
    assert [ward["driver"] for ward in before["ana"][1]["wards"]] == ["kim"] and before["kim"][1]["seen_by"] == ["ana"]
    says(unit, "kim", "guardian")
    after = {e["driver"]: (e["seq"], e["body"]) for e in report_bodies(unit)}
    assert after["kim"] == before["kim"]
    assert after["ana"] == (before["ana"][0], {k: v for k, v in before["ana"][1].items() if k != "wards"})
    assert unit.told("SequenceVoided") == []
    assert b"wards" not in b"".join(each.payload for each in unit.store.waiting(100, ()))


def report_bodies(unit: Unit) -> list[dict[str, Any]]:
    rows = unit.store.conn.execute("SELECT seq, body FROM events WHERE kind = 'ReportReady' ORDER BY seq").fetchall()
    return [{"seq": row["seq"], **msgspec.json.decode(row["body"])} for row in rows]


MEAN = {"driver": "ana", "month": "2026-10", "body": {"driver": "ana", "others": {"people": 3, "mean": {"idle_share": 0.1}}}}


def test_what_was_handed_out_keeps_its_bytes(unit: Unit) -> None:
    sent = keep(unit, "ReportReady", MEAN)
    unit.store.waiting(100, ())
    waiting = keep(unit, "ReportReady", MEAN | {"month": "2026-11"})
    says(unit, "ben", "compare")
    assert kept(unit, sent) == MEAN
    assert kept(unit, waiting) == MEAN | {"month": "2026-11", "body": {"driver": "ana"}}
    assert unit.told("SequenceVoided") == []


def test_a_message_that_says_more_leaves_without_the_report(unit: Unit) -> None:
    parts = [{"prompt_id": "p", "report": "r", "text": "4,711 km"}, {"prompt_id": "q", "text": "due"}]
    mixed = keep(unit, "PromptReleased", {"driver": "ben", "parts": parts})
    other = keep(unit, "PromptReleased", {"driver": "ana", "parts": parts})
    says(unit, "ben", "report")
    assert kept(unit, mixed) == {"driver": "ben", "parts": parts[1:]}
    assert kept(unit, other) == {"driver": "ana", "parts": parts}


def test_an_appointment_leaves_without_the_facts(unit: Unit) -> None:
    chosen = {"bookable": "oil", "person": "ben", "facts": {"words": "It squeaks."}}
    theirs, other = keep(unit, "AppointmentChosen", chosen), keep(unit, "AppointmentChosen", chosen | {"person": "ana"})
    says(unit, "ben", "workshop")
    assert kept(unit, theirs) == {"bookable": "oil", "person": "ben"}
    assert kept(unit, other) == chosen | {"person": "ana"}


def test_a_report_that_cannot_be_read_goes_with_any_word(unit: Unit) -> None:
    seq = keep(unit, "ReportReady", {"driver": "ana"})
    message = keep(unit, "PromptReleased", {})
    says(unit, "ben", "compare")
    assert kept(unit, seq) is None and kept(unit, message) == {}
