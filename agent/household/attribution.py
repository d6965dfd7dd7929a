"""Who drove a trip, how that is known and how sure it is. Pure; the trip's rule owns it, as it owns its tally.

What is known goes before what is not, in this order:

| how         | from                                                                     | sure         |
|-------------|--------------------------------------------------------------------------|--------------|
| identifier  | the car names who sits there: bound to a profile, or its id or person     | SURE         |
| key fob     | the key that the car was opened or started with, bound to a profile       | SURE         |
| seat memory | the seat's stored position, bound to a profile                            | SURE         |
| phone tag   | a phone that the car knows, bound to a profile                            | SURE         |
| household   | somebody said so afterwards (TripAttributed), whatever stood there before | 1            |
| style       | how it was driven (agent/style/who.py), when that is certain enough       | as it says   |
| default     | nothing, and [owner] has a driver                                         | SURE_DEFAULT |
| unknown     | nothing                                                                   | –            |

Evidence is latched: of each kind the first that is heard after ignition-on counts until ignition-off, for a tag is read
once. What was heard shortly before ignition-on counts as long as nothing of its kind is heard after it.
Kinds that contradict each other: the stronger one wins, less sure by as much; when that makes it less likely than not, and
when one thing is bound to two drivers, the driver is unknown, and `how` names the kind.

Doubts: two fobs in the car look like the one that is told first. A memory key pressed after ignition-on comes too late.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from agent import signals
from agent.household import UNKNOWN, Driver, Household
from agent.model import NS, Step, Value
from agent.style import EARLY, WHOLE, Features, Sums, Watch, WatchState
from agent.style.who import SURE_ENOUGH, Styles, guess, posterior

How: TypeAlias = Literal["identifier", "key fob", "seat memory", "phone tag", "household", "style", "default", "unknown"]

KINDS: dict[str, How] = {
    signals.DRIVER_SUBJECT: "identifier",
    signals.KEY_FOB: "key fob",
    signals.SEAT_MEMORY: "seat memory",
    signals.PHONE_TAG: "phone tag",
}
SURE: dict[How, float] = {  # the strongest first; no published figures were found: these are ours, and cautious
    "identifier": 0.98,  # the car has asked or looked; a login may be left over from the drive before
    "key fob": 0.95,  # one drive in twenty with another's: lent, or both keys in the car
    "seat memory": 0.90,  # it stays where the last one left it, until somebody presses a key
    "phone tag": 0.85,  # a passenger's phone is known to the car as well
}
SURE_DEFAULT = 0.6  # whoever is named there drives more often than not
SURE_TO_LEARN = 0.8  # each kind alone is above it; a fob, a seat or a phone that anything contradicts is below
NOTHING = frozenset(
    {"", "0", "none", "unknown", "undefined", "invalid", "not available", "sna"}
)  # no fob, no tag, as DBCs say it
BEFORE_S = 120  # as long as a waking car is taken for the start of a trip (agent/events/trip.py)
GRAIN = 128  # in a m/s, in a second: finer than any source; a power of two, so that sums are exact however they are cut
DIGITS = 4  # of features kept: a hundredth of what one person differs by from trip to trip


class Who(NamedTuple):
    """`sure`: the probability that it was this driver; 0 when unknown."""

    driver: str
    how: How
    sure: float


NOBODY = Who(UNKNOWN, "unknown", 0.0)


class Watched(msgspec.Struct, frozen=True, array_like=True):
    """How a trip has been driven so far, as short as it can be written with each commit; agent/style/ says what it adds up.

    All but `early` in 1/GRAIN of a m/s or a second.
    """

    moved: int = 0
    changes: tuple[int, ...] = (0,) * len(Sums().changes)
    held: tuple[int, ...] = (0,) * len(Sums().held)
    early: Features | None = None  # of the first minutes, once they are over


class AttributionState(msgspec.Struct, frozen=True, omit_defaults=True):
    """As written with each commit, by kind of evidence. `before`: (t_ns, text), the last heard while nobody drove."""

    said: dict[str, str] = {}
    given: dict[str, str] = {}  # of `before`, what counted at ignition-on
    before: dict[str, tuple[int, str]] = {}
    watched: Watched | None = None


class Attribution:
    """What the trip under way tells of its driver; `state()` and the constructor are the way through a power cut."""

    def __init__(self, state: AttributionState | None = None) -> None:
        kept = state or AttributionState()
        self._said, self._given, self._before = dict(kept.said), dict(kept.given), dict(kept.before)
        self._watch, self._early = watch_of(kept.watched or Watched()), kept.watched.early if kept.watched else None

    def sample(self, t_ns: int, signal: str, value: Value, *, driving: bool) -> None:
        """One of KINDS' signals; `driving`: between ignition-on and ignition-off."""
        if not isinstance(value, str) or is_nothing(value):
            return
        if driving:
            self._said.setdefault(KINDS[signal], value)
        else:
            self._before[KINDS[signal]] = (t_ns, value)

    def begin(self, since_ns: int, driving: bool) -> None:
        """A trip has begun; or, unless somebody is `driving`, it may have: then `set_off` comes when it has."""
        self._watch, self._early, self._said, self._given = Watch(), None, {}, {}
        if driving:
            self.set_off(since_ns)

    def set_off(self, since_ns: int) -> None:
        """What may have been a trip is one, since `since_ns`."""
        self._given = {kind: text for kind, (t_ns, text) in self._before.items() if t_ns >= since_ns - BEFORE_S * NS}
        self._before = {}

    def step(self, step: Step) -> None:
        self._watch.second(_grained(step.dt_s), _grained(step.v0_ms), _grained(step.v1_ms))

    def evidence(self) -> dict[str, str]:
        """Kind → what the car said."""
        return {**self._given, **self._said}

    def watched(self) -> Watched:
        state = self._watch.state()
        if self._early is None and state.early is not None:
            self._early = _kept(self._watch.features()[EARLY])
        whole = state.whole
        return Watched(_grains(state.moved_s), tuple(map(_grains, whole.changes)), tuple(map(_grains, whole.held)), self._early)

    def state(self, is_parked: bool) -> AttributionState:
        """Parked, only what was heard for the trip to come is worth keeping."""
        return (
            AttributionState(before=self._before)
            if is_parked
            else AttributionState(self._said, self._given, self._before, self.watched())
        )


