"""FitCatalogueReceived, FitShared: other cars matched on this one's use. Shown to the owner first; it leaves only if they ask.

A catalogue comes as a signed command, or by hand as a file that holds one (`keyoff fit load`). The match is that of
agent/report/fit.py, worked out when somebody looks (`keyoff fit`). FitShared is what they saw and let leave (`keyoff fit share`):
it is entered on the unit, by no command, and with the consent of whose use it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from agent.model import NS, Context, Event, Rule, Setup
from agent.report.fit import Basis, Car, Fit, Wanted
from agent.stitch import is_trusted

AHEAD_NS = 86_400 * NS  # clocks differ, and a publisher may write the day alone


class FitCatalogueReceived(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Cars to match, as of `issued_utc_ns`; it replaces the one before, and raises no prompt: nobody asked."""

    leaves: ClassVar[bool] = False
    enterable: ClassVar[bool] = True
    source: str
    issued_utc_ns: int
    cars: list[Car]


class FitShared(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The owner asked for it to leave: how the cars of a catalogue (`source`, as of `catalogue_utc_ns`) would do for a use, and
    what that rests on. `driver`, `person`: of one driver's own use; absent: of the car's, whoever drove."""

    version: ClassVar[int] = 2
    importance: ClassVar[int] = 5
    enterable: ClassVar[bool] = True
    by_hand: ClassVar[bool] = True  # what leaves was looked at
    source: str
    catalogue_utc_ns: int
    basis: Basis
    fits: list[Fit]
    wanted: Wanted = Wanted()
    driver: str | None = None
    person: str | None = None  # the same in all units of the household
    household: str = ""


class FitState(msgspec.Struct):
    catalogue: FitCatalogueReceived | None = None


class FitRule(Rule):
    """Keeps the newest catalogue; one of a time to come is a slip, and any other replaces it."""

    name: ClassVar[str] = "fit"
    hears: ClassVar[tuple[type[Event], ...]] = (FitCatalogueReceived,)
    state: FitState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state = FitState()

    def event(self, ctx: Context, event: Event) -> Iterable[Event]:
        assert isinstance(event, FitCatalogueReceived)
        held, now_ns = self.state.catalogue, ctx.wall.utc_ns(ctx.t_ns) if is_trusted(ctx.wall) else None
        if held is None or event.issued_utc_ns >= held.issued_utc_ns or is_to_come(held, now_ns):
            self.state.catalogue = event
        return ()


def is_to_come(catalogue: FitCatalogueReceived, now_utc_ns: int | None) -> bool:
    """`now_utc_ns` by a clock to be trusted; None: who knows."""
    return now_utc_ns is not None and catalogue.issued_utc_ns > now_utc_ns + AHEAD_NS
