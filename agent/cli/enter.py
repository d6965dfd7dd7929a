"""What a person enters: straight into the store when no daemon runs, else as a request that the daemon takes in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.load import load_config, setup_of
from agent.config import Config, ConfigError, UnitConfig, VehicleConfig
from agent.io.requests import Request, answered, leave
from agent.io.store import Store, StoreError

if TYPE_CHECKING:
    from agent.daemon import Daemon

WAIT_S = 10.0  # a running daemon looks once a second


def enter(config_path: Path, store_path: Path | None, request: Request) -> None:
    """Have `request` done. Raises StoreError; ConfigError, EntryFailed as `apply` does."""
    from agent.daemon import Daemon  # late
    from agent.io import clock
    from agent.io.ledger import Ledger

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
        daemon.tick(clock.boottime_ns(), clock.wall(Ledger(store).floor_utc_ns()))
        apply(daemon, request)
    finally:
        store.close()


def apply(daemon: Daemon, request: Request) -> None:
    """Do what `request` asks for. Raises ConfigError, saying why, when it cannot be done; EntryFailed when not all of it is;
    StoreError."""
    from agent.entries.entering import EntryRefused

    data: dict[str, Any]
    match request.kind:
        case "odometer":
            kind, data = "OdometerRead", {"reading_m": request.reading_m}
        case "assign":
            kind, data = "TripAttributed", {"trip_id": request.trip_id, "driver": request.driver}
        case "entry":
            kind, data = request.entry or "", request.data
    try:
        daemon.enter(kind, data, request.ref)
    except EntryRefused as e:
        raise ConfigError(str(e)) from None


def _leave(state_dir: Path, request: Request) -> None:
    """Raises ConfigError when the daemon refuses it, EntryFailed when it fails at it."""
    from agent.entries.entering import EntryFailed
    from agent.io import clock

    path = leave(state_dir, request)
    for _ in range(round(WAIT_S * 10)):
        if not path.exists():
            match answered(path):
                case "refused", why:
                    raise ConfigError(why)
                case "failed", why:
                    raise EntryFailed(why)
            return
        clock.pause(0.1)
    click.echo("The daemon has not taken it in yet; it will when it can (keyoff status tells whether it runs).", err=True)
