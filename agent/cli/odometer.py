"""keyoff odometer: what the car has done, where that is known from, and a person's correction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import click

from agent.cli.load import config_option, json_option, look, store_file, store_option
from agent.cli.show import distance
from agent.cli.trips import owner_view
from agent.household import UNIT_M
from agent.io.states import read

KM_MAX = 10_000_000.0  # what a person may enter; the most ever driven by one car is below half of it


@click.group(invoke_without_command=True, short_help="The odometer's reading, and how to correct it.")
@config_option
@store_option
@json_option
@click.pass_context
def command(ctx: click.Context, config_path: Path, store_path: Path | None, as_json: bool) -> None:
    """The reading, and whether the car counts it or it is an entered one plus what was driven since.

    \b
      keyoff odometer
      keyoff odometer set 48210        as the car's display shows it, in km
      keyoff odometer set 29956 --mi   in miles
    """
    if ctx.invoked_subcommand is not None:
        return
    conn = look(store_file(config_path, store_path))
    _, body = read(conn)[0].get("odometer", (1, b'{"source":"none"}'))
    state: dict[str, Any] = json.loads(body)
    if as_json:
        known = ("source",) if state["source"] == "none" else ("source", "reading_m", "error_m")
        click.echo(json.dumps({k: state[k] for k in known}))
    elif state["source"] == "none":
        click.echo("Unknown. This car has not told it; enter it with: keyoff odometer set READING")
    else:
        _, counts = owner_view(config_path)
        about = (
            ""
            if state["source"] == "vehicle"
            else f" ± {distance(state['error_m'], counts)} (entered, plus what was driven since)"
        )
        click.echo(f"{distance(state['reading_m'], counts)}{about}")


@command.command("set")
@click.argument("reading", type=click.FloatRange(0, KM_MAX))
@click.option("--mi", "unit", flag_value="mi", help="READING is in miles.")
@click.option("--km", "unit", flag_value="km", help="In km: the default, but where [owner] counts in miles.")
@config_option
@store_option
def set_(reading: float, unit: Literal["km", "mi"] | None, config_path: Path, store_path: Path | None) -> None:
    """Enter the READING. No milestone is raised for what lies before it. Where [owner] counts in miles, say --mi or --km."""
    from agent.cli.enter import enter  # late
    from agent.io.requests import Request

    _, counts = owner_view(config_path)
    if unit is None and counts == "mi":
        raise click.BadParameter(f"{reading:,.0f} km or miles? [owner] counts in miles: add --mi, or --km", param_hint="READING")
    unit = unit or "km"
    enter(config_path, store_path, Request("odometer", reading_m=reading * UNIT_M[unit]))
    click.echo(f"The odometer stands at {reading:,.0f} {unit}.")
