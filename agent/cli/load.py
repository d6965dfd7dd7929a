"""From keyoff.toml and a vehicle's name to what the daemon is made of; and to the store, for who only looks."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from agent.config import Config, ConfigError, Service, UnitConfig, VehicleConfig, parse
from agent.decode import Plan
from agent.household import UNKNOWN
from agent.household.profile import CLOCK, IDENTITY, is_day, is_zone
from agent.io.database import connect_to_look, in_memory
from agent.io.schema import names
from agent.io.store_error import StoreError, store_error
from agent.io.vehicles import find_vehicle
from agent.model import Setup

DEFAULT_CONFIG = Path("/etc/keyoff/keyoff.toml")

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="KEYOFF_CONFIG",
    default=DEFAULT_CONFIG,
    show_default=True,
    help="The unit's keyoff.toml (or $KEYOFF_CONFIG).",
)
store_option = click.option(
    "--store",
    "store_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The database to look at, in place of the unit's own.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON on standard output, for scripts.")


def load_config(path: Path) -> Config:
    """keyoff.toml, checked as far as it goes without a bus. Raises ConfigError."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file; copy systemd/keyoff.toml there, or name another with --config"
        ) from None
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{path}: cannot be read: {e}") from None
    config = parse(text, str(path), Config)
    check(config, path)
    return config


def check(config: Config, path: Path) -> None:
    """What the types do not say. Raises ConfigError."""
    owner = config.owner
    if not is_zone(owner.timezone):
        raise ConfigError(f"{path}: owner.timezone: {owner.timezone!r} is no IANA time zone; write one like Europe/Berlin")
    if owner.tell_at is not None and not CLOCK.is_right(owner.tell_at):
        raise ConfigError(f"{path}: owner.tell_at: {owner.tell_at!r} is {CLOCK.what}")
    if owner.driver != UNKNOWN and not IDENTITY.is_right(owner.driver):
        raise ConfigError(f"{path}: owner.driver: {owner.driver!r} is {IDENTITY.what}; or leave it out: nobody is presumed then")
    for fault in service_faults(config.service):
        raise ConfigError(f"{path}: {fault}")


def service_faults(services: Sequence[Service]) -> Iterator[str]:
    """What is wrong with [[service]]: key, what, and the fix."""
    names = [s.item for s in services]
    for service in services:
        item = repr(service.item)
        if names.count(service.item) > 1:
            yield f"service.item: {item} is there {names.count(service.item)} times; give each item its own name"
        limits = (service.every_km, service.every_months, service.every_engine_h, service.oil_life_below_percent)
        if not service.from_car and all(each is None for each in limits):
            yield (
                f"service: {item} is never due; give it one of every_km, every_months, every_engine_h, "
                "oil_life_below_percent, from_car"
            )
        for key in COUNTED:
            yield from _counted_faults(service, item, key)
        for key in ("car_reminds_km_before", "car_reminds_days_before"):
            value = getattr(service, key)
            if value is not None and value < 0:
                yield f"service.{key}: {item}: it cannot be below 0; 0 is when the item is due"
        if service.oil_life_below_percent is not None and not 0 <= service.oil_life_below_percent < 100:
            yield f"service.oil_life_below_percent: {item} needs 0 to below 100"
    if sum(s.from_car for s in services) > 1:
        yield "service.from_car: the car counts to one service only; leave it at one item"


COUNTED = {"every_km": "last_km", "every_months": "last_day", "every_engine_h": "last_engine_h"}


def _counted_faults(service: Service, item: str, key: str) -> Iterator[str]:
    """What is wrong with a limit that counts from when the item was last done."""
    every, last_key = getattr(service, key), COUNTED[key]
    last = getattr(service, last_key)
    if every is not None and every <= 0:
        yield f"service.{key}: {item} needs more than 0"
    if every is not None and last is None:
        yield f"service.{last_key}: {item} has {key}, so it needs {last_key} too: where it stood when it was last done"
    if isinstance(last, str) and not is_day(last):
        yield f'service.{last_key}: {item}: {last!r} is no day; write it like "2026-03-01"'


def setup_of(config: Config, path: Path | None) -> tuple[Setup, Plan]:
    """The rules' setup and the decoder's plan (from the cache, or compiled by a child process). Raises ConfigError."""
    from agent.engine import wanted  # late: those who only look need neither
    from agent.io.plans import load_plan

    folder = Path(config.vehicle.dir) if config.vehicle.dir else None
    if folder and path and not folder.is_absolute():
        folder = path.parent / folder
    vehicle, profile = find_vehicle(config.vehicle.profile, folder)
    plan = load_plan(vehicle, profile, wanted=wanted(), cache_dir=Path(config.unit.cache_dir))
    return Setup(config.unit.id, vehicle, config.owner, config.service, config.car, config.vehicle.profile), plan


def bench_config(vehicle: str, config_path: Path | None) -> Config:
    """The config of a replay: the named one's, or defaults; the vehicle is the one asked for."""
    cache = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    if config_path is not None:
        config = load_config(config_path)
        return msgspec.structs.replace(config, vehicle=msgspec.structs.replace(config.vehicle, profile=vehicle))
    return Config(vehicle=VehicleConfig(vehicle), unit=UnitConfig(id="replay", cache_dir=f"{cache}/keyoff"))


def store_file(config_path: Path, store_path: Path | None) -> Path:
    """The database that a looking command means."""
    if store_path is not None:
        return store_path
    return Path(load_config(config_path).unit.state_dir) / "keyoff.db"


def look(path: Path) -> sqlite3.Connection:
    """A read-only connection. Raises StoreError."""
    try:
        path.stat()
    except FileNotFoundError:
        raise StoreError(
            f"{path}: there is no database yet; it appears with the first `keyoff run` (or name one with --store)"
        ) from None
    except PermissionError:
        raise StoreError(f"{path}: it is not yours to read; run this with sudo") from None
    try:
        conn = connect_to_look(path)
        if conn.execute("PRAGMA user_version").fetchone()[0] < len(names()):
            conn = in_memory(conn)  # an earlier version's: who looks changes nothing
        conn.execute("SELECT 1 FROM trips LIMIT 1")
    except sqlite3.Error as e:
        raise store_error(path, e) from e
    return conn


def now_utc_ns() -> int | None:
    """By a clock to be trusted; else None: an age by another would be a guess."""
    from agent.io import clock  # late, as what follows
    from agent.stitch import is_trusted

    wall = clock.wall()
    return wall.utc_ns(clock.boottime_ns()) if is_trusted(wall) else None
