"""ServiceDue: a distance-based service item has come due, in mid-drive as a rule. What is said of it waits (prompt)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from agent.events.odometer import OdometerAdvanced
from agent.model import Context, Event, Rule, Setup, derive_id


class ServiceDue(Event, frozen=True, kw_only=True, omit_defaults=True):
    """`item` was due at `due_m`; the odometer stands at `reading_m` (an estimate when `about`)."""

    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    once: ClassVar[bool] = True
    item: str
    due_m: float
    reading_m: float
    about: bool = False


class ServiceState(msgspec.Struct):
    raised: tuple[str, ...] = ()


class ServiceRule(Rule):
    """Items and their last readings come from keyoff.toml; a new `last_km` there starts the next interval."""

    name: ClassVar[str] = "service"
    hears: ClassVar[tuple[type[Event], ...]] = (OdometerAdvanced,)
    raises: ClassVar[tuple[type[Event], ...]] = (ServiceDue,)
    state: ServiceState

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.state = ServiceState()

    def event(self, ctx: Context, event: Event) -> Iterator[Event]:
        assert isinstance(event, OdometerAdvanced)
        for service in self.setup.services:
            due_m = (service.last_km + service.every_km) * 1000
            key = f"{service.item} {due_m:.0f}"
            if event.reading_m < due_m or key in self.state.raised:
                continue
            self.state.raised = (*self.state.raised, key)
            yield ServiceDue(
                id=derive_id(ctx.unit, "ServiceDue", key),
                t_ns=event.t_ns,
                boot_id=event.boot_id,
                item=service.item,
                due_m=due_m,
                reading_m=event.reading_m,
                about=event.is_estimated,
            )
