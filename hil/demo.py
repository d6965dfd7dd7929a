"""python -m hil.demo: a simulated week of a household, from frames on the bus to verified events at a real broker.

The main job end to end, on an embedded default: a throwaway CA, a broker on loopback (mosquitto if installed, else the
embedded one), a subscriber that verifies each signature, and the daemon's own path in simulated time.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeAlias

import click

from agent.cli.drivers import by_driver, driver_table
from agent.cli.exits import Unavailable
from agent.cli.load import load_config, setup_of
from agent.cli.sending import attach, drain
from agent.cli.show import distance, moment, table
from agent.cli.trips import trip_table
from agent.daemon import Daemon
from agent.io.store import Store
from agent.io.uplink import Uplink
from agent.model import NS, Frame, Wall
from hil.broker import Broker
from hil.ca import Authority
from hil.cloud.subscriber import Cloud
from hil.vehicle import HOUSEHOLD, Drive, PlannedDrive, car, frames, play, week

Protocol: TypeAlias = Literal["5", "3.1.1"]

UNIT = "demo-car"
START_UTC_NS = round(datetime(2026, 10, 26, tzinfo=UTC).timestamp()) * NS  # the week ends with the month: summaries come due
FIRST_READING_M = 99_890_000.0  # the week passes 100,000 km, and the oil service before it
SEED = 7
FRAMES_PER_S = 50
CHUNK = 100  # two seconds of the bus
AFTER_NS = 3 * 24 * 3600 * NS  # how long the car then stands: prompts and the month's end come in that time
QUARTER_NS = 900 * NS
DRAIN_S = 60.0
ANSWERS, ANSWER_S = 20, 0.05  # how often, and how long, a simulated quarter of an hour waits for the broker

CONFIG = """\
[unit]
id = "{unit}"
state_dir = "{folder}"
cache_dir = "{folder}/cache"

[vehicle]
profile = "sim_petrol"

[owner]
counts = "km"
timezone = "{zone}"
tell_at = "18:30"
over_speed_kmh = 125.0

[[service]]
item = "oil change"
every_km = 15000.0
last_km = 84970.0

[uplink]
host = "{host}"
port = {port}
protocol = "{protocol}"
ca = "ca.pem"
certificate = "{certificate}"
key = "{key}"
"""


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
def main(folder: Path, kind: Any) -> None:
    """A week of a household's car in under a minute.

    Drives become trips; a milestone is noticed, a service prompt waits, and the cloud gets it all, signed.
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
        cloud = Cloud(broker.host, broker.port, authority.pair.certificate, *authority.client("cloud"), protocol)
        cloud.start()
        try:
            path = write_config(folder, authority, broker, protocol)
            live_the_week(path, cloud)
        finally:
            cloud.stop()
    click.echo(f"\nLook further:  .venv/bin/keyoff trips --config {path}   (also status, drivers, odometer)")


def write_config(folder: Path, authority: Authority, broker: Broker, protocol: Protocol) -> Path:
    pair = authority.client(UNIT)
    text = CONFIG.format(
        unit=UNIT,
        folder=folder,
        zone=HOUSEHOLD.timezone,
        host=broker.host,
        port=broker.port,
        protocol=protocol,
        certificate=pair.certificate.name,
        key=pair.key.name,
    )
    path = folder / "keyoff.toml"
    path.write_text(text)
    return path


def live_the_week(path: Path, cloud: Cloud) -> None:
    """Drive, sleep, wake; then show what came of it."""
    config = load_config(path)
    setup, plan = setup_of(config, path)
    store = Store(path.parent / "keyoff.db", UNIT)
    daemon = Daemon(setup, plan, store, boot_id=f"demo-{SEED}")
    with attach(daemon, config, path) as uplink:
        plans = week(HOUSEHOLD, SEED, START_UTC_NS)
        heard = 0
        label = f"Seven days, {len(plans)} drives"
        with click.progressbar(play(plans, car("sim_petrol", odometer_m=FIRST_READING_M)), length=len(plans), label=label) as bar:
            for planned, drive in bar:
                heard += drive_once(daemon, uplink, planned, drive)
        end_ns = plans[-1].end_utc_ns() - START_UTC_NS + AFTER_NS
        sleep_until(daemon, uplink, end_ns)
        daemon.commit()
        drain(daemon, uplink, DRAIN_S)
    cloud.wait_for(store.conn.execute("SELECT count(*) FROM events").fetchone()[0], DRAIN_S)
    report(store, cloud, config.owner.timezone, heard)
    store.close()


