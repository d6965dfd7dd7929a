"""keyoff run: the daemon. One thread reads each bus; this one decodes, keeps and publishes."""

from __future__ import annotations

import signal
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.load import config_option, load_config, setup_of
from agent.config import ConfigError
from agent.model import NS

if TYPE_CHECKING:
    from agent.daemon import Daemon
    from agent.io.buses.live import LiveBus
    from agent.io.uplink import Uplink
    from agent.model import Wall

IDLE_S = 0.2  # how long it waits for a frame: the loop's heartbeat
BATCH_S = 0.02  # let some frames gather: one decoding of eighty is cheaper than eighty of one
TICK_NS = NS  # wakes, commits, requests and the uplink are looked at once a second
SUSPENDED_NS = 60 * NS  # without a beat: no disk is that slow, and a car may have been driven off by then
STATUS_TICKS = 10
RETAINED_NS = 90 * 86_400 * NS  # a quarter of a year of what is looked at while something is being searched for


@click.command(short_help="The daemon: listen, keep, publish.")
@config_option
def command(config_path: Path) -> None:
    """Listen on the buses that the config names until SIGTERM, keep trips, publish events. It never sends on a bus.

    Under systemd it tells READY, WATCHDOG and STATUS; `journalctl -u keyoff` shows what it says.
    """
    from agent.daemon import Daemon  # late, as all that follows
    from agent.io import clock
    from agent.io.buses.live import LiveBus
    from agent.io.collector import calm_collector
    from agent.io.unit_store import open_for_daemon

    config = load_config(config_path)
    if not config.bus:
        raise ConfigError(f"{config_path}: no [[bus]]: name at least one to listen on, with interface and channel")
    setup, plan = setup_of(config, config_path)
    stopping = Stopping()
    with ExitStack() as stack:
        store = open_for_daemon(Path(config.unit.state_dir) / "keyoff.db", config.unit.id, config.store.max_mb)
        stack.callback(store.close)
        daemon = Daemon(setup, plan, store, clock.boot_id())
        uplink = None
        if config.uplink is not None:
            from agent.cli.sending import attach

            uplink = stack.enter_context(attach(daemon, config, config_path, takes_commands=True))
        buses = [LiveBus(b, plan.filters().get(b.name, ())) for b in config.bus]
        for bus in buses:
            bus.start()
            stack.callback(bus.stop)
        loop = Loop(daemon, buses, Path(config.unit.state_dir), uplink)
        calm_collector()
        loop.notifier.ready()
        click.echo(
            f"keyoff listens on {', '.join(b.channel for b in config.bus)} as {setup.unit}, a {setup.vehicle.name}", err=True
        )
        while not stopping:
            loop.beat()
        for bus in buses:
            bus.leave()  # all at once: together they take as long as one
        loop.notifier.stopping()
        loop.calendar.stop()
        loop.hear()
        daemon.commit()


