"""One line for the same thing, and no more than there is room for."""

from __future__ import annotations

from agent.report.facts import FACTS_A_MONTH, MONTHS_KEPT, Fact, MonthFacts, pruned


def test_the_same_thing_is_one_line() -> None:
    noted = MonthFacts().with_fact(Fact(kind="fault set", what="P0301", utc_ns=1)).with_fact(Fact(kind="fault set", what="P0420"))
    noted = noted.with_fact(Fact(kind="fault set", what="P0301", utc_ns=9))
    assert [(f.what, f.times, f.utc_ns) for f in noted.facts] == [("P0420", 1, None), ("P0301", 2, 9)]


def test_a_trip_that_changes_hands_twice_came_from_the_first() -> None:
    noted = MonthFacts().with_fact(Fact(kind="attributed", what="t", before="unknown", driver="ana"))
    (fact,) = noted.with_fact(Fact(kind="attributed", what="t", before="ana", driver="ben")).facts
    assert (fact.before, fact.driver) == ("unknown", "ben")


def test_it_is_bounded_and_says_so() -> None:
    noted = MonthFacts()
    for n in range(FACTS_A_MONTH + 5):
        noted = noted.with_fact(Fact(kind="fault set", what=f"P{n:04}"))
    assert (len(noted.facts), noted.more, noted.facts[0].what) == (FACTS_A_MONTH, 5, "P0005")


def test_what_became_of_a_prompt() -> None:
    noted = MonthFacts().with_fact(Fact(kind="prompt", what="p1", title="Oil"))
    assert [f.state for f in noted.with_state("prompt", "p1", "wrong").facts] == ["wrong"]
    assert noted.with_state("prompt", "p2", "wrong") == noted


def test_old_months_go() -> None:
    months = {"": MonthFacts(), "2025-08": MonthFacts(), "2025-09": MonthFacts(), "2026-10": MonthFacts()}
    assert MONTHS_KEPT == 14
    assert list(pruned(months, "2026-10")) == ["", "2025-09", "2026-10"]
