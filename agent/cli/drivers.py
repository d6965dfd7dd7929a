"""keyoff drivers: what each driver's months add up to; who they are, what tells them apart, and what they agreed to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click
import msgspec

from agent.cli.load import config_option, json_option, look, store_file, store_option
from agent.cli.months import by_driver, driver_table, plain
from agent.cli.show import table
from agent.cli.trips import owner_of
from agent.household import Channel, Driver, Household, Kind, Language, Purpose
from agent.household.profile import (
    BINDINGS,
    CHECKS,
    HEAD,
    USUAL,
    Check,
    bound,
    cells,
    changed,
    is_span,
    is_time,
    known_by,
    mended,
    people_line,
    unbound,
)

if TYPE_CHECKING:
    from agent.events.driver_style import DriverStyleState


@click.group(invoke_without_command=True, short_help="Drivers: their months, profiles, keys and consents.")
@config_option
@store_option
@json_option
@click.pass_context
def command(ctx: click.Context, config_path: Path, store_path: Path | None, as_json: bool) -> None:
    """Sums per driver and month, short moves included. `unknown` is a driver like any other.

    \b
      keyoff drivers                                    the sums
      keyoff drivers list                               who they are
      keyoff drivers add ana --name Ana --keeper        a new one: Ana hears what the car needs
      keyoff drivers bind ana --last-trip               the key of the last trip is Ana's
      keyoff drivers consent ana report --grant         Ana's monthly report may leave the unit
      keyoff trips assign 3f2a ana                      that trip was Ana's
    """
    if ctx.invoked_subcommand is not None:
        return
    owner = owner_of(config_path)
    months, damaged = by_driver(store_file(config_path, store_path), owner.timezone)
    if as_json:
        click.echo(json.dumps(plain(months), indent=2))
        return
    click.echo(driver_table(months, owner) if months else "No trip yet.")
    if damaged:
        click.echo(f"\n{damaged} trip{'s' * (damaged != 1)} damaged in the store and left out.")


@command.command("list")
@config_option
@store_option
@json_option
def list_(config_path: Path, store_path: Path | None, as_json: bool) -> None:
    """Profiles, what the car knows each by, consents, and how many people seem to drive this car.

    `owner` is who hears what the car needs while no driver is its keeper.
    """
    from agent.events.driver_style import people  # late

    path = store_file(config_path, store_path)
    look(path).close()
    household, style = kept_household(path), kept_style(path)
    hears = () if any(d.is_keeper for d in household.drivers) else household.keepers()
    profiles, count = (*household.drivers, *hears), people(style)
    if as_json:
        span = dict(zip(("low", "likely", "high"), count, strict=True)) if count else None
        plain = [{name: getattr(d, name) for name in d.__struct_fields__} for d in profiles]
        click.echo(json.dumps({"drivers": plain, "people": span, "last_trip": style.said}, indent=2))
        return
    click.echo(table(HEAD, map(cells, profiles)))
    click.echo(f"\n{people_line(count)}")
    if not household.drivers:
        click.echo("Nobody is known by name yet. Enter one with: keyoff drivers add ID --name NAME")


# -- what is entered -----------------------------------------------------------------------------------


def _checked(check: Check) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A click callback: a text, or several, as they have to be."""

    def checked(_: click.Context, option: click.Parameter, given: Any) -> Any:
        for text in given if isinstance(given, tuple) else (given,):
            if text is not None and not check.is_right(text):
                raise click.BadParameter(f"{text!r} is {check.what}", param=option)
        return given

    return checked


QUIET = Check(is_span, "no span of hours; write it like 21:30-07:30 (equal times: no quiet hours)")
TELL_AT = Check(lambda text: text == USUAL or is_time(text), f"no time of day; write it like 18:30, or `{USUAL}`")

id_argument = click.argument("driver_id", metavar="ID", callback=_checked(CHECKS["id"]))