class Loop:
    """Frames as they come; once a second everything else."""

    def __init__(self, daemon: Daemon, buses: list[LiveBus], state_dir: Path, uplink: Uplink | None) -> None:
        from agent.io.calendar import Calendar  # late
        from agent.io.ledger import Ledger
        from agent.io.systemd import Notifier

        self.daemon, self.buses, self.state_dir, self.uplink = daemon, buses, state_dir, uplink
        daemon.counters += [bus.counts for bus in buses]
        self.notifier = Notifier()
        self.ticks = 0
        self._next_ns = 0
        self._beat_ns: int | None = None
        self._unwritten: set[Path] = set()  # requests that are done in memory, and wait for the disk
        self.ledger = Ledger(daemon.store)
        self.floor_utc_ns = self._floor_utc_ns()
        self.calendar = Calendar(self.ledger, daemon.zone)
        self._heard = buses[0].heard
        for bus in buses[1:]:
            bus.heard = self._heard  # any bus wakes the loop

    def _floor_utc_ns(self) -> int:
        from agent.io.store import StoreError

        try:
            return self.ledger.floor_utc_ns()
        except StoreError as e:
            self.daemon.store_trouble = str(e)
            return 0

    def hear(self) -> None:
        """Decode what all buses have, in order of time."""
        frames = [frame for bus in self.buses for frame in bus.take()]
        if len(self.buses) > 1:
            frames.sort(key=lambda f: f.t_ns)
        if frames:
            self.daemon.frames(frames)

    def beat(self) -> None:
        from agent.io import clock

        self._heard.wait(IDLE_S)
        self._heard.clear()
        began_ns = clock.boottime_ns()
        if began_ns - (self._beat_ns or began_ns) > SUSPENDED_NS:
            self.daemon.resume(began_ns)
        self._beat_ns = began_ns
        self.hear()
        now_ns = clock.boottime_ns()
        if now_ns < self._next_ns:
            if self.uplink is not None and self.uplink.state.in_flight:
                self.daemon.send()  # a backlog drains faster than one window a second
            clock.pause(BATCH_S)
            return
        self._next_ns = now_ns + TICK_NS
        self.ticks += 1
        wall = clock.wall(self.floor_utc_ns)
        if wall is not None and wall.quality == "synchronised":
            self.floor_utc_ns = wall.utc_ns(now_ns)
        self.daemon.tick(now_ns, wall)
        self.daemon.take()  # nobody here prints events
        self._take_requests()
        self._keep_calendar(now_ns, wall)
        self.notifier.alive()
        if self.ticks % STATUS_TICKS == 1:
            self.notifier.status(self.status())

    def _keep_calendar(self, now_ns: int, wall: Wall | None) -> None:
        """Nightly and weekly work, while no trip is under way; what fails comes again with the next night."""
        from agent.io.store import StoreError

        if wall is None or self.daemon.engine.trip.open_trip_id is not None:
            return
        due_ns = self.daemon.engine.next_wake()
        try:
            for job in self.calendar.take(wall, None if due_ns is None else wall.utc_ns(due_ns) // NS * NS):
                if job == "retention":
                    self.ledger.retain(wall.utc_ns(now_ns) - RETAINED_NS)
                elif job == "compaction":
                    self.ledger.compact()
                self.calendar.done(job)
        except StoreError as e:
            self.daemon.store_trouble = str(e)

    def status(self) -> str:
        """One line for systemctl status."""
        trip = "a trip is under way" if self.daemon.engine.trip.open_trip_id else "parked"
        troubles = [b.trouble for b in self.buses if b.trouble]
        troubles += [t for t in (self.daemon.store_trouble, self.uplink.state.last_error if self.uplink else None) if t]
        frames = sum(b.frames for b in self.buses)
        return "; ".join([f"{trip}, {frames} frames heard, {self.daemon.store.unsent()} events to send", *troubles])

    def _take_requests(self) -> None:
        from agent.entries.entering import EntryFailed
        from agent.io import requests
        from agent.io.store import StoreError

        if self.daemon.store_trouble:
            return  # what cannot be written now waits where it is
        for path, request in requests.waiting(self.state_dir):
            from agent.cli.enter import apply  # late: not on most days

            known = len(self.daemon.raised)
            try:
                if request is not None and path not in self._unwritten:
                    apply(self.daemon, request)
            except ConfigError as e:
                click.echo(f"keyoff: a request was refused: {e}", err=True)
                requests.answer(path, "refused", str(e))
            except EntryFailed as e:
                click.echo(f"keyoff: a request was not done: {e}", err=True)
                requests.answer(path, "failed", str(e))
            except StoreError as e:
                self.daemon.store_trouble = str(e)
                if len(self.daemon.raised) > known:
                    self._unwritten.add(path)
                return  # it stays where it is: what is in memory only, a power cut takes
            self._unwritten.discard(path)
            with suppress(OSError):
                path.unlink()


class Stopping:
    """True once SIGTERM or SIGINT has come."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: object) -> None:
        self.asked = True

    def __bool__(self) -> bool:
        return self.asked
