"""message: what the far side reads, and what a person may enter."""

from __future__ import annotations

import msgspec
import pytest

from agent.entries.entering import EntryRefused, event_of
from agent.events.message import PromptAnswered, PromptDelivered, PromptExpired, PromptHeld, PromptReleased, PromptWithdrawn
from agent.model import Context
from agent.records import event_row, prompt_change, prompt_rows
from tests.sim.parked import Scene, concern

CTX = Context(5, None, "unit-1", "boot-1", None)


def test_what_leaves_and_what_may_be_entered() -> None:
    kinds = (PromptHeld, PromptReleased, PromptWithdrawn, PromptExpired, PromptDelivered, PromptAnswered)
    assert [kind.leaves for kind in kinds] == [False, True, True, True, True, True]
    assert [kind.enterable for kind in kinds] == [False, False, False, False, True, True]
    assert PromptReleased.version == 2


def test_an_answer_is_entered_by_its_fields_alone() -> None:
    answer = event_of("PromptAnswered", {"prompt_id": "p", "answer": "snoozed", "days": 3}, "ref", CTX)
    assert isinstance(answer, PromptAnswered)
    assert (answer.prompt_id, answer.answer, answer.days, answer.t_ns) == ("p", "snoozed", 3, 5)
    assert answer.id == event_of("PromptAnswered", {"prompt_id": "p", "answer": "snoozed", "days": 3}, "ref", CTX).id
    for data in ({"prompt_id": "p"}, {"prompt_id": "p", "answer": "loved"}, {"prompt_id": "p", "answer": "done", "days": 2**70}):
        with pytest.raises(EntryRefused):
            event_of("PromptAnswered", data, "ref", CTX)


def test_a_message_has_no_empty_field_but_those_that_are_not_known() -> None:
    (message,) = Scene().parked().say(concern()).of(PromptReleased)
    data = msgspec.json.decode(event_row(message, None, "boot-1").body)
    assert {"person", "driver", "channel", "language", "urgency", "parts", "closing", "released_ns"} <= set(data)
    (part,) = data["parts"]
    assert all(part[name] for name in ("prompt_id", "topic", "kind", "title", "text", "rests_on", "held_by"))
    assert None not in part.values()


def test_the_store_keeps_a_row_for_each_prompt_and_its_latest_state() -> None:
    scene = Scene(wall=None).parked().say(concern())
    scene.wall = Scene().wall
    scene.until(2000)
    (held,), (message,) = scene.of(PromptHeld), scene.of(PromptReleased)
    ((first,), (second,)) = prompt_rows(held), prompt_rows(message)
    assert first["id"] == second["id"] == message.parts[0].prompt_id
    assert (first["state"], second["state"], first["held_by"]) == ("held", "released", "no clock to be trusted")
    assert second["event_id"] == message.id and second["not_before_utc_ns"] == message.not_before_utc_ns
    id = second["id"]
    own = {"id": "x", "t_ns": 0, "boot_id": "", "prompt_id": id}
    changes = [
        (PromptWithdrawn(revision=0, why="the ignition came on", **own), "held"),
        (PromptWithdrawn(revision=0, why="done", **own), "withdrawn"),
        (PromptExpired(topic="t", kind="report", why="done", **own), "expired"),
        (PromptDelivered(revision=0, shown_utc_ns=7, **own), "delivered"),
        (PromptAnswered(answer="wrong", **own), "wrong"),
    ]
    for event, expected in changes:
        change = prompt_change(event, 9)
        assert change is not None
        assert (change[0], change[1]["state"]) == (id, expected)
    assert prompt_change(held, 9) is None and prompt_rows(changes[0][0]) == []
