"""keyoff service: what the car needs and when that is likely; and what a person knows better: done, not done, the car beeped."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

from agent.cli.load import config_option, json_option, load_config, look, store_file, store_option
from agent.cli.show import table
from agent.cli.trips import owner_view
from agent.household import UNIT_M

if TYPE_CHECKING:
    from agent.config import Service
    from agent.events.service import ServiceState

KM_MAX = 10_000_000.0  # as for the odometer
READ_M = 500_000.0  # an odometer that is reckoned on may be behind by that; what is named beyond it is taken for where it stands
NO_ITEMS = "No service item. Name them in keyoff.toml under [[service]]; systemd/keyoff.toml shows how."


class Items(NamedTuple):
    """What is known of each item. `services` are those of keyoff.toml, and the car's own."""

    services: tuple[Service, ...]
    state: ServiceState


@click.group(invoke_without_command=True, short_help="What the car needs, when; done, reopened, beeped.")
@config_option
@store_option
@json_option
@click.pass_context
def command(ctx: click.Context, config_path: Path, store_path: Path | None, as_json: bool) -> None:
    """Each service item: how far it is, by what it is due, and the forecast with its range.

    \b
      keyoff service
      keyoff service done "oil change" --km 88120 --day 2026-11-20
      keyoff service done "oil change" --mi 54755
      keyoff service reopen "oil change"     it was not done after all
      keyoff service beeped "oil change"     the car's own reminder has started
    """
    if ctx.invoked_subcommand is not None:
        return
    items = known_items(config_path, store_path)
    told = [explain(items, s) for s in items.services]
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    _, counts = owner_view(config_path)
    click.echo(items_text(told, counts) if told else NO_ITEMS)


@command.command()
@click.argument("item")
@click.option("--km", type=click.FloatRange(0, KM_MAX), help="The odometer when it was done; default: as it stood then.")
@click.option("--mi", type=click.FloatRange(0, KM_MAX), help="The same in miles.")
@click.option("--day", help="When it was done, like 2026-11-20; default: today, or when the odometer stood there.")
@config_option
@store_option
def done(item: str, km: float | None, mi: float | None, day: str | None, config_path: Path, store_path: Path | None) -> None:
    """ITEM was done: its next interval begins there, and what was to be said of it is not said. ITEM: its start is enough.

    Of a past day the reading is reckoned from what was driven since, if that is known; --km or --mi knows better.
    """
    if km is not None and mi is not None:
        raise click.BadParameter("one of --km and --mi is enough", param_hint="--mi")
    unit = "km" if mi is None else "mi"
    named_m = km * UNIT_M["km"] if km is not None else None if mi is None else mi * UNIT_M["mi"]
    if day is not None and not is_day(day):
        raise click.BadParameter(f"{day!r} is no day up to today; write it like 2026-11-20", param_hint="--day")
    reading_m = known_items(config_path, store_path).state.reading_m
    if named_m is not None and reading_m is not None and named_m > reading_m + READ_M:
        stands = f"the odometer stands at {whole(reading_m, unit)}; if that is wrong, correct it first: keyoff odometer set"
        raise click.BadParameter(f"{whole(named_m, unit)} are still to come: {stands}", param_hint=f"--{unit}")
    at = {} if named_m is None else {"reading_m": named_m}
    name = report(config_path, store_path, item, "done", at | ({} if day is None else {"day": day}))
    click.echo(f"Done: {name}{'' if named_m is None else f', at {whole(named_m, unit)}'}{'' if day is None else f', on {day}'}.")


@command.command()
@click.argument("item")
@config_option
@store_option
def reopen(item: str, config_path: Path, store_path: Path | None) -> None:
    """ITEM was not done after all: the interval before it counts again."""
    name = report(config_path, store_path, item, "not done", {})
    click.echo(f"To be done still: {name}.")


@command.command()
@click.argument("item")
@config_option
@store_option
def beeped(item: str, config_path: Path, store_path: Path | None) -> None:
    """The car's own reminder of ITEM has started: the unit learns how early it has to speak the next time."""
    name = report(config_path, store_path, item, "the car reminded", {})
    click.echo(f"Noted: the car reminded of {name}.")


def report(
    config_path: Path,
    store_path: Path | None,
    item: str,
    says: Literal["done", "not done", "the car reminded"],
    at: dict[str, Any],
) -> str:
    """Enter it; returns the item's whole name. Raises click.BadParameter, StoreError, ConfigError."""
    from agent.cli.enter import enter  # late
    from agent.io.requests import Request

    name = find_item((s.item for s in known_items(config_path, store_path).services), item)
    enter(config_path, store_path, Request("entry", entry="ServiceReported", data={"item": name, "says": says} | at))
    return name