WALL = Wall(START_UTC_NS, "recorded")


def drive_once(daemon: Daemon, uplink: Uplink, planned: PlannedDrive, drive: Drive) -> int:
    """One drive's frames through the daemon, two seconds at a time; afterwards the household says who drove."""
    start_ns = planned.start_utc_ns - START_UTC_NS
    sleep_until(daemon, uplink, start_ns)
    heard = 0
    for chunk in chunks(frames(drive, start_ns, max_frames_per_s=FRAMES_PER_S), CHUNK):
        daemon.frames(chunk)
        daemon.tick(chunk[-1].t_ns, WALL)
        heard += len(chunk)
    daemon.tick(start_ns + (drive.duration_s + 60) * NS, WALL)
    trip = daemon.store.trips()[-1]
    daemon.assign(dict(trip), planned.driver)
    return heard


def sleep_until(daemon: Daemon, uplink: Uplink, t_ns: int) -> None:
    """The car stands, the unit looks around every quarter of an hour, and the broker has real time to answer."""
    for at_ns in [*range(daemon.now_ns, t_ns, QUARTER_NS), t_ns]:
        daemon.tick(at_ns, WALL)
        for _ in range(ANSWERS):
            if not daemon.store.unsent():
                break
            uplink.wait(ANSWER_S)
            daemon.send()


def chunks(items: Iterable[Frame], size: int) -> Iterator[list[Frame]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def report(store: Store, cloud: Cloud, zone: str, heard: int) -> None:
    """Trips, drivers, milestone, prompt, and what the subscriber got. Raises Unavailable when that is not everything."""
    rows = store.conn.execute("SELECT * FROM trips ORDER BY n").fetchall()
    click.echo(f"\n{heard:,} frames came to {len(rows)} trips.\n\n{trip_table(rows, zone, 'km')}")
    click.echo("\n" + driver_table(by_driver(store.path, zone), "km"))
    mark = next(e for e in cloud.events if ".MilestoneReached." in e["type"])["data"]
    passed = f"passed on {moment(mark['utc_ns'], zone)} in mid-drive, at {distance(mark['reading_m'])}"
    click.echo(f"\nMilestone: {mark['mark']:,} {mark['counts']}, {passed}.")
    prompts = store.conn.execute("SELECT * FROM prompts ORDER BY raised_ns").fetchall()
    times = [[moment(p[f"{state}_utc_ns"], zone) for state in ("raised", "held", "released", "published")] for p in prompts]
    shown = [(p["topic"], t[0], f"{t[1]}: {p['held_by']}", t[2], t[3]) for p, t in zip(prompts, times, strict=True)]
    click.echo("\n" + table(("prompt", "raised", "held", "released", "published"), shown))
    click.echo(f'  "{prompts[0]["text"]}"')
    got = Counter(e["type"] for e in cloud.events)
    click.echo("\n" + table(("the cloud got", "events"), sorted(got.items())))
    kept = store.conn.execute("SELECT count(*) FROM events").fetchone()[0]
    wrong = f"{cloud.counts.duplicates} duplicates, {cloud.counts.bad} bad signatures"
    click.echo(f"\n{len(cloud.events)} of {kept} events arrived and verified, {wrong}; {store.unsent()} still to send.")
    if len(cloud.events) != kept or cloud.counts.bad:
        raise Unavailable("the subscriber did not get everything")


if __name__ == "__main__":
    main()
