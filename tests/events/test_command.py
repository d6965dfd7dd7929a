"""The answer to a command: one id for one command, and no more words than a table holds."""

from __future__ import annotations

from agent.events.command import KIND_CHARS, WHY_CHARS, CommandTaken, taken
from agent.model import Context

CTX = Context(5, None, "unit-1", "boot-1", None)


def test_what_was_done_says_so() -> None:
    answer = taken(CTX, "c1", "DriverSaved")
    assert (answer.command, answer.kind, answer.outcome, answer.why) == ("c1", "DriverSaved", "done", "")
    assert (answer.t_ns, answer.boot_id) == (5, "boot-1")


def test_what_was_refused_says_why() -> None:
    answer = taken(CTX, "c1", "Nonsense", "unknown kind")
    assert (answer.outcome, answer.why) == ("refused", "unknown kind")


def test_what_was_failed_at_says_so() -> None:
    answer = taken(CTX, "c1", "DriverSaved", None, "the unit failed at it")
    assert (answer.outcome, answer.why) == ("failed", "the unit failed at it")


def test_the_same_command_has_the_same_answer_s_id() -> None:
    assert taken(CTX, "c1", "A").id == taken(CTX._replace(t_ns=9, boot_id="boot-2"), "c1", "A", "no").id
    assert taken(CTX, "c1", "A").id != taken(CTX, "c2", "A").id


def test_it_leaves_early_and_at_once_and_quotes_no_novels() -> None:
    assert CommandTaken.leaves and CommandTaken.urgent and CommandTaken.importance == 2
    answer = taken(CTX, "c1", "k" * 9_000, "w" * 9_000)
    assert (len(answer.kind), len(answer.why)) == (KIND_CHARS, WHY_CHARS)
