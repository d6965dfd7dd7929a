"""`python -m hil.cloud`: listen at a broker, verify, keep, tell. `python -m hil.cloud show FILE`: what was kept."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click

from hil.ca import CLOUD
from hil.cloud.show import read, text
from hil.cloud.subscriber import Cloud

PEM = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True)
@click.option("--host", default="localhost", show_default=True, help="The broker.")
@click.option("--port", default=8883, show_default=True)
@click.option("--ca", type=PEM, help="The CA that signed the broker's and the units' certificates.")
@click.option("--cert", type=PEM, help="This subscriber's certificate.")
@click.option("--key", type=PEM, help="Its key.")
@click.option("--protocol", type=click.Choice(["5", "3.1.1"]), default="5", show_default=True)
@click.option("--name", default=CLOUD, show_default=True, help="The MQTT client id; what arrives while it is away waits.")
@click.option(
    "--store", type=click.Path(dir_okay=False, path_type=Path), help="Keep everything in this file. Default: nothing is kept."
)
@click.option("--json", "as_json", is_flag=True, help="One verified CloudEvent a line on standard output, nothing else.")
@click.pass_context
def main(
    context: click.Context,
    *,
    host: str,
    port: int,
    ca: Path | None,
    cert: Path | None,
    key: Path | None,
    protocol: Literal["5", "3.1.1"],
    name: str,
    store: Path | None,
    as_json: bool,
) -> None:
    """Subscribe to keyoff/#, verify each signature up to the CA, keep and show each event once, until Ctrl-C."""
    if context.invoked_subcommand is not None:
        return
    if ca is None or cert is None or key is None:
        raise click.UsageError("--ca, --cert and --key are needed to listen at a broker (python -m hil.ca makes them)")
    try:
        cloud = Cloud(host, port, ca, cert, key, protocol, name, store or ":memory:")
        cloud.on_event = _print_json if as_json else _print_row
        cloud.start()
    except OSError as e:  # TimeoutError is one
        raise click.ClickException(f"cannot subscribe at {host}:{port}: {e}") from None
    except sqlite3.Error as e:
        raise click.ClickException(f"{store}: {e}: name another file, or none") from None
    click.echo(f"subscribed to keyoff/# at {host}:{port}; Ctrl-C ends it", err=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the counts are told then, too
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
    cloud.stop()
    for refusal in cloud.refusals:
        click.echo(f"not believed: {refusal}", err=True)
    click.echo(json.dumps(asdict(cloud.counts)), err=True)


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One object a unit, for programs.")
def show(file: Path, as_json: bool) -> None:
    """What FILE holds: each unit's events by kind, its epochs, and whether any is missing. It may be in use.

    `emptied`: events whose content is gone because a consent was taken back; they count as here.
    """
    try:
        units, refusals = read(file)
    except sqlite3.Error as e:
        raise click.ClickException(f"{file} is no receiver's file: {e}") from None
    if as_json:
        click.echo(json.dumps([unit.as_json() for unit in units], indent=1))
    else:
        click.echo(text(units, refusals) if units else "nothing was heard of any unit")


def _print_json(event: dict[str, Any]) -> None:
    click.echo(json.dumps(event, separators=(",", ":")))


def _print_row(event: dict[str, Any]) -> None:
    unit = event["source"].rpartition(":")[2]
    click.echo(f"{event.get('time', 'time unknown'):24}  {unit:16}  {event['seq']:>6}  {event['type']:32}  {event['id']}")


if __name__ == "__main__":
    main()
