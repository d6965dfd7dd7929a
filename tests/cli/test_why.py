"""keyoff why, and the prompts of status and replay: what holds each, until when, what it rests on, what was not said."""

from __future__ import annotations

import json
import sqlite3
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from agent.cli import status, why
from agent.cli.why import NOTHING_YET, View, explain, held_until, likely, text, today, today_text
from agent.config import Owner, Service
from agent.events.concern import Concern
from agent.events.message import HeldBy
from agent.habits import Habits
from agent.household import Driver, Household
from agent.localtime import DAY_NS
from agent.model import NS, Context, Wall
from agent.prompts.state import Prompt, PromptState, Said, Unsaid
from tests.cli.conftest import Keyoff
from tests.sim.unit import Unit

NOW_NS = 1_793_000_000 * NS  # 2026-10-26 08:33:20 in Berlin, a Monday
OWNER = Owner(timezone="Europe/Berlin", tell_at="18:30")
MINE = Household((Driver("ana", name="Ana", is_keeper=True),))
WALL = Wall(NOW_NS - 1000 * NS, "synchronised")  # the unit has been up for 1,000 s
DUE = Concern(
    id="c1",
    t_ns=900 * NS,
    boot_id="boot-1",
    subject="service oil change 90000000",
    kind="service",
    says="service_due",
    values={"item": "oil change", "by": "distance", "due_m": 9e7, "reading_m": 9.01e7, "about": False},
    rests_on=["e1", "e2"],
    bookable="oil change",
)


def view(*prompts: Prompt, told: dict[str, dict[str, Any]] | None = None, now_ns: int | None = NOW_NS, **state: Any) -> View:
    """What is known at NOW_NS, in the boot that raised DUE."""
    wall = WALL if now_ns is not None else None
    ctx = Context(1000 * NS, wall, "unit-1", "boot-1", None, MINE, Habits())
    made = PromptState(prompts=prompts, wall=WALL, **state)
    return View(made, ctx, OWNER, now_ns, {"e1": ("ServiceDue", NOW_NS)}, told or {})


def held(*by: HeldBy, **fields: Any) -> Prompt:
    return Prompt("3f2a91c0" + "0" * 24, DUE, "ana", held_by=by, **fields)


def row(prompt: Prompt, **fields: Any) -> dict[str, dict[str, Any]]:
    """Its row in the store."""
    names = (
        "title",
        "delivered_utc_ns",
        "not_before_utc_ns",
        "not_after_utc_ns",
        "released_utc_ns",
        "released_ns",
        "ended_utc_ns",
    )
    plain: dict[str, Any] = dict.fromkeys(names) | {"topic": prompt.concern.subject, "driver": prompt.driver, "state": "held"}
    return {prompt.id: plain | {"id": prompt.id} | fields}


# -- one prompt ------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", typing.get_args(HeldBy))
def test_each_reason_says_until_when_and_fits_on_a_terminal(by: HeldBy) -> None:
    seen = view(held("the ignition is on", by, until_utc_ns=NOW_NS + DAY_NS if by == "snoozed" else None))
    assert held_until(seen, seen.state.prompts[0])[1]
    shown = text(explain(seen, seen.state.prompts[0]), seen.zone)
    assert f"held by     {by}" in " ".join(shown.split("\n")) or f"held by     {by[:30]}" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_it_says_what_for_whom_since_when_and_what_it_rests_on() -> None:
    shown = text(explain(seen := view(held("quiet hours")), seen.state.prompts[0]), seen.zone)
    assert shown.splitlines()[0] == "3f2a91c0  Due: oil change"
    for line in (
        "about       service oil change 90000000 (service)",
        "for         Ana",
        "raised      2026-10-26 08:31",
        "state       held",
        "held by     quiet hours: until their moment",
        "likely told not before 2026-10-26 18:30, were the car parked from now on",
        "rests on    ServiceDue 2026-10-26 08:33; e2",
    ):
        assert f"  {line}" in shown, shown


