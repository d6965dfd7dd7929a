"""A trouble code that comes and goes: told once in a while, and each time a fact."""

from __future__ import annotations

import datetime

from agent.events.fault import AGAIN_DAYS, FaultSet
from agent.events.message import PromptExpired, PromptReleased
from agent.events.report import ReportRule
from agent.signals import DTCS_STORED, of_ecu
from tests.sim.car import at
from tests.sim.parked import DAY_S, Scene, local

MONDAY = datetime.date(2026, 10, 26)


class Loose(Scene):
    """A contact that is: `comes` by the Monday's n-th morning, `goes` at noon; each is borne out by a second answer."""

    def __init__(self, code: str = "P0301") -> None:
        super().__init__()
        self.code = code
        self.parked()

    def comes(self, day: int) -> Loose:
        return self._answers(day * DAY_S + 2000, self.code)

    def goes(self, day: int) -> Loose:
        return self._answers(day * DAY_S + 4 * 3600)

    def shown(self, day: int) -> Loose:
        """The latest message, at eight in the evening."""
        self.until(day * DAY_S + 12 * 3600)
        self.delivered()
        return self

    def days(self) -> list[str]:
        return [local(message.not_before_utc_ns)[:5] for message in self.of(PromptReleased)]

    def _answers(self, t_s: int, *codes: str) -> Loose:
        self.live([(at(t_s + n), DTCS_STORED, of_ecu("7E8", codes)) for n in (0, 20)])
        self.until(t_s + 60)
        return self


def date(day: int) -> str:
    return f"{MONDAY + datetime.timedelta(days=day):%m-%d}"


def test_one_that_comes_and_goes_each_day_is_told_every_fortnight_and_is_a_fact_each_time() -> None:
    loose = Loose().comes(0).shown(0)
    for day in range(1, AGAIN_DAYS + 1):
        loose.goes(day).comes(day + 1)
    assert loose.days() == [date(0), date(AGAIN_DAYS + 1)]
    assert len(loose.of(FaultSet)) == AGAIN_DAYS + 1
    noted = loose.engine.rule(ReportRule).state.facts.values()
    assert sum(f.times for month in noted for f in month.facts if f.kind == "fault set") == AGAIN_DAYS + 1


def test_one_that_comes_back_to_stay_is_told_again_after_a_fortnight() -> None:
    loose = Loose().comes(0).shown(0).goes(1).comes(2)
    assert loose.held[-1] == "snoozed", "put off"
    loose.until(30 * DAY_S)
    assert loose.days()[:2] == [date(0), date(AGAIN_DAYS)]


def test_one_that_is_gone_by_then_is_not() -> None:
    loose = Loose().comes(0).shown(0).goes(1).comes(2).goes(3)
    loose.until(30 * DAY_S)
    assert loose.days() == [date(0)]
    assert [e.why for e in loose.of(PromptExpired)] == ["no longer true"]


def test_what_nobody_was_shown_is_told_when_it_comes_back() -> None:
    assert Loose().comes(0).goes(0).comes(1).days() == [date(0), date(1)]


def test_what_they_had_mended_is_told_when_it_comes_back() -> None:
    loose = Loose().comes(0).shown(0)
    loose.answered("done")
    assert loose.goes(1).comes(2).days() == [date(0), date(2)]


def test_what_says_stop_is_told_each_time() -> None:
    assert Loose("P0524").comes(0).shown(0).goes(1).comes(2).days() == [date(0), date(2)]


def test_what_comes_back_after_long_is_told_at_once() -> None:
    assert Loose().comes(0).shown(0).goes(1).comes(AGAIN_DAYS + 1).days() == [date(0), date(AGAIN_DAYS + 1)]