PROFILE = (
    click.option(
        "--name",
        callback=_checked(CHECKS["name"]),
        help="What they are called on the unit and in their own report. It stays here.",
    ),
    click.option(
        "--person", callback=_checked(CHECKS["person"]), help="The same person's id in every car of the household; default: ID."
    ),
    click.option("--keeper/--no-keeper", "is_keeper", default=None, help="Hears what the car needs."),
    click.option("--counts", type=click.Choice(["km", "mi"]), help="Default: as keyoff.toml says."),
    click.option("--language", type=click.Choice(get_args(Language)), help="Default: en."),
    click.option(
        "--timezone",
        callback=_checked(CHECKS["timezone"]),
        help="Like Europe/Berlin; default: as keyoff.toml says.",
    ),
    click.option(
        "--quiet",
        callback=_checked(QUIET),
        help="No word in these hours, local. Default: 21:30-07:30.",
    ),
    click.option(
        "--tell-at",
        callback=_checked(TELL_AT),
        help=f"When they want to be told; `{USUAL}`: when they are usually home.",
    ),
    click.option("--channel", type=click.Choice(get_args(Channel)), help="Default: mail."),
    click.option(
        "--of-age",
        callback=_checked(CHECKS["of_age"]),
        help="The day on which they are 18. Until then their parents' view needs both consents.",
    ),
)

OWN = tuple(
    click.option(flag, field, multiple=True, callback=_checked(CHECKS[field]), help=text)
    for flag, field, text in (
        ("--identifier", "identifiers", "Whom the car says it is (a login, a face), if not ID; may be repeated."),
        ("--key-fob", "key_fobs", "As the car says it; may be repeated."),
        ("--seat-memory", "seat_memories", "Likewise."),
        ("--phone-tag", "phone_tags", "Likewise."),
    )
)

Command = Callable[..., Any]
T = TypeVar("T")


def _with(options: tuple[Callable[[Command], Command], ...]) -> Callable[[Command], Command]:
    def add(function: Command) -> Command:
        for option in reversed(options):
            function = option(function)
        return function

    return add


@command.command()
@id_argument
@_with(PROFILE)
@config_option
@store_option
def add(driver_id: str, config_path: Path, store_path: Path | None, **given: Any) -> None:
    """A new driver. ID stands in what leaves the car; the name, hours and keys stay on the unit."""
    household = kept_household(store_file(config_path, store_path))
    if household.known(driver_id):
        raise click.BadParameter(f"{driver_id!r} is there already; change it: keyoff drivers set {driver_id}", param_hint="ID")
    _save(config_path, store_path, changed(Driver(driver_id), given))
    click.echo(f"{driver_id} is a driver of this car. What the car knows them by: keyoff drivers bind {driver_id} --help")


@command.command("set")
@id_argument
@_with(PROFILE)
@config_option
@store_option
def set_(driver_id: str, config_path: Path, store_path: Path | None, **given: Any) -> None:
    """Change a profile; what is left out stays as it is."""
    _save(config_path, store_path, changed(_found(config_path, store_path, driver_id), given))
    click.echo(f"{driver_id} is changed.")


@command.command()
@click.argument("driver_id", metavar="ID")
@config_option
@store_option
def remove(driver_id: str, config_path: Path, store_path: Path | None) -> None:
    """Forget a profile, its keys, its consents and how they drive. Their trips keep the ID."""
    _found(config_path, store_path, driver_id, drives=True)
    _enter(config_path, store_path, "DriverRemoved", {"driver": driver_id})
    click.echo(f"{driver_id} is forgotten; the trips keep the id.")


@command.command()
@id_argument
@_with(OWN)
@click.option("--last-trip", is_flag=True, help="What the car said on the last trip.")
@config_option
@store_option
def bind(driver_id: str, last_trip: bool, config_path: Path, store_path: Path | None, **given: tuple[str, ...]) -> None:
    """What the car knows them by: from now on a trip with it is theirs. What was another's moves.

    \b
      keyoff drivers bind ana --key-fob 1 --seat-memory 1
      keyoff drivers bind ana --last-trip                 right after Ana has driven
    """
    path = store_file(config_path, store_path)
    driver = _found(config_path, store_path, driver_id, drives=True)
    if last_trip:
        given = {field: (*given[field], *said) for field, said in _last_said(path).items()}
    if not any(given.values()):
        raise click.UsageError("nothing to bind: name --identifier, --key-fob, --seat-memory, --phone-tag, or --last-trip")
    for other in kept_household(path).drivers:
        less = unbound(other, given)
        if other.id != driver_id and less != other:
            _save(config_path, store_path, less)
            click.echo(f"{other.id} is no longer known by it.")
    more = bound(driver, given)
    _save(config_path, store_path, more)
    click.echo(f"{driver_id} is known by {', '.join(known_by(more))}.")


