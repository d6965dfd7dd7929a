"""keyoff fit: how the cars of a catalogue would do on this car's use; and, if its owner asks for it, what of that leaves."""

from __future__ import annotations

import sqlite3
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from agent.cli.load import config_option, json_option, load_config, look, now_utc_ns, store_file, store_option
from agent.cli.show import table

if TYPE_CHECKING:
    from agent.events.fit import FitCatalogueReceived
    from agent.fitting import Found
    from agent.report.amounts import Amounts
    from agent.report.fit import Fit

WIDTH = 80
ALMOST = 0.995  # what reads as 100 % and is not
NO_CATALOGUE = """\
No catalogue of cars is here, so there is nothing to match. It comes as a signed command, or as a file that holds one:
keyoff fit load FILE"""
IN_WORDS = {"would do, charging on the way": "charging en route"}  # a table is narrow


Command = Callable[..., Any]


def wanted_options(function: Command) -> Command:
    """--driver, --seats and --tow-kg."""
    for option in (
        click.option("--tow-kg", type=click.FloatRange(0, 10_000), help="What it has to tow, kg; likewise."),
        click.option("--seats", type=click.IntRange(1, 60), help="How many seats it has to have; the unit cannot see that."),
        click.option("--driver", help="On this driver's own trips; default: the car's whole use, whoever drove."),
    ):
        function = option(function)
    return function


@click.group(invoke_without_command=True, short_help="How other cars would do on this car's use.")
@wanted_options
@config_option
@store_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    config_path: Path,
    store_path: Path | None,
    driver: str | None,
    seats: int | None,
    tow_kg: float | None,
    as_json: bool,
) -> None:
    """The cars of a signed catalogue on the trips of the last year: enough range, energy, and what is not known.

    \b
      keyoff fit --seats 5 --tow-kg 1200
      keyoff fit load FILE          a catalogue: a file with a signed command
      keyoff fit share              shows what would leave the car, and asks
    """
    if ctx.invoked_subcommand is not None:
        return
    shown = find(config_path, store_path, driver, seats, tow_kg)
    if as_json:
        from msgspec import json as encoder  # late, as what follows

        click.echo(encoder.format(encoder.encode(None if shown is None else plain(shown)), indent=2).decode())
    else:
        click.echo(NO_CATALOGUE if shown is None else text(shown))


@command.command()
@wanted_options
@click.option("--yes", is_flag=True, help="Do not ask: it has been looked at.")
@config_option
@store_option
def share(
    config_path: Path, store_path: Path | None, driver: str | None, seats: int | None, tow_kg: float | None, yes: bool
) -> None:
    """Let the match leave the car, once: shown first, to the last word. It takes the consent `fit` of whose use it is."""
    from msgspec import json as encoder

    from agent.cli.enter import enter  # late, as all of these
    from agent.fitting import leaving
    from agent.io.requests import Request
    from agent.report.fit import withheld

    shown = find(config_path, store_path, driver, seats, tow_kg)
    if shown is None:
        raise click.UsageError(NO_CATALOGUE.partition(",")[0])
    if not shown.is_enough:
        raise click.UsageError(too_little(shown))
    if keep := withheld(shown.household, driver, shown.drove):
        raise click.UsageError(_withheld(shown, keep))
    data = leaving(shown)
    click.echo(encoder.format(encoder.encode(data), indent=2).decode())
    click.echo(f"\nThis, and no more, leaves {_where_to(config_path)}.")
    if not yes:
        click.confirm("Let it leave the car?", abort=True)
    enter(config_path, store_path, Request("entry", entry="FitShared", data=data))
    click.echo("It leaves with the next connection.")


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@config_option
@store_option
def load(file: Path, config_path: Path, store_path: Path | None) -> None:
    """A catalogue from FILE: a command as it would come from the broker (a compact JWS), by the key under [commands]."""
    from agent.cli.enter import enter  # late
    from agent.events.fit import is_to_come
    from agent.io.requests import Request

    made = signed(file, config_path)
    held = kept_catalogue(store_file(config_path, store_path))
    if held is not None and held.issued_utc_ns > made.data["issued_utc_ns"] and not is_to_come(held, now_utc_ns()):
        raise click.BadParameter(f"it is older than the one that is here ({held.source}), which stays", param_hint="FILE")
    enter(config_path, store_path, Request("entry", entry=made.kind, data=made.data, ref=made.id))
    n = len(made.data["cars"])
    click.echo(f"The catalogue is here: {made.data['source']}, {n} car{'s' * (n != 1)}. Look at it with: keyoff fit")


# -- a catalogue -----------------------------------------------------------------------------------


class Signed(NamedTuple):
    id: str
    kind: str
    data: dict[str, Any]