def test_ten_minutes_end_at_a_time() -> None:
    seen = view(held("the ignition came on less than ten minutes ago"), on_ns=800 * NS)
    assert held_until(seen, seen.state.prompts[0])[0] == WALL.utc_ns(1400 * NS)


def test_a_snooze_is_told_whatever_else_holds_it() -> None:
    for prompt in (held("the ignition is on", snoozed_days=3), held("snoozed", until_utc_ns=NOW_NS + 3 * DAY_NS)):
        seen = view(prompt)
        shown = text(explain(seen, prompt), seen.zone)
        assert "put off     until 2026-10-29 08:33" in shown
        assert "likely told not before 2026-10-29 18:30" in shown
    assert "held by     snoozed: until 2026-10-29 08:33" in shown


def test_the_caps_are_reckoned_as_the_rule_does() -> None:
    said = (Said("ana", NOW_NS - DAY_NS), Said("ana", NOW_NS - 2 * DAY_NS), Said("ben", NOW_NS))
    found = likely(seen := view(held("two a week are enough"), said=said), seen.state.prompts[0])
    assert found is not None
    assert found["waits"][:2] == ["until the stated time", "two a week are enough"]
    assert found["from_utc_ns"] >= NOW_NS - 2 * DAY_NS + 7 * DAY_NS


def test_without_a_clock_no_moment_is_made_up() -> None:
    seen = view(held("no clock to be trusted"), now_ns=None)
    told = explain(seen, seen.state.prompts[0])
    assert told["likely"] is None and told["raised_utc_ns"] is None
    assert "raised      at an unknown time" in text(told, seen.zone)


def test_what_left_and_what_is_over_say_so() -> None:
    window = (NOW_NS, NOW_NS + 3 * 3600 * NS)
    out = text(explain(seen := view(held(phase="released", revision=1, window_utc_ns=window)), seen.state.prompts[0]), seen.zone)
    assert "released; to be shown from 2026-10-26 08:33" in out
    for how, words in (("done", "answered: done"), ("superseded", "over: superseded")):
        over = explain(seen := view(held("quiet hours", phase="over", how=how)), seen.state.prompts[0])
        assert f"state       {words}" in text(over, seen.zone) and "was held by quiet hours" in text(over, seen.zone)


def test_a_text_that_lacks_a_value_is_named_by_its_subject() -> None:
    bare = msgspec.structs.replace(held("quiet hours"), concern=msgspec.structs.replace(DUE, values={}))
    assert explain(view(bare), bare)["title"] == DUE.subject


# -- today -----------------------------------------------------------------------------------------


def test_today_tells_what_was_said_is_held_and_was_not_said() -> None:
    shown = held(phase="delivered", revision=1, window_utc_ns=(NOW_NS, NOW_NS + NS))
    waits = msgspec.structs.replace(held("one a day is enough"), id="aa" * 16)
    gone = msgspec.structs.replace(held(phase="over", how="superseded"), id="bb" * 16)
    rows = row(shown, state="delivered", title="Due: oil change", released_ns=1, delivered_utc_ns=NOW_NS)
    rows |= row(gone, state="expired", ended_utc_ns=NOW_NS)
    unsaid = (Unsaid(NOW_NS, "battery", "ana", "they want no prompts of this kind"), Unsaid(NOW_NS - DAY_NS, "old", "ana", "x"))
    found = today(view(shown, waits, gone, told=rows, unsaid=unsaid))
    assert (found["day"], [s["title"] for s in found["said"]]) == ("2026-10-26", ["Due: oil change"])
    assert [t["id"] for t in found["held"]] == ["aa" * 16]
    assert [u["about"] for u in found["not_said"]] == ["battery"], "not yesterday's"
    out = today_text(found, "Europe/Berlin")
    assert "Due: oil change, to Ana: shown 2026-10-26 08:33" in out
    assert "one a day is enough" in out
    assert "battery, for Ana: they want no prompts of this kind" in out
    assert "a newer word about the same took its place" in " ".join(out.split())
    assert all(len(line) <= 80 for line in out.splitlines())
    json.dumps(found)


