"""keyoff.toml → Config: frozen and typed, every default with its unit. Pure: the shell hands in the text.

An unknown key is an error that names the nearest known one; every error names file, key and fix.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_origin, get_type_hints

import msgspec

T = TypeVar("T")


class ConfigError(Exception):
    """The operator's to fix: exit 78 (EX_CONFIG), and systemd does not restart."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a TOML file of ours; an unknown key is refused."""


class UnitConfig(Section, frozen=True):
    id: str = "unit-unset"  # goes into topics and event ids: the certificate's common name
    state_dir: str = "/var/lib/keyoff"
    cache_dir: str = "/var/cache/keyoff"


class VehicleConfig(Section, frozen=True):
    profile: str  # a name under dbc/, without the ending
    dir: str | None = None  # another folder of profiles, searched first


class CarConfig(Section, frozen=True):
    """What a person knows of the car; what is left out is taken from the bus where a tester asks for it, or not known."""

    vin: str | None = None
    make: str | None = None
    model: str | None = None
    year: int | None = None  # model year
    calibrations: tuple[str, ...] = ()  # software, by calibration id; what is heard on the bus goes first


class BusConfig(Section, frozen=True):
    name: str  # as in the vehicle's profile
    interface: str = "socketcan"  # the kernel's own, or any other that python-can knows
    channel: str = "can0"
    options: dict[str, Any] = {}  # handed to python-can as they are


class Owner(Section, frozen=True):
    household: str = ""  # the same in all its cars; it stands in prompts and reports, so that the far side can join them
    counts: Literal["km", "mi"] = "km"
    economy: Literal["l/100km", "km/l", "mpg_us", "mpg_uk"] = "l/100km"  # how reports tell it; an electric car's is kWh/100 km
    timezone: str = "UTC"  # IANA name: nights, months and the stated time are counted in it
    tell_at: str | None = None  # "18:30": prompts wait for this time of day; None: as soon as the trip is over
    driver: str = "unknown"  # who drives when nothing says otherwise
    over_speed_kmh: float = 130.0  # the household's own limit


class Service(Section, frozen=True):
    """What the car needs again and again: due by the first of its limits, of which it has at least one."""

    item: str  # "oil change"
    every_km: float | None = None
    last_km: float | None = None  # the reading when it was last done
    every_months: int | None = None
    last_day: str | None = None  # "2026-03-01": when it was last done
    every_engine_h: float | None = None
    last_engine_h: float | None = None  # the car's engine hours when it was last done
    oil_life_below_percent: float | None = None  # as the cluster shows it
    from_car: bool = False  # the car counts it itself: Vehicle.Service.* are about this item
    car_reminds_km_before: float | None = None  # how long before the item is due the car's own reminder starts;
    car_reminds_days_before: float | None = None  # None: learned, and until then assumed


class UplinkConfig(Section, frozen=True):
    host: str
    ca: str  # PEM files; paths are relative to keyoff.toml
    certificate: str
    key: str
    port: int = 8883
    protocol: Literal["5", "3.1.1"] = "5"
    keepalive_s: int = 60


class CommandsConfig(Section, frozen=True):
    key: str  # PEM file, relative to keyoff.toml: the Ed25519 public key of whoever may command this unit


class StoreConfig(Section, frozen=True):
    max_mb: Annotated[int, msgspec.Meta(ge=16)] = 256  # 10^6 bytes; below 16 there would be no room for years of trips


class Config(Section, frozen=True):
    vehicle: VehicleConfig
    unit: UnitConfig = UnitConfig()
    car: CarConfig = CarConfig()
    store: StoreConfig = StoreConfig()
    bus: tuple[BusConfig, ...] = ()
    owner: Owner = Owner()
    service: tuple[Service, ...] = ()
    uplink: UplinkConfig | None = None
    commands: CommandsConfig | None = None


def parse(text: str, where: str, kind: type[T]) -> T:
    """A TOML text as `kind`; raises ConfigError naming `where`, the key and the fix."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(f"{where}: not valid TOML: {e}") from None
    return convert(raw, where, kind)


def convert(raw: dict[str, Any], where: str, kind: type[T]) -> T:
    """A decoded table as `kind`, as `parse` does it."""
    unknown = _unknown_key(raw, kind, "")
    if unknown:
        raise ConfigError(f"{where}: {unknown}")
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as e:
        raise ConfigError(f"{where}: {_plain(str(e))}") from None


def _plain(message: str) -> str:
    text, _, path = message.partition(" - at ")
    key = path.strip("`").removeprefix("$").lstrip(".")
    return f"{key}: {text}" if key else text


def _unknown_key(raw: Any, kind: Any, path: str) -> str | None:
    """The first key in `raw` that `kind` does not know, with the nearest that it does; None when all are known."""
    found = (_unknown_key(value, inner, f"{path}{key}") for value, inner, key in _inside(raw, kind))
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(raw, dict)):
        return next((f for f in found if f), None)
    before = f"{path}." if path else ""
    for key in raw:
        if key not in kind.__struct_fields__:
            import difflib  # late: only a mistake needs it

            near = difflib.get_close_matches(key, kind.__struct_fields__, n=1, cutoff=0.5)
            hint = f"did you mean `{before}{near[0]}`?" if near else f"known here: {', '.join(kind.__struct_fields__)}"
            return f"unknown key `{before}{key}`: {hint}".replace("`.", "`")
    return next((f for f in found if f), None)


def _inside(raw: Any, kind: Any) -> Iterator[tuple[Any, Any, str]]:
    """(value, type, how the path goes on) of what lies directly in `raw`."""
    args: tuple[Any, ...] = getattr(kind, "__args__", ())
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if isinstance(raw, dict):
            hints = get_type_hints(kind)
            yield from ((value, hints[key], f".{key}") for key, value in raw.items() if key in hints)
    elif isinstance(raw, dict) and args:
        yield from ((value, args[-1], f".{key}") for key, value in raw.items())
    elif isinstance(raw, list) and args:
        yield from ((value, args[0], "") for value in raw)
    elif isinstance(kind, UnionType) or get_origin(kind) is Union:
        yield from ((raw, arg, "") for arg in args if arg is not type(None))
