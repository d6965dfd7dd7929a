"""Finds a vehicle's profile by name, and checks what its types do not say (its DBCs are agent/io/dbc.py's to check)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agent.config import ConfigError, parse
from agent.signals import FREE_TEXTS, IGNITION, SIGNALS, TEXTS, known
from agent.vehicle import SignalMap, Vehicle

PACKAGE = Path(__file__).resolve().parent.parent
SHIPPED = (PACKAGE.parent / "dbc", PACKAGE / "_dbc")  # in a checkout; where the wheel puts it


def find_vehicle(name: str, folder: Path | None = None) -> tuple[Vehicle, Path]:
    """The vehicle called `name` and its profile: out of `folder`, else of those that come with Keyoff. Raises ConfigError."""
    folders = [*([folder] if folder else []), *SHIPPED]
    profiles = {path.stem: path for place in reversed(folders) for path in sorted(place.glob("*.toml"))}
    if name not in profiles:
        import difflib  # late: only a mistake needs it

        near = difflib.get_close_matches(name, profiles, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(
            f"no vehicle {name!r}: {hint}known are {', '.join(sorted(profiles))} (in {', '.join(map(str, folders))})"
        )
    return read_vehicle(profiles[name]), profiles[name]


def read_vehicle(profile: Path) -> Vehicle:
    """The vehicle that a profile describes; raises ConfigError naming file, key and fix."""
    try:
        text = profile.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{profile}: cannot be read: {e}; make it a readable UTF-8 text") from None
    vehicle = parse(text, str(profile), Vehicle)
    for fault in _faults(vehicle):
        raise ConfigError(f"{profile}: {fault}")
    return vehicle


def _faults(vehicle: Vehicle) -> Iterator[str]:
    """What is wrong with a profile, as "key: what; fix"."""
    for path, mapped in vehicle.signals.items():
        yield from _signal_faults(path, mapped)
    for state in set(vehicle.ignition.on) - set(TEXTS[IGNITION]):
        yield f"ignition.on: {IGNITION} is never {state!r}; it is one of {', '.join(TEXTS[IGNITION])}"
    if vehicle.obd and vehicle.obd.bus is not None and vehicle.obd.bus not in vehicle.bus:
        yield f"obd.bus: there is no bus {vehicle.obd.bus!r}; {_buses(vehicle)}"
    if not vehicle.dbc and vehicle.obd is None and not any(bus.dbc for bus in vehicle.bus.values()):
        yield 'dbc: neither a DBC nor [obd], so nothing is decoded; write dbc = ["FILE.dbc"] or an [obd] table'


def _signal_faults(path: str, mapped: SignalMap) -> Iterator[str]:
    key = f'signals."{path}"'
    if not known(path):
        import difflib  # late: only a mistake needs it

        near = difflib.get_close_matches(path, SIGNALS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else "all it knows stand in agent/signals.py"
        yield f"{key}: Keyoff knows no such signal; {hint}"
    if mapped.source is not None and mapped.mean:
        yield f"{key}: has both source and mean; keep the one that is trusted"
    for where, names in (("source", (mapped.source,) if mapped.source is not None else ()), ("mean", mapped.mean)):
        for name in names:
            if name.count(".") != 1:
                yield f'{key}.{where}: {name!r} is not of the form "MESSAGE.SIGNAL"'
    if len({name.partition(".")[0] for name in mapped.mean}) > 1:
        yield f"{key}.mean: its signals are of several messages, which never come at one time; name signals of one message"
    if mapped.scale == 0:
        yield f"{key}.scale: 0 makes every value the same; write the factor from the DBC's unit to {SIGNALS[path].unit or 'VSS'}"
    if mapped.mean and (mapped.values or path in TEXTS or path in FREE_TEXTS):
        yield f"{key}.mean: words have no mean; write a source"


def _buses(vehicle: Vehicle) -> str:
    return f"this vehicle has {', '.join(vehicle.bus)}" if vehicle.bus else "name it under [bus.NAME]"