def signed(file: Path, config_path: Path) -> Signed:
    """The catalogue that FILE holds, if it is what agent/io/commands.py believes. Raises click.BadParameter, ConfigError."""
    from agent.config import ConfigError, convert
    from agent.entries.entering import data_of
    from agent.events.fit import FitCatalogueReceived
    from agent.io.commands import MAX_BYTES, Commands, NotBelieved, Refused

    config = load_config(config_path)
    if config.commands is None:
        raise ConfigError(f"{config_path}: no [commands]: name the public key of whoever may sign a catalogue")
    utc_ns = now_utc_ns()
    if utc_ns is None:
        raise click.BadParameter("whether it has expired cannot be told: this unit's clock is not set yet", param_hint="FILE")
    commands = Commands.load(config.commands, config_path.resolve().parent, config.unit.id)
    with file.open("rb") as f:
        payload = f.read(MAX_BYTES + 2).strip()
    try:
        found = commands.read(payload, utc_ns)
        if found.kind != FitCatalogueReceived.__name__:
            raise click.BadParameter(f"it holds {found.kind}, and no catalogue of cars", param_hint="FILE")
        convert(found.data, found.kind, data_of(FitCatalogueReceived))
    except NotBelieved as e:
        raise click.BadParameter(f"it is not believed: {e}; the key is {config.commands.key}", param_hint="FILE") from None
    except (Refused, ConfigError) as e:
        raise click.BadParameter(str(e), param_hint="FILE") from None
    return Signed(found.id, found.kind, found.data)


def kept_catalogue(path: Path) -> FitCatalogueReceived | None:
    """The one that the unit has; None before its first run too. Raises StoreError."""
    from agent.cli.why import decoded
    from agent.events.fit import FitRule, FitState
    from agent.io.states import read

    if not path.exists():
        return None
    conn = look(path)
    try:
        return decoded(read(conn)[0], "fit", FitState, FitRule.state_version).catalogue
    finally:
        conn.close()


# -- what is found ---------------------------------------------------------------------------------


def find(config_path: Path, store_path: Path | None, driver: str | None, seats: int | None, tow_kg: float | None) -> Found | None:
    """None without a catalogue. Raises click.BadParameter without a trip, StoreError, ConfigError."""
    from agent.cli.report import owner_and_vehicle  # late, as all that it takes
    from agent.fitting import Found, found
    from agent.io.store import store_error
    from agent.report.fit import Wanted

    path = store_file(config_path, store_path)
    conn = look(path)
    owner, _ = owner_and_vehicle(config_path)
    catalogue = kept_catalogue(path)
    if catalogue is None:
        return None
    try:
        shown = found(conn, owner, catalogue, driver, Wanted(seats, tow_kg), now_utc_ns())
    except sqlite3.Error as e:
        raise store_error(path, e) from e
    if not isinstance(shown, Found):
        whose = "no trip" if driver is None else f"no trip by {driver!r}"
        raise click.UsageError(f"{whose} in the last year; who drove: {', '.join(shown) or 'nobody'}")
    return shown


def plain(shown: Found) -> dict[str, Any]:
    """As JSON tells it."""
    return {
        "driver": shown.driver,
        "catalogue": {"source": shown.catalogue.source, "made_day": shown.made_day, "age_days": shown.age_days},
        "wanted": shown.wanted,
        "basis": shown.basis,
        "use": shown.use,
        "is_enough": shown.is_enough,
        "unseen_m": shown.unseen_m,
        "undated_trips": shown.undated,
        "damaged_trips": shown.damaged,
        "fits": shown.fits,
    }


# -- as it is read ---------------------------------------------------------------------------------


def text(shown: Found) -> str:
    from agent.report.amounts import Amounts

    say = Amounts("en", shown.owner.counts, shown.owner.economy)
    whose = "of this car, whoever drove" if shown.driver is None else f"that {shown.driver} made of this car"
    rows = [cells(each, say) for each in shown.fits]
    notes = [
        *longer(shown.fits),
        *not_known(shown.fits),
        *rests_on(shown, say),
        *([] if shown.is_enough else [too_little(shown)]),
    ]
    notes += [IN_RANGE, age(shown, say), STAYS]
    parts = [f"Other cars, on the use {whose}:", table(HEAD, [*rows, *this_car(shown, say)])]
    parts += ["\n".join(textwrap.fill(note, WIDTH) for note in notes)]
    return "\n\n".join(parts).replace("\u00a0", " ")


HEAD = ("car", "verdict", "in range", "economy", "a year")
IN_RANGE = "In range: of the days with a trip, those that one charge covers, charged overnight. A year as energy, in kWh for all."
STAYS = "This stays here. keyoff fit share shows what would leave, and asks."