def who_drove(
    said: Mapping[str, str], features: Mapping[str, Features], household: Household, styles: Styles | None, default: str
) -> Who:
    """The driver of a trip that is over; see the module. `styles` None: nothing is learned."""
    found = by_evidence(said, household)
    if found is not None:
        return found
    styles = styles or Styles()
    by_style = guess(styles, features)
    if by_style.driver != UNKNOWN:
        return Who(by_style.driver, "style", by_style.sure)
    is_learned = any(default in learned.drivers for learned in styles.windows.values())
    is_guest = is_learned and posterior(styles, features).get(UNKNOWN, 0.0) >= SURE_ENOUGH  # so it is not the default either
    return Who(default, "default", SURE_DEFAULT) if default != UNKNOWN and not is_guest else NOBODY


def by_evidence(said: Mapping[str, str], household: Household) -> Who | None:
    """What the car's signals tell; None when they say nothing of anybody in the household."""
    found = [(how, ids) for how in SURE if how in said and (ids := bound_to(household, how, said[how]))]
    if not found:
        return None
    (how, ids), others = found[0], found[1:]
    if len(ids) > 1:
        return Who(UNKNOWN, how, 0.0)
    odds = SURE[how] / (1 - SURE[how])
    for other, theirs in others:
        if ids[0] not in theirs:
            odds *= (1 - SURE[other]) / SURE[other]  # those that agree add nothing: fob and phone lie in one bag
    sure = odds / (1 + odds)
    return Who(ids[0], how, round(sure, DIGITS)) if sure > 0.5 else Who(UNKNOWN, how, 0.0)


def is_nothing(text: str) -> bool:
    """Whether a car that says this means nobody."""
    return text.strip().lower().replace("_", " ") in NOTHING


def bound_to(household: Household, how: str, text: str) -> list[str]:
    """The ids of those whom this means."""
    return [driver.id for driver in household.drivers if text in bindings(driver)[how]]


def bindings(driver: Driver) -> dict[str, tuple[str, ...]]:
    """Kind of evidence → what means this driver."""
    return {
        "identifier": tuple(filter(None, (driver.id, driver.person, *driver.identifiers))),
        "key fob": driver.key_fobs,
        "seat memory": driver.seat_memories,
        "phone tag": driver.phone_tags,
    }


def features_of(watched: Watched | None) -> dict[str, Features]:
    """A trip's style by window, as it is learned and kept."""
    if watched is None:
        return {}
    whole = {WHOLE: _kept(watch_of(watched).features()[WHOLE])}
    return whole if watched.early is None else {EARLY: watched.early} | whole


def watch_of(watched: Watched) -> Watch:
    """What goes on where this was written; of first minutes that are over it knows nothing."""
    whole = Sums(tuple(n / GRAIN for n in watched.changes), tuple(n / GRAIN for n in watched.held))
    return Watch(WatchState(watched.moved / GRAIN, whole))


def watched_as_one(earlier: Watched | None, later: Watched | None) -> Watched | None:
    """Two pieces of one trip. Where the cut lay within the first minutes, these are not told: they cannot be cut out again."""
    if earlier is None or later is None:
        return earlier or later
    changes, held = _sum(earlier.changes, later.changes), _sum(earlier.held, later.held)
    return Watched(earlier.moved + later.moved, changes, held, earlier.early)


def _sum(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(x + y for x, y in zip(a, b, strict=True))


def _grains(x: float) -> int:
    return round(x * GRAIN)


def _grained(x: float) -> float:
    return round(x * GRAIN) / GRAIN


def _kept(features: Features) -> Features:
    return {name: round(x, DIGITS) for name, x in features.items()}
