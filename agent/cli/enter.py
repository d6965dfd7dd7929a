"""What a person enters: straight into the store when no daemon runs, else as a request that the daemon takes in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.load import load_config, setup_of
from agent.config import Config, ConfigError, UnitConfig, VehicleConfig
from agent.io.requests import Request, leave
from agent.io.store import Store, StoreError

if TYPE_CHECKING:
    from agent.daemon import Daemon

WAIT_S = 10.0  # a running daemon looks once a second


def enter(config_path: Path, store_path: Path | None, request: Request) -> None:
    """Have `request` done. Raises StoreError, ConfigError."""
    from agent.daemon import Daemon  # late
    from agent.io import clock

    config = (
        load_config(config_path)
        if store_path is None or config_path.exists()
        else Config(VehicleConfig("obd2"), UnitConfig(id="replay"))
    )
    path = store_path or Path(config.unit.state_dir) / "keyoff.db"
    try:
        store = Store(path, config.unit.id)
    except StoreError as e:
        if not e.locked:
            raise
        _leave(path.parent, request)
        return
    try:
        setup, plan = setup_of(config, config_path)
        daemon = Daemon(setup, plan, store, clock.boot_id())
        daemon.tick(clock.boottime_ns(), clock.wall())
        apply(daemon, request)
    finally:
        store.close()


def apply(daemon: Daemon, request: Request) -> None:
    """Do what `request` asks for. Raises ConfigError when it names no trip that there is."""
    if request.kind == "odometer" and request.reading_m is not None:
        daemon.set_odometer(request.reading_m)
    elif request.kind == "assign" and request.driver is not None:
        rows = [r for r in daemon.store.trips() if r["id"] == request.trip_id]
        if not rows:
            raise ConfigError(f"there is no trip {request.trip_id}")
        daemon.assign(dict(rows[0]), request.driver)


def _leave(state_dir: Path, request: Request) -> None:
    from agent.io import clock

    path = leave(state_dir, request)
    for _ in range(round(WAIT_S * 10)):
        if not path.exists():
            return
        clock.pause(0.1)
    click.echo("The daemon has not taken it in yet; it will when it can (keyoff status tells whether it runs).", err=True)
