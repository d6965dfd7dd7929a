"""inbox: the same after any end, and what it says to units is said until they have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.localtime import DAY_NS
from hil.cloud.inbox.links import ToAnswer
from tests.hil.inbox.cars import ANA, EVENING_NS, Car, bookable, day, part
from tests.hil.inbox.scene import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_restart_at_any_point_changes_nothing(tmp_path: Path) -> None:
    car, golf = Car(), Car("golf")
    story = [
        car.releases(part("p1")),
        car.starts("t1", EVENING_NS - 1),
        golf.releases(part("p2"), to_ns=day(3)),
        car.parks("t1", EVENING_NS + 1),
        car.hears("p1", "snoozed"),
        car.releases(part("p1", 1), from_ns=day(7), to_ns=day(8)),
        golf.withdraws("p2", "done"),
    ]
    ends = []
    for restarts in (False, True):
        folder = tmp_path / str(restarts)
        folder.mkdir()
        scene = Scene(folder)
        for n, event in enumerate(story):
            if restarts:
                scene.again()
            scene.turn(day(n / 4))
            scene.hear(event)
        scene.turn(day(7))
        scene.again()
        desk = scene.inbox.desk
        said = [(said.unit, said.kind, said.data) for said, _ in scene.commands.sent]
        ends.append(([m.body for m in scene.post.mails], said, desk.sent[ANA.key], desk.shown_while_driving()))
    assert ends[0][0] and ends[0][1] == ends[1][1]
    assert [b.partition(b"List-")[0] for b in ends[0][0]] == [b.partition(b"List-")[0] for b in ends[1][0]]
    assert ends[0][2] == ends[1][2]
    assert ends[0][3] == ends[1][3]


def test_commands_wait_for_the_broker_in_order(scene: Scene) -> None:
    scene.commands.error = ConnectionRefusedError("no broker")
    scene.hear(Car().releases(bookable()))
    scene.inbox.press(ToAnswer("rav4", "p1", "snoozed"), scene.now_ns)
    scene.turn()
    scene.again()
    scene.commands.error = None
    scene.turn()
    assert [said.kind for said, _ in scene.commands.sent] == ["PromptDelivered", "PromptAnswered"]


def test_a_command_is_said_again_each_day_under_its_id_until_it_was_taken(scene: Scene) -> None:
    car = Car()
    scene.hear(car.releases(part()))
    scene.turn(EVENING_NS + DAY_NS - 1)
    assert len(scene.commands.sent) == 1
    scene.turn(EVENING_NS + DAY_NS)
    (first, second) = scene.commands.sent
    assert first == second
    scene.hear(car.says("CommandTaken", {"command": first[1], "kind": "PromptDelivered", "outcome": "done"}))
    scene.turn(EVENING_NS + 3 * DAY_NS)
    assert len(scene.commands.sent) == 2


def test_what_another_unit_says_it_took_is_not_taken(scene: Scene) -> None:
    scene.hear(Car().releases(part()))
    (_, id) = scene.commands.sent[0]
    scene.hear(Car("golf").says("CommandTaken", {"command": id, "outcome": "done"}))
    for n, wrong in enumerate(("x-1", "inbox-7-1", "inbox--1")):
        scene.hear(Car(epoch=f"w{n}").says("CommandTaken", {"command": wrong, "outcome": "done"}))
    scene.turn(EVENING_NS + DAY_NS)
    assert len(scene.commands.sent) == 2


def test_after_a_month_it_is_said_no_more(scene: Scene) -> None:
    scene.commands.error = ConnectionRefusedError("no broker")
    scene.hear(Car().releases(part()))
    scene.commands.error = None
    scene.turn(EVENING_NS + 29 * DAY_NS)
    assert scene.commands.sent == []


def test_rubbish_in_the_receivers_file_stops_nothing(scene: Scene) -> None:
    scene.file.db.execute("INSERT INTO events (unit, id, type, epoch, seq, body, jws) VALUES ('u', 'i', 't', 'e', 1, '[]', '')")
    scene.hear(Car().releases(part()))
    assert len(scene.post.mails) == 1
