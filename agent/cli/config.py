"""keyoff config check: is keyoff.toml right, before the service is started with it?"""

from __future__ import annotations

import json
from pathlib import Path

import click

from agent.cli.load import config_option, json_option, load_config, setup_of


@click.group(short_help="Check keyoff.toml.")
def command() -> None:
    """The configuration: one file, keyoff.toml; every key and its default stand in systemd/keyoff.toml."""


@command.command()
@config_option
@json_option
def check(config_path: Path, as_json: bool) -> None:
    """Read keyoff.toml, the vehicle's profile and DBC, the unit's certificate and each key; exit 78 when one is wrong."""
    from agent.io import clock  # late
    from agent.io.commands import load_key
    from agent.io.identity import Identity

    config = load_config(config_path)
    setup, plan = setup_of(config, config_path)
    notes = list(plan.notes)
    names = set(setup.vehicle.bus)
    notes += [
        f"bus {b.name!r} is not in the vehicle's profile ({', '.join(sorted(names)) or 'any name'})"
        for b in config.bus
        if names and b.name not in names
    ]
    if not config.bus:
        notes.append("no [[bus]]: `keyoff run` would have nothing to listen to")
    if config.uplink is None:
        notes.append("no [uplink]: events stay on the unit")
    else:
        wall = clock.wall()
        utc_ns = wall.utc_ns(clock.boottime_ns()) if wall and wall.quality == "synchronised" else None
        notes += Identity.load(config.uplink, config_path.resolve().parent, config.unit.id, utc_ns).notes
    if config.commands is not None:
        load_key(config_path.resolve().parent / config.commands.key)
        notes += ["[commands] without [uplink]: only a file brings one (keyoff fit load)"] if config.uplink is None else []
    if as_json:
        click.echo(json.dumps({"ok": True, "vehicle": setup.vehicle.name, "unit": setup.unit, "notes": notes}))
        return
    click.echo(f"{config_path} is right: unit {setup.unit}, vehicle {setup.vehicle.name}, {len(plan.messages)} messages wanted.")
    for note in notes:
        click.echo(f"  note: {note}")
