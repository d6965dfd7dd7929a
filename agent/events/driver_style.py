"""The rule that learns how each driver drives, from trips whose driver is known; what it learned is lent as `ctx.driver_style`.

| hears                                            | does                                                           |
|--------------------------------------------------|----------------------------------------------------------------|
| TripStyled, known by the car's signals           | learns it, when they are sure enough                           |
| TripStyled, guessed by style, default or unknown | notes it, and learns nothing: a guess must not confirm itself  |
| TripAttributed: the household's own word         | moves what was learned from one driver to the other            |
| DriverRemoved                                    | forgets what was learned of them, and the trips it is from     |

A trip that is no longer among the latest TRIPS_KEPT can be told to be another's; what it taught stays then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import msgspec

from agent.events.driver_summary import TripAttributed
from agent.events.household import DriverRemoved
from agent.events.trip import TripStyled
from agent.household.attribution import SURE, SURE_TO_LEARN
from agent.model import Context, Event, Rule, Setup
from agent.style import WHOLE, Features
from agent.style.people import estimate_people
from agent.style.who import Learned, Styles, learn, unlearn

TRIPS_KEPT = 60  # about a month of a family's car: who notices a wrong name does so by the month's report


class StyledTrip(msgspec.Struct, frozen=True, array_like=True):
    """A trip's style. `learned`: as whose it was learned; "" for nobody's."""

    trip_id: str
    driver: str
    learned: str
    features: dict[str, Features]


class DriverStyleState(msgspec.Struct):
    lent: Styles = Styles()
    trips: tuple[StyledTrip, ...] = ()  # the latest last
    said: dict[str, str] = {}  # what the car's signals told of the last trip's driver, by kind of evidence


class DriverStyle(Rule):
    """See the module's table."""

    name: ClassVar[str] = "driver_style"
    lends: ClassVar[bool] = True
    hears: ClassVar[tuple[type[Event], ...]] = (TripStyled, TripAttributed, DriverRemoved)
    state: DriverStyleState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state = DriverStyleState()

    def event(self, ctx: Context, event: Event) -> Iterable[Event]:
        match event:
            case TripStyled():
                self._note(event)
            case TripAttributed(how="household"):
                self._move(event.trip_id, event.driver)
            case DriverRemoved():
                self.state.lent = forget(self.state.lent, event.driver)
                self.state.trips = tuple(t for t in self.state.trips if t.driver != event.driver)
        return ()

    def _note(self, event: TripStyled) -> None:
        s = self.state
        if any(t.trip_id == event.trip_id for t in s.trips):  # a recording, played a second time
            return
        is_known = event.how in SURE and event.sure >= SURE_TO_LEARN
        trip = StyledTrip(event.trip_id, event.driver, event.driver if is_known else "", event.features)
        if is_known:
            s.lent = learn(s.lent, event.driver, event.features)
        s.trips = (*s.trips, trip)[-TRIPS_KEPT:]
        s.said = event.said

    def _move(self, trip_id: str, driver: str) -> None:
        s = self.state
        trip = next((t for t in s.trips if t.trip_id == trip_id), None)
        if trip is None or trip.learned == driver:
            return
        lent = unlearn(s.lent, trip.learned, trip.features) if trip.learned else s.lent
        s.lent = learn(lent, driver, trip.features)
        moved = StyledTrip(trip_id, driver, driver, trip.features)
        s.trips = tuple(moved if t is trip else t for t in s.trips)


def people(state: DriverStyleState) -> tuple[int, int, int] | None:
    """How many seem to drive this car: at least, likely, at most; None when that cannot be known yet. Takes up to 0.1 s."""
    return estimate_people([t.features.get(WHOLE, {}) for t in state.trips], state.lent)


def forget(styles: Styles, driver: str) -> Styles:
    """Without anything of this driver's own. How much one person differs from trip to trip stays as it was."""
    return Styles({window: without(learned, driver) for window, learned in styles.windows.items()})


def without(learned: Learned, driver: str) -> Learned:
    """One window's sums: those of the products that tell of this driver go, their share of the common scatter too."""
    others = {d: sums for d, sums in learned.drivers.items() if d != driver}
    if len(others) == len(learned.drivers):
        return learned
    if not others:
        return Learned()
    before, after = freedom(learned.drivers), freedom(others)
    share = after / before if before else 0.0
    scatter = [p - m for p, m in zip(learned.products, of_means(learned.drivers), strict=True)]
    return Learned(others, tuple(m + share * s for m, s in zip(of_means(others), scatter, strict=True)))


def freedom(drivers: Mapping[str, tuple[float, ...]]) -> float:
    return sum(sums[0] - 1 for sums in drivers.values())


def of_means(drivers: Mapping[str, tuple[float, ...]]) -> list[float]:
    """What the products would be if each trip were its driver's mean: a lower triangle by rows."""
    size = len(next(iter(drivers.values()))) - 1
    pairs = [(i, j) for i in range(1, size + 1) for j in range(1, i + 1)]
    return [sum(d[i] * d[j] / d[0] for d in drivers.values()) for i, j in pairs]
