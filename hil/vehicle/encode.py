"""A second of a drive → the payloads of a DBC message. Reads the DBC and the profile once; packs bits itself.

What is held for a second is packed once for it; only what ramps, counter and checksum are packed for each frame.
Rules of our DBCs, checked when loading: one byte order in a message, a checksum is a whole byte.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cantools

from agent.model import Value
from agent.signals import ODOMETER
from hil.vehicle.second import RAMPS, Second

DBC = Path(__file__).resolve().parent.parent.parent / "dbc"


class Place(NamedTuple):
    """Where a signal's raw number goes: in the payload read as one big integer of the message's byte order."""

    path: str  # VSS
    shift: int
    ones: int  # the mask of its width; as a value, "not available"
    scale: float
    offset: float
    nudge: float  # of a ramp: 0.5 rounds; a counter of whole units is cut down instead
    choices: Mapping[str, int]

    def raw(self, value: Value) -> int:
        """The raw number of what is held; two's complement when negative, all ones when it is not known."""
        if value is None:
            return self.ones
        if isinstance(value, str):
            return self.choices[value] if self.choices else int(value)  # an identity without names is a number
        if isinstance(value, bool):
            return int(value)
        return round((value - self.offset) / self.scale) & self.ones


class Message:
    """One message of a DBC as its sender has it: payload(second, share) for each time it is due."""

    def __init__(self, dbc: Any, profile: Mapping[str, str]) -> None:
        self.name: str = dbc.name
        self.arbitration_id: int = dbc.frame_id
        self.is_extended: bool = dbc.is_extended_frame
        self.period_ms: int = dbc.cycle_time
        self._length: int = dbc.length
        orders = {signal.byte_order for signal in dbc.signals}
        if len(orders) != 1:
            raise ValueError(f"{dbc.name}: both byte orders in one message")
        self._big = orders == {"big_endian"}
        named = {signal.name: signal for signal in dbc.signals}
        self._checksum_at = self._byte(named[profile["checksum"].partition(":")[0]]) if "checksum" in profile else None
        self._count_shift = self._shift(named[profile["counter"]]) if "counter" in profile else None
        self._count_ones = (1 << named[profile["counter"]].length) - 1 if "counter" in profile else 0
        places = [self._place(signal) for signal in dbc.signals if _vss_path(signal)]
        self._held = [place for place in places if place.path not in RAMPS]
        self._ramps = [place for place in places if place.path in RAMPS]
        self._count = self._base = 0
        self._base_of: Second | None = None
        self._same: bytes | None = None

    def carries(self, path: str) -> bool:
        """Whether a signal, by its VSS path, is in this message."""
        return any(place.path == path for place in (*self._ramps, *self._held))

    def payload(self, second: Second, share: float) -> bytes:
        """The data bytes `share` of the way through the second; each call counts up the counter."""
        if second is not self._base_of:
            self._turn_to(second)
        if self._same is not None:
            return self._same
        word = self._base
        for path, shift, ones, scale, offset, nudge, _ in self._ramps:
            first, last = second.ramps[path]
            word |= (int((first + (last - first) * share - offset) / scale + nudge) & ones) << shift
        if self._count_shift is not None:
            word |= self._count << self._count_shift
            self._count = (self._count + 1) & self._count_ones
        data = word.to_bytes(self._length, "big" if self._big else "little")
        return data if self._checksum_at is None else sealed(data, self._checksum_at)

    def _turn_to(self, second: Second) -> None:
        self._base_of, self._base = second, 0
        for place in self._held:
            self._base |= place.raw(second.held[place.path]) << place.shift
        plain = not self._ramps and self._count_shift is None and self._checksum_at is None
        self._same = self._base.to_bytes(self._length, "big" if self._big else "little") if plain else None

    def _place(self, signal: Any) -> Place:
        path = _vss_path(signal)
        nudge = 0.0 if path == ODOMETER else 0.5
        choices = {str(name): raw for raw, name in (signal.choices or {}).items()}
        return Place(path, self._shift(signal), (1 << signal.length) - 1, signal.scale, signal.offset, nudge, choices)

    def _shift(self, signal: Any) -> int:
        """From the payload's lowest bit. A big-endian DBC start bit names the highest bit: byte, then bit in it."""
        if not self._big:
            return int(signal.start)
        return int(8 * (self._length - 1 - signal.start // 8) + signal.start % 8 - signal.length + 1)

    def _byte(self, signal: Any) -> int:
        if signal.length != 8 or signal.start % 8 != (7 if self._big else 0):
            raise ValueError(f"{self.name}: the checksum is not a whole byte")
        return int(signal.start // 8)


def load(vehicle: str) -> tuple[str, list[Message]]:
    """The bus's name and the messages of a simulated vehicle, in the DBC's order."""
    profile = tomllib.loads((DBC / f"{vehicle}.toml").read_text(encoding="utf-8"))
    database: Any = cantools.database.load_file(DBC / profile["dbc"][0])
    (bus,) = profile["bus"]
    return bus, [Message(message, profile["messages"].get(message.name, {})) for message in database.messages]


def _vss_path(signal: Any) -> str:
    attribute = signal.dbc.attributes.get("VssPath")
    return str(attribute.value) if attribute else ""


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte << 1 ^ (0x11D if byte & 0x80 else 0)
    return byte


CRC = bytes(_crc_of_byte(byte) for byte in range(256))  # SAE J1850: polynomial 0x1D


def crc8_j1850(data: bytes) -> int:
    """CRC-8 SAE J1850: start 0xFF, end XOR 0xFF; 0x4B for "123456789"."""
    crc = 0xFF
    for byte in data:
        crc = CRC[crc ^ byte]
    return crc ^ 0xFF


def sealed(data: bytes, at: int) -> bytes:
    """The payload with the CRC over its other bytes put into byte `at`."""
    before, after = data[:at], data[at + 1 :]
    return before + bytes((crc8_j1850(before + after),)) + after
