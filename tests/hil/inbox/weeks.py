"""Weeks of several cars and their people before a desk, link failures included: what the far side may never do, and must do.

The units here are as plain as can be: they hold while driving, release with a window, withdraw at ignition-on, try again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random

from agent.localtime import DAY_NS, MINUTE_NS, day_of, minute_of
from hil.cloud.inbox.desk import Desk
from hil.cloud.inbox.heard import Heard, Said
from hil.cloud.inbox.prompt import Showing
from tests.hil.inbox.cars import BERLIN, EVENING_NS, HOUR_NS, Car, book, part

STEP_NS = 30 * MINUTE_NS
DAY_FROM_MIN, DAY_TO_MIN = 8 * 60, 21 * 60  # when units release


@dataclass
class Prompt:
    """As its unit knows it."""

    person: str
    is_safety: bool = False
    revision: int = 0
    until_ns: int | None = None  # of the window, while it is released
    is_over: bool = False
    is_delivered: bool = False
    not_before_ns: int = 0


@dataclass
class Unit:
    car: Car
    prompts: dict[str, Prompt] = field(default_factory=dict)
    trip: str | None = None
    trips: int = 0
    is_linked: bool = True
    up: list[Heard] = field(default_factory=list)
    down: list[Said] = field(default_factory=list)


class World:
    """`shown`: (unit, prompt id) → how often; `driving`: mails shown while a car of theirs was driving, by what truly was."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.desk = Desk(book())
        self.units = {unit: Unit(Car(unit)) for unit in ("rav4", "golf", "zoe")}
        self.now_ns = EVENING_NS
        self.shown: Counter[tuple[str, str]] = Counter()
        self.snoozed: Counter[tuple[str, str]] = Counter()
        self.days: defaultdict[str, list[int]] = defaultdict(list)
        self.known: dict[tuple[str, str], int] = {}  # the trips that the desk has heard of → the number of TripStarted
        self.ended: set[tuple[str, str]] = set()
        self.driving = 0
        self.withheld_broken = 0

    # -- what may happen -----------------------------------------------------------------------------

    def notice(self, name: str, person: str, *, is_safety: bool = False) -> None:
        """Something is worth telling."""
        unit = self.units[name]
        person = person if name == "rav4" else "ana"
        unit.prompts[f"{name}-{len(unit.prompts)}"] = Prompt(person, is_safety)

    def drive(self, name: str) -> None:
        unit = self.units[name]
        if unit.trip:
            return
        unit.trips += 1
        unit.trip = f"t{unit.trips}"
        self._say(unit, unit.car.starts(unit.trip, self.now_ns + 1))
        for id, prompt in unit.prompts.items():
            if prompt.until_ns is not None and not prompt.is_over and not prompt.is_delivered and not prompt.is_safety:
                withdrawal = unit.car.withdraws(id, "the ignition came on", prompt.revision)
                if self.random.random() < 0.5:  # else the unit's disk was full: TripStarted alone has to do
                    self._say(unit, withdrawal)
                self._hold(prompt)

    def park(self, name: str) -> None:
        unit = self.units[name]
        if unit.trip:
            self._say(unit, unit.car.parks(unit.trip, self.now_ns + 1))
            unit.trip = None

    def settle(self, name: str) -> None:
        """The oldest that is open is no longer true."""
        unit = self.units[name]
        for id, prompt in unit.prompts.items():
            if not prompt.is_over:
                prompt.is_over = True
                if prompt.until_ns is not None or prompt.revision:
                    self._say(unit, unit.car.withdraws(id, "no longer true", prompt.revision))
                return

    def snooze(self, name: str) -> None:
        """The person wants the latest one that was shown again in three days."""
        unit = self.units[name]
        for id, prompt in reversed(unit.prompts.items()):
            if prompt.is_delivered and not prompt.is_over:
                self._say(unit, unit.car.hears(id, "snoozed", days=3))
                self.snoozed[name, id] += 1
                prompt.is_delivered, prompt.not_before_ns = False, self.now_ns + 3 * DAY_NS
                self._hold(prompt)
                return

    def link(self, name: str, is_up: bool) -> None:
        self.units[name].is_linked = is_up

    def step(self, times: int = 1) -> None:
        """Time goes by."""
        for _ in range(times):
            self.now_ns += STEP_NS
            for unit in self.units.values():
                self._release(unit)
                self._sync(unit)
            for showing in self.desk.due(self.now_ns):
                self._show(showing)
            for unit in self.units.values():
                self._sync(unit)

    def settle_down(self, weeks: int = 12) -> None:
        """All links work, nobody drives, and releases go on until everything is shown, for so many weeks at most."""
        for name in self.units:
            self.park(name)
            self.link(name, True)
        for _ in range(weeks * 7):
            self.step(48)
            if not self.unshown():
                return

    def unshown(self) -> set[tuple[str, str]]:
        """What is true and was never shown."""
        open_ = {(name, id) for name, unit in self.units.items() for id, p in unit.prompts.items() if not p.is_over}
        return open_ - set(self.shown)

    # -- what must be ---------------------------------------------------------------------------------

    def check(self) -> None:
        assert self.withheld_broken == 0, "shown after the desk knew of a TripStarted"
        assert all(n <= 1 + self.snoozed[key] for key, n in self.shown.items()), "shown twice"
        for days in self.days.values():
            assert len({day_of(ns, BERLIN) for ns in days}) == len(days), "two on a day"
            assert all(c - a >= 7 * DAY_NS for a, c in zip(days, days[2:], strict=False)), "three in a week"

    def check_end(self) -> None:
        """After `settle_down`: nothing is lost, and what was shown while driving is known."""
        self.check()
        assert self.unshown() == set(), "never shown"
        assert self.desk.shown_while_driving() == self.driving

    # -- units ---------------------------------------------------------------------------------------

    def _release(self, unit: Unit) -> None:
        if unit.trip:
            return
        for id, prompt in unit.prompts.items():
            if prompt.until_ns is not None and self.now_ns > prompt.until_ns + 6 * HOUR_NS and not prompt.is_delivered:
                self._hold(prompt)
                prompt.not_before_ns = self.now_ns + 12 * HOUR_NS
            is_held = prompt.until_ns is None and not prompt.is_over and not prompt.is_delivered
            if is_held and self.now_ns >= prompt.not_before_ns and self._is_day(prompt):
                start_ns = self.now_ns if prompt.is_safety else self.now_ns + self.random.randrange(4) * STEP_NS
                prompt.until_ns = start_ns + (1 << 60 if prompt.is_safety else self.random.randrange(1, 8) * STEP_NS)
                release = unit.car.releases(
                    part(id, prompt.revision, kind="notice" if prompt.is_safety else "service"),
                    person=prompt.person,
                    urgency="safety" if prompt.is_safety else "usual",
                    from_ns=None if prompt.is_safety else start_ns,
                    to_ns=None if prompt.is_safety else prompt.until_ns,
                    at_ns=self.now_ns,
                )
                self._say(unit, release)

    def _is_day(self, prompt: Prompt) -> bool:
        return prompt.is_safety or DAY_FROM_MIN <= minute_of(self.now_ns, BERLIN) < DAY_TO_MIN

    def _hold(self, prompt: Prompt) -> None:
        prompt.until_ns = None
        prompt.revision += 1

    def _say(self, unit: Unit, event: Heard) -> None:
        unit.up.append(event)

    def _sync(self, unit: Unit) -> None:
        if not unit.is_linked:
            return
        if self.random.random() < 0.2:  # at least once, and in any order
            self.random.shuffle(unit.up)
        for event in unit.up:
            if event.kind == "TripStarted":
                self.known[unit.car.unit, event.data["trip_id"]] = event.seq
            if event.kind == "TripEnded":
                self.ended.add((unit.car.unit, event.data["trip_id"]))
            unit.down += self.desk.hear(event)
        for said in unit.down:
            prompt = unit.prompts[said.data["prompt_id"]]
            snoozed = prompt.not_before_ns > said.data["shown_utc_ns"] and self.snoozed[unit.car.unit, said.data["prompt_id"]]
            prompt.is_delivered = prompt.is_delivered or not snoozed
        unit.up, unit.down = [], []

    def _show(self, showing: Showing) -> None:
        for prompt in showing.prompts:
            self.shown[prompt.key] += 1
            later = {key for key, seq in self.known.items() if key[0] == prompt.unit and seq > prompt.release.place[1]}
            self.withheld_broken += bool(later - self.ended if showing.is_safety else later)
        self.driving += any(self.units[prompt.unit].trip is not None for prompt in showing.prompts)
        if not showing.is_safety:
            self.days[showing.person.key].append(self.now_ns)
        said = self.desk.showed(showing.person.key, showing.keys, self.now_ns, showing.id, is_safety=showing.is_safety)
        for each in said:
            self.units[each.unit].down.append(each)
