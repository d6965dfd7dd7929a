"""The Plan: what is decoded, and from where. Made by agent/io/plans.py from DBC files and a profile. Pure."""

from __future__ import annotations

import msgspec

from agent.model import NS, Value
from agent.signals import SIGNALS

PERIODS_UNTIL_STALE = 10  # as opendbc does it
DEFAULT_PERIOD_MS = 1_000.0  # where neither DBC nor profile says; opendbc assumes the same 1 Hz
ANSWERS_11BIT = (0x7E8, 0x7F8)  # (id, mask) of physical answers, ISO 15765-4: 7E8–7EF
ANSWERS_29BIT = (0x18DAF100, 0x1FFFFF00)  # to the tester F1, from any ECU
OBD_MAX_AGE_NS = 5 * NS  # testers ask for a PID each 0.5–2 s; a few unanswered requests are normal


class Field(msgspec.Struct, frozen=True):
    """Where a raw number lies in the payload, in a DBC's terms (`start`: the lowest bit, or Motorola's highest)."""

    start: int
    length: int
    is_little_endian: bool = False
    is_signed: bool = False
    is_float: bool = False


class Part(msgspec.Struct, frozen=True):
    """What one DBC signal is worth: raw × scale + offset, unless `values` says otherwise.

    `low`/`high` are limits of that product, None for none; beyond them the value is unknown.
    A raw number in `values` has the value given there; when `is_closed`, every other raw number is unknown.
    `is_text`: it is an identity, not an amount; a raw number stands there as it is, in digits.
    `multiplexer`/`pages`: it is there only when that signal reads one of these.
    """

    field: Field
    scale: float = 1.0
    offset: float = 0.0
    low: float | None = None
    high: float | None = None
    values: dict[int, Value] = {}
    is_closed: bool = False
    multiplexer: str | None = None
    pages: tuple[int, ...] = ()
    is_text: bool = False


class Reading(msgspec.Struct, frozen=True):
    """A wanted signal: one part, or the mean of several. `path` is its VSS path (or MESSAGE.SIGNAL, as it stands)."""

    path: str
    parts: tuple[Part, ...]


class Multiplexer(msgspec.Struct, frozen=True):
    """A signal that says which others are there. `pages`: those that the DBC knows.

    It is itself there only when `parent` reads one of `parent_pages`.
    """

    name: str
    field: Field
    pages: tuple[int, ...]
    parent: str | None = None
    parent_pages: tuple[int, ...] = ()


class ChecksumByte(msgspec.Struct, frozen=True):
    algorithm: str  # a name in agent.checksums.CHECKSUMS
    at: int  # index of the byte that carries it


class MessagePlan(msgspec.Struct, frozen=True):
    """One wanted message. `bus` None: whichever it comes on. `multiplexers`: parents before children."""

    arbitration_id: int
    is_extended: bool
    name: str
    length: int  # bytes
    readings: tuple[Reading, ...]
    bus: str | None = None
    multiplexers: tuple[Multiplexer, ...] = ()
    checksum: ChecksumByte | None = None
    counter: Field | None = None
    period_ms: float | None = None


class Plan(msgspec.Struct, frozen=True):
    """What is decoded, and from where.

    `obd`: service-01 answers are listened to, on `obd_bus` (None: every bus); they give those `wanted` signals that no
    message gives. `notes`: what a person should know about how it came to be.
    """

    vehicle: str
    messages: tuple[MessagePlan, ...] = ()
    wanted: tuple[str, ...] = ()
    buses: tuple[str, ...] = ()
    obd: bool = False
    obd_bus: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def max_age_ns(self) -> dict[str, int]:
        """VSS path → the age at which it is stale."""
        ages = dict.fromkeys(SIGNALS, OBD_MAX_AGE_NS) if self.obd else {}
        for message in self.messages:
            age_ns = round(PERIODS_UNTIL_STALE * (message.period_ms or DEFAULT_PERIOD_MS) * 1e6)
            ages.update(dict.fromkeys((reading.path for reading in message.readings), age_ns))
        return ages

    def filters(self) -> dict[str, list[tuple[int, bool]]]:
        """The profile's bus → the (arbitration id, is_extended) wanted from it, sorted; an id each, for kernel filters."""
        return {bus: sorted(self._ids(bus)) for bus in self.buses}

    def _ids(self, bus: str) -> set[tuple[int, bool]]:
        ids = {(m.arbitration_id, m.is_extended) for m in self.messages if m.bus in (None, bus)}
        if self.obd and self.obd_bus in (None, bus):
            ids |= set(OBD_IDS)
        return ids


def _each_id(arbitration_id: int, mask: int, all_bits: int) -> range:
    """The ids that a filter lets through whose mask leaves out the lowest bits only."""
    return range(arbitration_id, arbitration_id + (all_bits & ~mask) + 1)


OBD_IDS = [(i, False) for i in _each_id(*ANSWERS_11BIT, 0x7FF)] + [(i, True) for i in _each_id(*ANSWERS_29BIT, 0x1FFF_FFFF)]
