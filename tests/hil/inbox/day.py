"""A day of a car and its keeper, in simulated time: the car's frames, the unit's daemon, broker, receiver, inbox, page.

All of it is what runs on the bench, on loopback; only the clock is made, and what waits for it does so in no time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from agent.cli.load import load_config, setup_of
from agent.cli.sending import attach
from agent.daemon import Daemon
from agent.events.command import CommandTaken
from agent.household import Driver, Purpose
from agent.io.store import Store
from agent.localtime import MINUTE_NS
from agent.model import NS, Event, Wall
from hil.broker import Broker
from hil.ca import CLOUD, Authority
from hil.cloud import Cloud
from hil.cloud.command import Commander
from hil.cloud.inbox.heard import Said
from hil.cloud.inbox.inbox import Inbox
from hil.cloud.inbox.journal import Journal
from hil.cloud.inbox.links import Links, secret
from hil.cloud.inbox.mail import Server
from hil.cloud.inbox.people import Book, Person
from hil.cloud.inbox.web import LOOPBACK, Served, app
from hil.cloud.inbox.workshop import Workshop
from hil.vehicle import Drive, car, frames, trace_of

E = TypeVar("E", bound=Event)

UNIT, ZONE = "evening-car", ZoneInfo("Europe/Berlin")
MIDNIGHT = datetime(2026, 11, 23, tzinfo=ZONE)  # a Monday
BOOT_UTC_NS = round(MIDNIGHT.timestamp()) * NS  # the unit's clock begins there
WALL = Wall(BOOT_UTC_NS, "recorded")
DUE_KM, LEFT_KM = 101_200.0, 6.0  # half a way to work is left, and no milestone is near
FRAMES_PER_S = 36  # the slowest at which no message of this car is stale
CHUNK = 2 * FRAMES_PER_S
STEP_NS = 5 * MINUTE_NS  # how often a parked unit and the far side look around
ANSWER_S = 60.0  # only a broken test waits for it
LOOK_S = 0.01
ALEX = Person(id="alex", mail="alex@example.org", timezone="Europe/Berlin", cars={UNIT: "Toyota RAV4"})

CONFIG = """\
[unit]
id = "{unit}"
state_dir = "{folder}"
cache_dir = "{folder}/cache"

[vehicle]
profile = "sim_petrol"

[owner]
timezone = "Europe/Berlin"

[[service]]
item = "oil change"
every_km = 15000.0
last_km = {last_km}