def test_a_day_without_a_word_says_so() -> None:
    assert today_text(today(view()), "UTC").count("Nothing.") == 3


# -- from the store --------------------------------------------------------------------------------


@pytest.fixture
def due(tmp_path: Path, config_file: Path) -> Path:
    """A unit whose brake fluid came near in a drive that is just over; returns its keyoff.toml."""
    (tmp_path / "state").mkdir()
    item = Service("brake fluid", every_months=24, last_day="2024-12-20")
    unit = Unit(tmp_path / "state", Owner(timezone="Europe/Berlin"), (item,)).boot("2026-11-22 08:00").clock()
    unit.drive()
    unit.off()
    config_file.write_text(
        config_file.read_text() + '[[service]]\nitem = "brake fluid"\nevery_months = 24\nlast_day = "2024-12-20"\n'
    )
    return config_file


def run(command: Any, *words: str) -> Result:
    return CliRunner().invoke(command, list(words))


def test_why_reads_the_store_and_changes_nothing(due: Path, tmp_path: Path) -> None:
    before = (tmp_path / "state" / "keyoff.db").read_bytes()
    out = " ".join(run(why.command, "--config", str(due)).output.split())
    assert "brake fluid" in out and "the ignition came on less than ten minutes ago: until 2026-11-22 08:10" in out
    told = json.loads(run(why.command, "--config", str(due), "--json").output)
    assert [(t["kind"], t["state"], t["held_by"][-1]) for t in told] == [
        ("service", "held", "the ignition came on less than ten minutes ago")
    ]
    assert told[0]["rests_on"][0]["kind"] == "ServiceDue"
    assert run(why.command, told[0]["id"][:6], "--config", str(due)).output.startswith(told[0]["id"][:8])
    assert (tmp_path / "state" / "keyoff.db").read_bytes() == before


def test_a_prompt_that_is_not_there(due: Path) -> None:
    wrong = run(why.command, "zz", "--config", str(due))
    assert wrong.exit_code == 2
    assert "no prompts begin with 'zz'" in wrong.output


def test_status_tells_of_them(due: Path) -> None:
    out = " ".join(run(status.command, "--config", str(due)).output.split())
    assert "held: the ignition came on less than ten minutes ago" in out
    assert json.loads(run(status.command, "--config", str(due), "--json").output)["prompts"][0]["state"] == "held"


def test_status_shows_all_that_are_under_way_and_few_that_are_over(due: Path, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "state" / "keyoff.db") as conn:
        for n in range(6):
            state = ("done", "wrong", "expired", "acknowledged", "snoozed", "delivered")[n]
            put = "INSERT INTO prompts (id, topic, state, raised_ns, ended_utc_ns) VALUES (?, ?, ?, ?, ?)"
            conn.execute(put, (f"id{n}", state, state, n, NOW_NS + 9 * DAY_NS + n))
    found = json.loads(run(status.command, "--config", str(due), "--json").output)["prompts"]
    assert sorted(p["state"] for p in found) == ["acknowledged", "delivered", "expired", "held", "snoozed", "wrong"]


def test_with_no_prompt_at_all_it_says_what_would_make_one(keyoff: Keyoff, drive_csv: Path, tmp_path: Path) -> None:
    store = tmp_path / "kept.db"
    assert keyoff("replay", drive_csv, "--vehicle", "obd2", "--store", store).returncode == 0
    done = keyoff("why", "--store", store)
    assert (done.returncode, done.stdout.split("\n\nrecalls: ")[0]) == (0, NOTHING_YET)
    assert json.loads(keyoff("why", "--store", store, "--json").stdout) == []


def test_a_replay_shows_what_it_would_say(keyoff: Keyoff, drive_csv: Path, due: Path, tmp_path: Path) -> None:
    late = due.read_text().replace("2024-12-20", "2018-09-20")
    due.write_text(late)
    done = keyoff("replay", drive_csv, "--vehicle", "obd2", "--config", due, "--store", tmp_path / "other.db")
    assert done.returncode == 0, done.stderr
    assert "held: waiting for appointments" in done.stdout
