"""`python -m hil.cloud`: listen at a broker, verify, tell."""

from __future__ import annotations

import contextlib
import json
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click

from hil.ca import CLOUD
from hil.cloud.subscriber import Cloud

PEM = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--host", default="localhost", show_default=True, help="The broker.")
@click.option("--port", default=8883, show_default=True)
@click.option("--ca", required=True, type=PEM, help="The CA that signed the broker's and the units' certificates.")
@click.option("--cert", required=True, type=PEM, help="This subscriber's certificate.")
@click.option("--key", required=True, type=PEM, help="Its key.")
@click.option("--protocol", type=click.Choice(["5", "3.1.1"]), default="5", show_default=True)
@click.option("--name", default=CLOUD, show_default=True, help="The MQTT client id; what arrives while it is away waits.")
@click.option("--json", "as_json", is_flag=True, help="One verified CloudEvent a line on standard output, nothing else.")
def main(
    *, host: str, port: int, ca: Path, cert: Path, key: Path, protocol: Literal["5", "3.1.1"], name: str, as_json: bool
) -> None:
    """Subscribe to keyoff/#, verify each signature up to the CA, show each event once, until Ctrl-C."""
    cloud = Cloud(host, port, ca, cert, key, protocol, name)
    cloud.on_event = _print_json if as_json else _print_row
    try:
        cloud.start()
    except OSError as e:  # TimeoutError is one
        raise click.ClickException(f"cannot subscribe at {host}:{port}: {e}") from None
    click.echo(f"subscribed to keyoff/# at {host}:{port}; Ctrl-C ends it", err=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the counts are told then, too
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
    cloud.stop()
    for refusal in cloud.refusals:
        click.echo(f"not believed: {refusal}", err=True)
    click.echo(json.dumps(asdict(cloud.counts)), err=True)


def _print_json(event: dict[str, Any]) -> None:
    click.echo(json.dumps(event, separators=(",", ":")))


def _print_row(event: dict[str, Any]) -> None:
    unit = event["source"].rpartition(":")[2]
    click.echo(f"{event.get('time', 'time unknown'):24}  {unit:16}  {event['seq']:>6}  {event['type']:32}  {event['id']}")


if __name__ == "__main__":
    main()