def cells(found: Fit, say: Amounts) -> tuple[str | None, ...]:
    from agent.report.fit import MJ_PER

    verdict = IN_WORDS.get(found.verdict, found.verdict)
    economy = say.energy if found.energy == "electric" else say.economy
    in_range = None if found.days_share is None else say.share(found.days_share)
    if ALMOST <= (found.days_share or 0.0) < 1:
        in_range = "<100 %"
    return (
        found.name,
        f"{verdict} ({', '.join(found.lacks)})" if found.lacks else verdict,
        in_range,
        None if found.amount_100km is None else economy(found.amount_100km),
        None if found.energy_mj_year is None else say.with_unit(round(found.energy_mj_year / MJ_PER["electric"], -1), "kWh"),
    )


def this_car(shown: Found, say: Amounts) -> Iterator[tuple[str | None, ...]]:
    """What it needed itself, as far as it tells; the energy of its litres is not known, for the fuel may be either."""
    d, year_m = shown.driving, shown.use.year_m
    about = set(d.estimated)
    known = []
    if d.fuel_l_100km is not None:
        known.append((say.economy(d.fuel_l_100km, "fuel_l_100km" in about), d.fuel_l_100km, "l"))
    if d.energy_kwh_100km is not None:
        known.append((say.energy(d.energy_kwh_100km, "energy_kwh_100km" in about), d.energy_kwh_100km, "kWh"))
    for economy, amount, unit in known:
        year = None if year_m is None else say.with_unit(round(amount * year_m / 100_000, -1), unit)
        yield "this car", "as driven", None, economy, year


def longer(fits: list[Fit]) -> Iterator[str]:
    """On how many days they would have to charge on the way."""
    days = [f"{found.name} {round(found.longer_days_year)}" for found in fits if found.longer_days_year]
    if days:
        yield f"Days a year beyond the range: {', '.join(days)}."


def not_known(fits: list[Fit]) -> list[str]:
    """What is not known, and of which cars: once each."""
    what = list(dict.fromkeys(each for found in fits for each in found.not_known))
    of = {each: [found.name for found in fits if each in found.not_known] for each in what}
    return [f"Not known: {each} ({'all' if len(names) == len(fits) else ', '.join(names)})." for each, names in of.items()]


def rests_on(shown: Found, say: Amounts) -> Iterator[str]:
    use, basis = shown.use, shown.basis
    share = "" if basis.car_share is None else f", {say.share(basis.car_share)} of what the car drove"
    span = f"{say.day_and_year(basis.first_day)} to {say.day_and_year(basis.last_day)}"
    trips = f"{say.number(basis.trips)} trip{'s' * (basis.trips != 1)}, {say.length(basis.distance_m)}{share}"
    yield f"It rests on {basis.days_driven} days with a trip of {basis.days} ({span}): {trips}."
    if use.urban_share is not None:
        roads = (("town", use.urban_share), ("country", use.rural_share), ("motorway", use.motorway_share))
        yield f"By speed: {', '.join(f'{name} {say.share(part)}' for name, part in roads)}."
    lost = [f"{say.length(shown.unseen_m)} that the car counted and nobody saw"] * bool(shown.unseen_m)
    counts = ((shown.undated, "without a date"), (shown.damaged, "damaged in the store"))
    lost += [f"{n} trip{'s' * (n != 1)} {what}" for n, what in counts if n]
    if lost:
        yield f"Not in it: {'; '.join(lost)}."


def too_little(shown: Found) -> str:
    from agent.report.fit import LEAST_DAYS
    from agent.report.use import PACE_DAYS

    basis = shown.basis
    return (
        f"Too little is known yet: {basis.days} days, {basis.days_driven} with a trip; "
        f"from {PACE_DAYS} a year can be told, and from {LEAST_DAYS} with a trip what a battery car would cover."
    )


def age(shown: Found, say: Amounts) -> str:
    old = "its age is not known: the clock is not set" if shown.age_days is None else f"{shown.age_days} days old"
    return f"The catalogue: {shown.catalogue.source}, of {say.day_and_year(shown.made_day)}, {old}."


def _withheld(shown: Found, ids: list[str]) -> str:
    """What is missing for it to leave, and what to do."""
    known = [id for id in ids if shown.household.known(id)]
    grant = f"{' and '.join(known)} did not agree to it (keyoff drivers consent {known[0]} fit --grant)" if known else ""
    nobody = [id for id in ids if id not in known]
    others = f"{' and '.join(nobody)} drove, and nobody of that name is here to agree" if nobody else ""
    own = "; or share one driver's own: --driver ID" if shown.driver is None and shown.household.drivers else ""
    return "; ".join(filter(None, (grant, others))) + own


def _where_to(config_path: Path) -> str:
    """In words."""
    uplink = load_config(config_path).uplink if config_path.exists() else None
    return f"for {uplink.host}" if uplink else "once there is an [uplink] in keyoff.toml"
