"""ServiceDue, ServiceDone, ServiceReopened leave; CarReminded, ServiceExpected, ServiceReported stay on the unit.

Records alone, and the Concern; the rule is in agent/events/service.py.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec

from agent.config import Service
from agent.events.concern import Concern
from agent.model import Context, Event, derive_id
from agent.service.counters import Counters
from agent.service.forecast import By, Forecast
from agent.service.interval import How, Interval, Stage, Why, due_day, due_m, subject
from agent.stitch import is_trusted


class ServiceDue(Event, frozen=True, kw_only=True, omit_defaults=True):
    """`item` is soon due, or is due, by `by`: at `due_m`, on `due_day`. The odometer stands at `reading_m` (an estimate when
    `about`). Days are local; the three of a forecast are absent when the car's pace is not known yet."""

    version: ClassVar[int] = 2
    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    once: ClassVar[bool] = True
    item: str
    interval: str  # names the interval: the same item has another one after each service
    stage: Stage
    by: By
    due_m: float | None = None
    due_day: str | None = None
    reading_m: float | None = None
    about: bool = False
    earliest_day: str | None = None
    likely_day: str | None = None
    latest_day: str | None = None


class ServiceDone(Event, frozen=True, kw_only=True, omit_defaults=True):
    """It was done. noticed: the car's counter began anew; told: a person says so; read: a workshop, or keyoff.toml."""

    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    once: ClassVar[bool] = True
    item: str
    interval: str  # the one that ended
    how: How
    reading_m: float | None = None
    day: str | None = None


class ServiceReopened(Event, frozen=True, kw_only=True, omit_defaults=True):
    """It is to be done still, or again."""

    importance: ClassVar[int] = 2
    urgent: ClassVar[bool] = True
    item: str
    interval: str
    why: Why


class CarReminded(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Kept on the unit: the car's own reminder started. `ahead_days`: how long before that the first word of ours was raised;
    None: there was none, or no clock."""

    leaves: ClassVar[bool] = False
    item: str
    interval: str
    how: Literal["signal", "told"]
    day: str | None = None
    ahead_days: int | None = None


class ServiceExpected(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Kept on the unit: the forecast of an item is another one, or its interval; absent: it is not known. `is_due`: as it was
    told. `is_gone`: what was told of the item is no longer so; what holds now, if it is still there, follows."""

    leaves: ClassVar[bool] = False
    item: str
    interval: str
    due_m: float | None = None
    due_day: str | None = None
    forecast: Forecast | None = None
    is_due: bool = False
    is_gone: bool = False


class ServiceReported(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody says of an item that it was done, or was not, or that the car has reminded of it. It stays on the unit: what
    becomes of it is told by the events above."""

    leaves: ClassVar[bool] = False
    urgent: ClassVar[bool] = True
    enterable: ClassVar[bool] = True
    item: str
    says: Literal["done", "not done", "the car reminded"]
    by: Literal["person", "workshop"] = "person"
    reading_m: Annotated[float, msgspec.Meta(ge=0, le=1e10)] | None = None  # None, or more than there is: as it stands now
    day: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None  # None, or one to come: today


def told_of(ctx: Context, kind: str, item: str, each: Interval, *more: object) -> dict[str, Any]:
    """What all that is told of an interval has."""
    id = derive_id(ctx.unit, kind, item, each.key, each.anew, *more)
    return {"id": id, "t_ns": ctx.t_ns, "boot_id": ctx.boot_id, "item": item, "interval": each.key}


def expected_of(ctx: Context, service: Service, each: Interval, counters: Counters) -> ServiceExpected:
    """When it is due, as it was forecast last."""
    return ServiceExpected(
        **told_of(ctx, "ServiceExpected", service.item, each, ctx.boot_id, ctx.t_ns, each.expected),
        due_m=due_m(service, each, counters),
        due_day=due_day(service, each, counters),
        forecast=each.expected,
        is_due=each.stage == "due",
    )


def concern_of(ctx: Context, item: str, each: Interval, values: dict[str, Any], rests_on: list[str]) -> Concern:
    """What a person is to hear of its stage; `values` as of agent/service/interval.py."""
    return Concern(
        id=derive_id(ctx.unit, "Concern", item, each.key, each.stage, each.anew),
        t_ns=ctx.t_ns,
        boot_id=ctx.boot_id,
        subject=subject(item, each),
        kind="service",
        says=f"service_{each.stage}",
        values=values,
        rests_on=rests_on,
        bookable=item,
        utc_ns=ctx.wall.utc_ns(ctx.t_ns) if is_trusted(ctx.wall) else None,
    )
