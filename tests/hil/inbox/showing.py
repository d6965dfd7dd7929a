"""A desk in a test: what it hears, what it shows. `desk` itself is a fixture (conftest.py)."""

from __future__ import annotations

from hil.cloud.inbox.desk import Desk
from hil.cloud.inbox.heard import Heard, Said
from hil.cloud.inbox.prompt import Showing
from tests.hil.inbox.cars import EVENING_NS


def hear(desk: Desk, *events: Heard) -> list[Said]:
    return [said for event in events for said in desk.hear(event)]


def show(desk: Desk, now_ns: int = EVENING_NS) -> list[list[str]]:
    """The prompt ids of each showing that is due, shown."""
    due = desk.due(now_ns)
    for showing in due:
        showed(desk, showing, now_ns)
    return [[prompt.key[1] for prompt in showing.prompts] for showing in due]


def showed(desk: Desk, showing: Showing, now_ns: int) -> list[Said]:
    return desk.showed(showing.person.key, showing.keys, now_ns, showing.id, is_safety=showing.is_safety)


def waits(desk: Desk, prompt_id: str = "p1", now_ns: int = EVENING_NS, unit: str = "rav4") -> str | None:
    return desk.wait(desk.prompts[unit, prompt_id], now_ns)
