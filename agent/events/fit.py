"""FitCatalogueReceived, FitShared: other cars matched on this one's use. Shown to the owner first; it leaves only if they ask.

The match is agent/report/fit.py's; nothing shows it yet. FitShared is what the owner enters who wants it to leave.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from agent.model import Context, Event, Rule, Setup
from agent.report.fit import Car, Fit


class FitCatalogueReceived(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Cars to match, as of `issued_utc_ns`; it replaces the one before, and raises no prompt: nobody asked."""

    leaves: ClassVar[bool] = False
    enterable: ClassVar[bool] = True
    source: str
    issued_utc_ns: int
    cars: list[Car]


class FitShared(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The owner asked for it to leave: how the cars of a catalogue would do for their use."""

    importance: ClassVar[int] = 5
    enterable: ClassVar[bool] = True
    source: str
    driver: str
    fits: list[Fit]


class FitState(msgspec.Struct):
    catalogue: FitCatalogueReceived | None = None


class FitRule(Rule):
    """Keeps the newest catalogue."""

    name: ClassVar[str] = "fit"
    hears: ClassVar[tuple[type[Event], ...]] = (FitCatalogueReceived,)
    state: FitState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state = FitState()

    def event(self, ctx: Context, event: Event) -> Iterable[Event]:
        assert isinstance(event, FitCatalogueReceived)
        held = self.state.catalogue
        if held is None or event.issued_utc_ns >= held.issued_utc_ns:
            self.state.catalogue = event
        return ()