@command.command()
@id_argument
@_with(OWN)
@config_option
@store_option
def unbind(driver_id: str, config_path: Path, store_path: Path | None, **given: tuple[str, ...]) -> None:
    """The car no longer knows them by this. Trips that are over stay theirs."""
    driver = _found(config_path, store_path, driver_id, drives=True)
    less = unbound(driver, given)
    if less == driver:
        raise click.UsageError(f"{driver_id} is not known by it; keyoff drivers list tells by what")
    _save(config_path, store_path, less)
    click.echo(f"{driver_id} is changed.")


@command.command()
@id_argument
@click.argument("purpose", type=click.Choice(get_args(Purpose)))
@click.option("--grant/--revoke", "granted", default=None, help="One of the two has to be said.")
@click.option("--with", "whom", metavar="ID", help="Of guardian: whom it names; revoked without: everybody.")
@config_option
@store_option
def consent(
    driver_id: str, purpose: str, granted: bool | None, whom: str | None, config_path: Path, store_path: Path | None
) -> None:
    """Their own word on one purpose; it can be taken back at any time.

    \b
      report     their monthly report leaves the unit
      compare    their style, times and speed count in the household's means;
                 where all of the household agreed, each sees each one's
      workshop   five facts go out with an appointment that they booked
      guardian   under 18: who may see their month (--with each); as a
                 parent: whose they want to see; it takes both words
      fit        how well other cars would fit their use leaves the unit
    """
    if granted is None:
        raise click.UsageError("say --grant or --revoke")
    _found(config_path, store_path, driver_id)
    data = {"driver": driver_id, "purpose": purpose, "granted": granted, **({"whom": whom} if whom else {})}
    _enter(config_path, store_path, "ConsentChanged", data)
    click.echo(f"{driver_id}: {purpose}{f' with {whom}' if whom else ''} is {'granted' if granted else 'taken back'}.")


@command.command()
@id_argument
@click.argument("kind", type=click.Choice(get_args(Kind)))
@config_option
@store_option
def start(driver_id: str, kind: str, config_path: Path, store_path: Path | None) -> None:
    """Prompts of a KIND that they had stopped come again."""
    driver = _found(config_path, store_path, driver_id)
    _save(config_path, store_path, msgspec.structs.replace(driver, stopped=tuple(k for k in driver.stopped if k != kind)))
    click.echo(f"{driver_id} hears about {kind} again." if kind in driver.stopped else f"{driver_id} had not stopped {kind}.")


def _last_said(path: Path) -> dict[str, tuple[str, ...]]:
    """What the car said on the last trip, by field of a profile."""
    said = kept_style(path).said
    found: dict[str, tuple[str, ...]] = {field: (said[kind],) if kind in said else () for field, kind in BINDINGS.items()}
    if not any(found.values()):
        raise click.UsageError("the car told no identifier, key, seat memory or phone on the last trip")
    return found


def _found(config_path: Path, store_path: Path | None, driver_id: str, *, drives: bool = False) -> Driver:
    """The profile of a driver; or of the owner, unless it has to be somebody who drives."""
    household = kept_household(store_file(config_path, store_path))
    driver = household.find(driver_id) if drives else household.known(driver_id)
    if driver is None:
        known = ", ".join(d.id for d in household.drivers) or "nobody"
        raise click.BadParameter(f"no driver {driver_id!r}; known: {known}. New: keyoff drivers add {driver_id}", param_hint="ID")
    return driver


def _save(config_path: Path, store_path: Path | None, driver: Driver) -> None:
    _enter(config_path, store_path, "DriverSaved", {"driver": msgspec.to_builtins(driver)})


def _enter(config_path: Path, store_path: Path | None, kind: str, data: dict[str, Any]) -> None:
    from agent.cli.enter import enter  # late
    from agent.io.requests import Request

    enter(config_path, store_path, Request("entry", entry=kind, data=data))


# -- what is kept ----------------------------------------------------------------------------------------


def kept_household(path: Path) -> Household:
    """The profiles as the unit has them; nobody before its first run. Raises StoreError."""
    from agent.events.household import HouseholdState

    return mended(_state(path, "household", HouseholdState).lent)


def kept_style(path: Path) -> DriverStyleState:
    from agent.events.driver_style import DriverStyleState

    return _state(path, "driver_style", DriverStyleState)


def _state(path: Path, name: str, kind: type[T]) -> T:
    from agent.io.states import read

    if not path.exists():
        return kind()
    conn = look(path)
    try:
        kept = read(conn)[0].get(name)
    finally:
        conn.close()
    return kind() if kept is None else msgspec.json.decode(kept[1], type=kind)