"""


def at(hour: int, minute: int = 0) -> int:
    """That time of the day, UTC in ns."""
    return round((MIDNIGHT + timedelta(hours=hour, minutes=minute)).timestamp()) * NS


class Day:
    """`events`: all that the unit raised, in order. `now_ns`: what time it is, UTC."""

    def __init__(self, folder: Path, authority: Authority, broker: Broker, smtp_port: int, consents: tuple[Purpose, ...]) -> None:
        self.path = _written(folder, authority, broker)
        self.events: list[Event] = []
        self._parts = ExitStack()
        self._authority, self._broker = authority, broker
        self._sent: set[str] = set()
        pair, ca = authority.client(CLOUD), authority.pair.certificate
        self.cloud = Cloud(broker.host, broker.port, ca, *pair, file=folder / "events.sqlite")
        self.workshop = Workshop("Bench Garage", ZONE)
        self.links = Links(secret(folder / "links.key"), "")
        self.journal = Journal(folder / "inbox.sqlite")
        self.inbox = Inbox(
            events_file=folder / "events.sqlite",
            journal=self.journal,
            book=Book((ALEX,)),
            links=self.links,
            address="car@localhost",
            post=Server(LOOPBACK, smtp_port),
            commands=self,
            workshop=self.workshop,
            tell=lambda _line: None,
        )
        self._commander = Commander(authority.command_key().private)
        config = load_config(self.path)
        self.store = Store(folder / "keyoff.db", UNIT)
        self.daemon = Daemon(*setup_of(config, self.path), self.store, boot_id="day")
        self.car = car("sim_petrol", odometer_m=(DUE_KM - LEFT_KM) * 1000)
        self.keeper = Driver("alex", is_keeper=True, key_fobs=("1",), consents=consents)

    def begin(self) -> None:
        """Midnight: everything is started, and the keeper has entered a profile."""
        self._parts.callback(self.store.close)
        self._parts.callback(self.cloud.stop)
        self.cloud.start()
        self.uplink = self._parts.enter_context(attach(self.daemon, load_config(self.path), self.path, takes_commands=True))
        self.links.base = self._parts.enter_context(Served(app(self.inbox, lambda: self.now_ns))).url
        self.daemon.tick(0, WALL)
        self.daemon.enter("DriverSaved", {"driver": msgspec.to_builtins(self.keeper)}, self.keeper.id)

    def close(self) -> None:
        self._parts.close()

    @property
    def now_ns(self) -> int:
        return BOOT_UTC_NS + self.daemon.now_ns

    def drive(self, utc_ns: int) -> Iterator[None]:
        """To work or back from then on; yields after each minute, when all that was said has arrived."""
        self.stand_until(utc_ns)
        drive = Drive(self.car, trace_of(["commute"], "average", seed=7))
        sent = frames(drive, utc_ns - BOOT_UTC_NS, max_frames_per_s=FRAMES_PER_S)
        told_ns = utc_ns
        while chunk := list(islice(sent, CHUNK)):
            self.daemon.frames(chunk)
            self.daemon.tick(chunk[-1].t_ns, WALL)
            if self.now_ns - told_ns >= MINUTE_NS:
                told_ns = self.now_ns
                self.exchange()
                yield

    def stand_until(self, utc_ns: int) -> None:
        """The car is parked."""
        for each_ns in [*range(self.now_ns + STEP_NS, utc_ns, STEP_NS), utc_ns]:
            self.daemon.tick(each_ns - BOOT_UTC_NS, WALL)
            self.exchange()

    def exchange(self) -> None:
        """Let what waits go both ways, until nothing does: the day stands still for that long. Raises TimeoutError."""
        until_s = time.monotonic() + ANSWER_S
        while True:
            self.daemon.tick(self.daemon.now_ns, WALL)
            self.events += self.daemon.take()
            self.inbox.turn(self.now_ns)
            open_ = self._open()
            if not any(open_.values()):
                return
            if time.monotonic() > until_s:
                raise TimeoutError(f"still on the way: {open_}; {self.uplink.state}, {self.cloud.counts}")
            self.uplink.wait(LOOK_S)

    def _open(self) -> dict[str, int]:
        """What is on its way still."""
        (left,) = self.store.conn.execute("SELECT count(*) FROM events").fetchone()
        taken = {e.command for e in self.heard(CommandTaken)}
        return {
            "to the broker": self.store.unsent(),
            "to the receiver": left - len(self.cloud.events),
            "to the inbox": len(self.cloud.events) - self.journal.heard_n,
            "to the unit": len(self._sent - taken),
        }

    def send(self, said: Said, id: str, expires_s: float) -> None:
        """A signed command over the broker, dated by the day's clock."""
        command = self._commander.sign(said.unit, said.kind, said.data, expires_s, now_s=self.now_ns / NS, jti=id)
        pair, ca = self._authority.client(CLOUD), self._authority.pair.certificate
        self._commander.send(command, said.unit, (self._broker.host, self._broker.port), ca, pair)
        self._sent.add(id)

    def heard(self, kind: type[E]) -> list[E]:
        """The unit's events of that kind so far."""
        return [e for e in self.events if isinstance(e, kind)]


def _written(folder: Path, authority: Authority, broker: Broker) -> Path:
    path = folder / "keyoff.toml"
    own = CONFIG.format(unit=UNIT, folder=folder, last_km=DUE_KM - 15_000)
    path.write_text(own + authority.settings(UNIT, broker.host, port=broker.port))
    return path
