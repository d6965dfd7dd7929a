"""python -m hil.demo: three months of a household of three and their car, from frames on the bus to mails in the evening.

The main job end to end, on an embedded default: a throwaway CA, a broker on loopback (mosquitto if installed, else the
embedded one), a receiver that verifies each signature, the inbox with its mails, and the daemon's own path in simulated time.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

from agent.cli.load import load_config, setup_of
from agent.cli.sending import attach, drain
from agent.daemon import Daemon
from agent.io.store import Store
from hil.broker import Broker
from hil.ca import CLOUD, Authority
from hil.cloud import Cloud
from hil.demo.folder import FIRST_READING_M, START_UTC_NS, UNIT, Protocol, write_config
from hil.demo.life import DRAIN_S, Life
from hil.demo.story import tell
from hil.demo.town import Town
from hil.vehicle import HOUSEHOLD, PlannedDrive, car, play, week

SEED = 7
WEEKS = 13
WEEK_NS = 7 * 86_400 * 1_000_000_000
NOON_NS = WEEK_NS // 14  # weeks are planned from a day's middle: clocks change in one of these nights
AFTER_NS = 3 * 86_400 * 1_000_000_000  # how long the car then stands: the last report comes in that time


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".demo"),
    show_default=True,
    help="Where it works; emptied first.",
)
@click.option(
    "--broker",
    "kind",
    type=click.Choice(["mosquitto", "amqtt"]),
    help="Default: mosquitto if installed, else the embedded amqtt.",
)
@click.option("--weeks", type=click.IntRange(2, WEEKS), default=WEEKS, show_default=True, help="How long they live.")
def main(folder: Path, kind: Any, weeks: int) -> None:
    """Three months of a household's car in some two minutes.

    Who drove, what the car needs, and what is said of it: held while they drive, sent by mail when they are home.
    """
    folder = folder.resolve()
    if folder.exists() and any(folder.iterdir()) and not (folder / "keyoff.toml").exists():
        raise click.BadParameter(f"{folder} holds something else; name an empty folder", param_hint="--folder")
    shutil.rmtree(folder, ignore_errors=True)
    authority = Authority(folder)
    with Broker(authority, kind=kind) as broker:
        protocol: Protocol = "5" if broker.kind == "mosquitto" else "3.1.1"
        where = f"{broker.host}:{broker.port}, MQTT {protocol} over TLS"
        click.echo(f"Broker: {broker.kind} on {where}, client certificates from a throwaway CA.")
        path = write_config(folder, authority, broker, protocol)
        pair, ca = authority.client(CLOUD), authority.pair.certificate
        cloud = Cloud(broker.host, broker.port, ca, *pair, protocol, CLOUD, folder / "events.sqlite")
        cloud.start()
        try:
            live(path, authority, broker, cloud, protocol, weeks)
        finally:
            cloud.stop()
    click.echo(f"\nLook further:  .venv/bin/keyoff trips --config {path}   (also why, report, drivers, service, status)")


def live(path: Path, authority: Authority, broker: Broker, cloud: Cloud, protocol: Protocol, weeks: int) -> None:
    """Drive, sleep, wake; then tell what came of it."""
    config = load_config(path)
    setup, plan = setup_of(config, path)
    store = Store(path.parent / "keyoff.db", UNIT)
    store.conn.execute("PRAGMA synchronous = OFF")  # nobody cuts the power here, and 60,000 syncs would be most of its minutes
    daemon = Daemon(setup, plan, store, boot_id=f"demo-{SEED}")
    town = Town(path.parent, authority, broker, protocol)
    with attach(daemon, config, path, takes_commands=True) as uplink:
        life = Life(daemon, uplink, broker, cloud, town)
        life.settle_in()
        plans = [p for n in range(weeks) for p in week(HOUSEHOLD, SEED + n, START_UTC_NS + n * WEEK_NS + NOON_NS)]
        the_car = car("sim_petrol", odometer_m=FIRST_READING_M)
        with click.progressbar(
            enumerate(play(plans, the_car)), length=len(plans), label=f"{weeks} weeks, {len(plans)} drives"
        ) as bar:
            for n, (planned, drive) in bar:
                life.drive(n, planned, drive, the_car)
        life.sleep_until(end_of(plans) + AFTER_NS)
        daemon.commit()
        click.echo("Waiting for what is still on its way …")
        drain(daemon, uplink, DRAIN_S)
    cloud.wait_for(store.conn.execute("SELECT count(*) FROM events").fetchone()[0], DRAIN_S)
    tell(store, cloud, town, config, life)
    store.close()


def end_of(plans: list[PlannedDrive]) -> int:
    """When the last drive is over, in the unit's clock."""
    return plans[-1].end_utc_ns() - START_UTC_NS


if __name__ == "__main__":
    main()