def is_day(text: str) -> bool:
    """Whether it is a day, and not one to come, as far as the clock here knows."""
    from datetime import UTC, datetime, timedelta

    from agent.io import clock
    from agent.model import NS

    try:
        day = date.fromisoformat(text)
    except ValueError:
        return False
    wall = clock.wall()
    if day.isoformat() != text or wall is None:
        return day.isoformat() == text
    now = datetime.fromtimestamp(wall.utc_ns(clock.boottime_ns()) // NS, UTC)
    return day <= (now + timedelta(hours=14)).date()  # where the day begins first


def find_item(known: Iterable[str], start: str) -> str:
    """The item of that name, or the one whose name begins so. Raises click.BadParameter when none or several do."""
    names = list(known)
    found = [n for n in names if n == start] or [n for n in names if n.casefold().startswith(start.casefold())]
    if len(found) != 1:
        many = f"{len(found) or 'no'} service items begin with {start!r}"
        raise click.BadParameter(f"{many}; known here: {', '.join(names) or 'none'}", param_hint="ITEM")
    return found[0]


# -- what is known ---------------------------------------------------------------------------------


def known_items(config_path: Path, store_path: Path | None) -> Items:
    """From keyoff.toml and the store. Raises StoreError, ConfigError."""
    from agent.cli.why import decoded
    from agent.events.service import CARS_OWN, ServiceRule, ServiceState
    from agent.io.states import read
    from agent.io.store import store_error

    path = store_file(config_path, store_path)
    services = load_config(config_path).service if config_path.exists() else ()
    conn = look(path)
    try:
        state = decoded(read(conn)[0], "service", ServiceState, ServiceRule.state_version)
    except sqlite3.Error as e:
        raise store_error(path, e) from e
    is_own = CARS_OWN.item in state.items and all(s.item != CARS_OWN.item for s in services)
    return Items((*services, CARS_OWN) if is_own else services, state)


def explain(items: Items, service: Service) -> dict[str, Any]:
    """An item; what is not known is None. Readings in m, days local."""
    from agent.service import interval

    state = items.state
    each = state.items.get(service.item) or interval.first(service)
    expected = each.expected
    return {
        "item": service.item,
        "stage": each.stage,
        "is_booked": each.is_booked,
        "car_reminded": each.reminded,
        "due_m": interval.due_m(service, each, state.counters),
        "due_day": interval.due_day(service, each, state.counters),
        "every_engine_h": service.every_engine_h,
        "oil_life_below_percent": service.oil_life_below_percent,
        "by": expected.by if expected else None,
        "likely_day": expected.likely_day if expected else None,
        "earliest_day": expected.earliest_day if expected else None,
        "latest_day": expected.latest_day if expected else None,
        "last_done_m": each.last_m,
        "last_done_day": each.last_day,
        "reading_m": state.reading_m,
        "is_estimated": state.about,
    }


def items_text(told: list[dict[str, Any]], counts: str) -> str:
    rows = [(t["item"], stage_text(t), due_text(t, counts), t["likely_day"], range_text(t)) for t in told]
    head = ("item", "state", "due at", "likely due", "between")
    reading_m, is_about = told[0]["reading_m"], told[0]["is_estimated"]
    stands = (
        "The odometer is not known yet."
        if reading_m is None
        else f"The odometer stands at {'about ' if is_about else ''}{whole(reading_m, counts)}."
    )
    return f"{table(head, rows)}\n\n{stands}"


def stage_text(told: dict[str, Any]) -> str:
    return ", ".join(
        [
            told["stage"] or "not near",
            *(["booked"] if told["is_booked"] else []),
            *(["car beeped"] if told["car_reminded"] else []),
        ]
    )


def due_text(told: dict[str, Any], counts: str) -> str | None:
    """Its limits, the first of which counts."""
    limits = (
        whole(told["due_m"], counts) if told["due_m"] is not None else None,
        told["due_day"],
        f"{told['every_engine_h']:,.0f} engine hours" if told["every_engine_h"] is not None else None,
        f"{told['oil_life_below_percent']:.0f} % oil life" if told["oil_life_below_percent"] is not None else None,
    )
    return " or ".join(filter(None, limits)) or None


def range_text(told: dict[str, Any]) -> str | None:
    """Without the year where it is that of the likely day; None where there is none, or it is one day."""
    if told["earliest_day"] is None or told["earliest_day"] == told["latest_day"]:
        return None
    year = f"{(told['likely_day'] or '')[:4]}-"
    start, end = (day and day.removeprefix(year) for day in (told["earliest_day"], told["latest_day"]))
    return f"{start} to {end}" if end else f"{start} or much later"


def whole(m: float, counts: str) -> str:
    return f"{m / UNIT_M[counts]:,.0f} {counts}"
