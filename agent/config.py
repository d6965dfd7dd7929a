"""keyoff.toml → Config: frozen and typed, every default with its unit. Pure: the shell hands in the text.

An unknown key is an error that names the nearest known one; every error names file, key and fix.
"""

from __future__ import annotations

import difflib
import tomllib
from typing import Any, Literal, TypeVar, get_type_hints

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


class BusConfig(Section, frozen=True):
    name: str  # as in the vehicle's profile
    interface: str = "socketcan"  # any python-can interface
    channel: str = "can0"
    options: dict[str, Any] = {}  # handed to python-can as they are


class Owner(Section, frozen=True):
    counts: Literal["km", "mi"] = "km"
    timezone: str = "UTC"  # IANA name: nights, months and the stated time are counted in it
    tell_at: str | None = None  # "18:30": prompts wait for this time of day; None: as soon as the trip is over
    driver: str = "unknown"  # who drives when nothing says otherwise
    over_speed_kmh: float = 130.0  # the household's own limit


class Service(Section, frozen=True):
    item: str  # "oil change"
    every_km: float
    last_km: float  # the reading when it was last done


class UplinkConfig(Section, frozen=True):
    host: str
    ca: str  # PEM files; paths are relative to keyoff.toml
    certificate: str
    key: str
    port: int = 8883
    protocol: Literal["5", "3.1.1"] = "5"
    keepalive_s: int = 60


class Config(Section, frozen=True):
    vehicle: VehicleConfig
    unit: UnitConfig = UnitConfig()
    bus: tuple[BusConfig, ...] = ()
    owner: Owner = Owner()
    service: tuple[Service, ...] = ()
    uplink: UplinkConfig | None = None


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
    """The first key of `raw` that `kind` does not know, with the nearest it does; None when all are known."""
    struct = _struct_in(kind)
    if struct is None or not isinstance(raw, dict):
        return None
    hints = get_type_hints(struct)
    for key, value in raw.items():
        here = f"{path}{key}"
        if key not in struct.__struct_fields__:
            near = difflib.get_close_matches(key, struct.__struct_fields__, n=1, cutoff=0.5)
            hint = f"did you mean `{path}{near[0]}`?" if near else f"known here: {', '.join(struct.__struct_fields__)}"
            return f"unknown key `{here}`: {hint}"
        for item in value if isinstance(value, list) else [value]:
            found = _unknown_key(item, hints[key], f"{here}.")
            if found:
                return found
    return None


def _struct_in(kind: Any) -> Any:
    """The msgspec Struct that a type is, or holds (X | None, tuple[X, ...]); None when there is none."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    for arg in getattr(kind, "__args__", ()):
        found = _struct_in(arg)
        if found:
            return found
    return None
