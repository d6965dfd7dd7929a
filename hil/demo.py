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
from hil.cloud.show import reports
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
WALL = Wall(START_UTC_NS, "recorded")
WRONG = Wall(START_UTC_NS - 2 * 3600 * NS, "unsure")  # as after a boot without a clock battery, until the network is there
BROKER_GOES_AT, BROKER_COMES_AT = 8, 11
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
            live_the_week(path, broker, cloud)
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


class Life:
    """The unit through the week. `wall` is what its clock says; the broker is there, or it is not."""

    def __init__(self, daemon: Daemon, uplink: Uplink, broker: Broker, cloud: Cloud) -> None:
        self.daemon, self.uplink, self.broker, self.cloud = daemon, uplink, broker, cloud
        self.wall = WRONG
        self.frames = 0

    def drive(self, n: int, planned: PlannedDrive, drive: Drive) -> None:
        """One drive's frames through the daemon, two seconds at a time; afterwards the household says who drove."""
        start_ns = planned.start_utc_ns - START_UTC_NS
        self.sleep_until(start_ns)
        self.trouble(n)
        for chunk in chunks(frames(drive, start_ns, max_frames_per_s=FRAMES_PER_S), CHUNK):
            self.daemon.frames(chunk)
            self.daemon.tick(chunk[-1].t_ns, self.wall)
            self.frames += len(chunk)
        self.daemon.tick(start_ns + (drive.duration_s + 60) * NS, self.wall)
        self.daemon.assign(dict(self.daemon.store.trips()[-1]), planned.driver)

    def trouble(self, n: int) -> None:
        """What befalls it with the n-th drive: the clock is found after the first, and there is no broker for three."""
        if n == 1:
            self.wall = WALL
        if n == BROKER_GOES_AT:
            self.broker.stop()
        elif n == BROKER_COMES_AT:
            self.broker.start()
            self.cloud.wait_until(lambda: self.cloud.subscribed, DRAIN_S)

    def sleep_until(self, t_ns: int) -> None:
        """The car stands, the unit looks around every quarter of an hour, and the broker has real time to answer."""
        for at_ns in [*range(self.daemon.now_ns, t_ns, QUARTER_NS), t_ns]:
            self.daemon.tick(at_ns, self.wall)
            for _ in range(ANSWERS):
                if not (self.daemon.store.unsent() and self.uplink.state.connected):
                    break
                self.uplink.wait(ANSWER_S)
                self.daemon.send()


def live_the_week(path: Path, broker: Broker, cloud: Cloud) -> None:
    """Drive, sleep, wake; then show what came of it."""
    config = load_config(path)
    setup, plan = setup_of(config, path)
    store = Store(path.parent / "keyoff.db", UNIT)
    daemon = Daemon(setup, plan, store, boot_id=f"demo-{SEED}")
    with attach(daemon, config, path) as uplink:
        life = Life(daemon, uplink, broker, cloud)
        plans = week(HOUSEHOLD, SEED, START_UTC_NS)
        label = f"Seven days, {len(plans)} drives"
        drives = enumerate(play(plans, car("sim_petrol", odometer_m=FIRST_READING_M)))
        with click.progressbar(drives, length=len(plans), label=label) as bar:
            for n, (planned, drive) in bar:
                life.drive(n, planned, drive)
        life.sleep_until(plans[-1].end_utc_ns() - START_UTC_NS + AFTER_NS)
        daemon.commit()
        click.echo("Waiting for what the broker's absence left behind …")
        drain(daemon, uplink, DRAIN_S)
    cloud.wait_for(store.conn.execute("SELECT count(*) FROM events").fetchone()[0], DRAIN_S)
    report(store, cloud, config.owner.timezone, life.frames)
    store.close()


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
    click.echo(
        f"\nOn the way the clock was two hours wrong until after the first drive, and the broker was away from drive "
        f"{BROKER_GOES_AT + 1} to {BROKER_COMES_AT}."
    )
    prove(store, cloud)


def prove(store: Store, cloud: Cloud) -> None:
    """What the receiver's own file proves, by (epoch, seq). Raises Unavailable when it is not everything, once, believed."""
    (held,) = reports(cloud.receiver.db)
    kept = store.conn.execute("SELECT count(*) FROM events").fetchone()[0]
    numbers = sum(last - first + 1 for epoch in held.epochs for first, last in epoch.here)
    lost, twice = max(held.missing, kept - held.events), numbers - held.events
    valid = "all signatures valid" if not held.bad else f"{held.bad} signatures not believed"
    click.echo(f"The receiver holds {held.events} events of {kept}: {lost} lost, {twice} duplicated, {valid}.")
    if lost or twice or held.bad or not held.complete:
        raise Unavailable("the receiver does not hold everything once")


if __name__ == "__main__":
    main()
