"""DBC files and a profile → a Plan, through cantools. Runs in the child process of agent/io/plans.py alone.

Every DBC is loaded with cantools' `strict=False`, since a third of those in use has overlapping signals or signals that
end beyond their message; where that touches a message that is used, the Plan's notes say so.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any, NamedTuple

import cantools

from agent.checksums import CHECKSUMS
from agent.codegen import bytes_of
from agent.config import ConfigError
from agent.io.plans import DbcFile, Request
from agent.model import Value
from agent.plan import ChecksumByte, Field, MessagePlan, Multiplexer, Part, Plan, Reading
from agent.signals import FREE_TEXTS, IGNITION, SIGNALS, TEXTS, known
from agent.vehicle import MessageProfile, SignalMap

DBC_ENCODING = "cp1252"  # what the format's tools write; cantools' own default
FLOAT_LENGTHS = (16, 32, 64)  # IEEE 754


class Message(NamedTuple):
    """A message of a DBC, as cantools has it."""

    dbc: Any
    bus: str | None
    is_ours: bool  # the DBC carries VSS paths itself
    file: str

    def sources(self) -> Iterator[Source]:
        return (Source(self, signal) for signal in self.dbc.signals)


class Source(NamedTuple):
    """A signal of a message of a DBC."""

    message: Message
    signal: Any

    @property
    def name(self) -> str:
        return f"{self.message.dbc.name}.{self.signal.name}"


def compile_plan(asked: Request) -> Plan:
    """The Plan for a request; raises ConfigError naming file, key and fix."""
    return _Compiler(asked).plan()


def load(file: DbcFile) -> Any:
    """The cantools database of one file; raises ConfigError naming file, line and fix."""
    try:
        return cantools.database.load_string(
            file.body.decode(DBC_ENCODING, errors="replace"), database_format="dbc", strict=False
        )
    except Exception as e:  # noqa: BLE001 - a foreign parser over an outside file: parse errors, KeyError, RecursionError …
        why = str(getattr(e, "e_dbc", None) or e) or type(e).__name__
        raise ConfigError(f"{file.name}: cannot be read as a DBC: {why}; {_fix(why)}") from None


def _fix(why: str) -> str:
    if "more than 11 bits" in why:
        return "a 29-bit id is written with 2147483648 added to it"
    return "correct that place, or leave out of the file what is not needed"


class _Compiler:
    """One request's work: the DBCs' messages by name, then the wanted signals."""

    def __init__(self, asked: Request) -> None:
        self.asked = asked
        self.vehicle = asked.vehicle
        self.messages: dict[str, Message] = {}  # of several with one name, the first file's
        self.ours: dict[str, list[Source]] = defaultdict(list)  # VSS path → the signals that carry it
        for file in asked.files:
            self._index(file)

    def _index(self, file: DbcFile) -> None:
        database = load(file)
        is_ours = "VssPath" in database.dbc.attribute_definitions
        for dbc in database.messages:
            message = Message(dbc, file.bus, is_ours, file.name)
            self.messages.setdefault(dbc.name, message)
            for source in message.sources() if is_ours else ():
                path = _vss_path(source.signal)
                if path and not known(path):
                    raise ConfigError(f"{file.name}: VssPath of {source.name}: Keyoff knows no {path!r}; {_near(path, SIGNALS)}")
                if path:
                    self.ours[path].append(source)

    def plan(self) -> Plan:
        asked, obd = self.asked, self.vehicle.obd
        given = {path: self._groups(path) for path in dict.fromkeys([*self.ours, *self.vehicle.signals])}
        self._check_profile(given)
        readings: dict[str, list[Reading]] = defaultdict(list)
        for name in asked.wanted:
            for group in given.get(name, []) if known(name) else [[self._source(name, "wanted")]]:
                readings[group[0].message.dbc.name].append(Reading(name, tuple(self._part(source, name) for source in group)))
        messages = tuple(self._message(name, found) for name, found in sorted(readings.items()))
        self._check_ids(messages)
        return Plan(
            vehicle=asked.name,
            messages=messages,
            wanted=asked.wanted,
            buses=tuple(self.vehicle.bus),
            obd=obd is not None and obd.listen,
            obd_bus=obd.bus if obd else None,
            notes=tuple(note for name in sorted(readings) for note in _notes(self.messages[name])),
        )

    def _message(self, name: str, readings: list[Reading]) -> MessagePlan:
        message, profile = self.messages[name], self.vehicle.messages.get(name, MessageProfile())
        dbc = message.dbc
        return MessagePlan(
            arbitration_id=dbc.frame_id,
            is_extended=dbc.is_extended_frame,
            name=name,
            length=dbc.length,
            readings=tuple(readings),
            bus=message.bus,
            multiplexers=tuple(self._multiplexers(message)),
            checksum=self._checksum(name, profile),
            counter=self._counter(name, profile),
            period_ms=profile.period_ms or dbc.cycle_time,
        )

    # -- which signals -----------------------------------------------------------------------------

    def _groups(self, path: str) -> list[list[Source]]:
        """Where a VSS path comes from: one signal, several to be averaged, or one on each of several pages."""
        mapped, key = self.vehicle.signals.get(path, SignalMap()), f'signals."{path}"'
        if mapped.mean:
            return [[self._source(name, f"{key}.mean") for name in mapped.mean]]
        if mapped.source:
            return [[self._source(mapped.source, f"{key}.source")]]
        found = self.ours.get(path, [])
        if not found:
            raise self._refused(key, 'no DBC here gives it a source; write source = "MESSAGE.SIGNAL"')
        if not _exclude_each_other(found):
            names = ", ".join(source.name for source in found)
            raise self._refused(key, f"the DBC gives it several sources ({names}); write source = the one to be trusted, and why")
        return [[source] for source in found]

    def _source(self, name: str, key: str) -> Source:
        """The DBC signal "MESSAGE.SIGNAL"."""
        message, _, signal = name.partition(".")
        for source in self.messages[message].sources() if message in self.messages else ():
            if source.signal.name == signal:
                return source
        raise self._refused(key, f"no DBC here has {name!r}; {_near(name, self._names())}")

    def _names(self) -> Iterator[str]:
        return (source.name for message in self.messages.values() for source in message.sources())

    def _multiplexers(self, message: Message) -> Iterator[Multiplexer]:
        """Those of a message, parents before children."""
        signals = {s.name: s for s in message.dbc.signals}

        def depth(signal: Any) -> int:
            return 1 + depth(signals[signal.multiplexer_signal]) if signal.multiplexer_signal else 0

        for signal in sorted((s for s in signals.values() if s.is_multiplexer), key=depth):
            pages = {i for s in signals.values() if s.multiplexer_signal == signal.name for i in s.multiplexer_ids or ()}
            pages |= set(signal.choices or ())  # a page that has a name and no signals
            if pages:
                field = self._field(Source(message, signal))
                yield Multiplexer(
                    signal.name, field, tuple(sorted(pages)), signal.multiplexer_signal, tuple(signal.multiplexer_ids or ())
                )

    def _checksum(self, name: str, profile: MessageProfile) -> ChecksumByte | None:
        if profile.checksum is None:
            return None
        key = f"messages.{name}.checksum"
        signal, _, algorithm = profile.checksum.partition(":")
        if algorithm not in CHECKSUMS:
            raise self._refused(key, f'{profile.checksum!r}: write "SIGNAL:algorithm" with one of {", ".join(CHECKSUMS)}')
        field = self._field(self._source(f"{name}.{signal}", key))
        if field.length != 8 or field.start % 8 != (0 if field.is_little_endian else 7):
            raise self._refused(key, f"{signal} is not one whole byte; only such checksums can be checked: leave it out")
        return ChecksumByte(algorithm, field.start // 8)

    def _counter(self, name: str, profile: MessageProfile) -> Field | None:
        return self._field(self._source(f"{name}.{profile.counter}", f"messages.{name}.counter")) if profile.counter else None

    # -- what a signal is worth ----------------------------------------------------------------------

    def _part(self, source: Source, path: str) -> Part:
        """A DBC signal as (part of) a VSS signal; or as the DBC has it, when `path` is its own name."""
        signal, field = source.signal, self._field(source)
        _check_multiplexer(source)
        scale, offset = float(signal.scale), float(signal.offset)
        low = high = None
        if not known(path):
            values: dict[int, Value] = dict(_names_of(signal))
            is_closed = False
        else:
            mapped = self.vehicle.signals.get(path, SignalMap())
            scale, offset = scale * mapped.scale, offset * mapped.scale + mapped.offset
            values, is_closed = self._values(source, path, mapped)
            low, high = self._range(source, path, mapped)
        pages = tuple(signal.multiplexer_ids or ())
        is_text = path in FREE_TEXTS
        return Part(field, scale, offset, low, high, values, is_closed, signal.multiplexer_signal, pages, is_text)

    def _field(self, source: Source) -> Field:
        signal, length = source.signal, source.message.dbc.length
        field = Field(
            signal.start, signal.length, signal.byte_order == "little_endian", signal.is_signed, signal.conversion.is_float
        )
        last = bytes_of(field)[1]
        if last >= length:
            raise ConfigError(
                f"{source.message.file}: {source.name} ends in byte {last + 1} of {length}; correct its bits or the length"
            )
        if field.is_float and field.length not in FLOAT_LENGTHS:
            raise ConfigError(
                f"{source.message.file}: {source.name} is a float of {field.length} bits; correct it to 16, 32 or 64"
            )
        return field

    def _range(self, source: Source, path: str, mapped: SignalMap) -> tuple[float | None, float | None]:
        """What is plausible for the path and within the DBC's limits, where those are to be trusted."""
        low, high = SIGNALS[path].low, SIGNALS[path].high
        least, most = _limits(source.signal)
        if low is None or high is None or least is None or most is None or not _is_trusted(source, mapped):
            return low, high
        ends = sorted((least * mapped.scale + mapped.offset, most * mapped.scale + mapped.offset))
        low, high = max(low, ends[0]), min(high, ends[1])
        if low > high:
            raise self._refused(
                f'signals."{path}"',
                f"nothing that {source.name} can say is plausible in {SIGNALS[path].unit}; correct scale and offset",
            )
        return low, high

    def _values(self, source: Source, path: str, mapped: SignalMap) -> tuple[dict[int, Value], bool]:
        """Raw numbers with a value of their own, and whether all others are unknown."""
        names = _names_of(source.signal)
        if mapped.values:
            return {self._raw_of(key, names, path): self._value(value, path) for key, value in mapped.values.items()}, True
        if path in TEXTS:
            words: dict[int, Value] = {raw: name for raw, name in names.items() if name in TEXTS[path]}
            if not names and source.message.is_ours:
                words = dict(enumerate(TEXTS[path]))
            if not words:
                raise self._refused(
                    f'signals."{path}".values',
                    f"{source.name} is to be told in words; map what it says to {', '.join(TEXTS[path])}",
                )
            return words, True
        if path in FREE_TEXTS:
            return {**names, **dict.fromkeys(_not_available(source))}, False
        if SIGNALS[path].low is None:
            return {0: False, 1: True}, True
        unknown: dict[int, Value] = dict.fromkeys(names)  # a number that has a name ("not available", "fault") is no measurement
        return unknown if _is_trusted(source, mapped) else unknown | dict.fromkeys(_not_available(source)), False

    def _raw_of(self, key: str, names: dict[int, str], path: str) -> int:
        """The raw number that a key of `values` means: by its name in the DBC, or as it stands."""
        for raw, name in names.items():
            if name == key:
                return raw
        try:
            return int(key, 0)
        except ValueError:
            what = f"named there: {', '.join(names.values())}" if names else "write the raw number"
            raise self._refused(f'signals."{path}".values', f"the DBC names no {key!r}; {what}") from None

    def _value(self, value: Value, path: str) -> Value:
        key = f'signals."{path}".values'
        if path in TEXTS and value not in TEXTS[path]:
            raise self._refused(key, f"{value!r} is none of {', '.join(TEXTS[path])}")
        if SIGNALS[path].low is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise self._refused(key, f"{value!r} is no number")
        if path in FREE_TEXTS and not isinstance(value, str):
            raise self._refused(key, f"{value!r} is no text; write it in quotes")
        is_switch = SIGNALS[path].low is None and path not in TEXTS and path not in FREE_TEXTS
        if is_switch and not isinstance(value, bool):
            raise self._refused(key, f"{value!r} is neither true nor false")
        return value

    # -- what the profile says wrong -----------------------------------------------------------------

    def _check_profile(self, given: dict[str, list[list[Source]]]) -> None:
        """Everything that names a DBC's messages and signals, wanted or not."""
        for path, groups in given.items():
            for group in groups:
                parts = [self._part(source, path) for source in group]
                if len(group) > 1 and len({(p.multiplexer, p.pages) for p in parts}) > 1:
                    raise self._refused(
                        f'signals."{path}".mean',
                        "its signals are on different pages of the message, never there at once; name others",
                    )
        for name, profile in self.vehicle.messages.items():
            if name not in self.messages:
                raise self._refused(f"messages.{name}", f"no DBC here has this message; {_near(name, self.messages)}")
            self._checksum(name, profile)
            self._counter(name, profile)
        if self.vehicle.ignition.source == "signal" and IGNITION not in given and self.vehicle.obd is None:
            raise self._refused(
                "ignition.source", f'nothing gives {IGNITION}; map it under signals, or write source = "activity"'
            )

    def _check_ids(self, messages: tuple[MessagePlan, ...]) -> None:
        for a, b in combinations(messages, 2):
            if (a.arbitration_id, a.is_extended) == (b.arbitration_id, b.is_extended) and (a.bus == b.bus):
                raise self._refused(
                    "dbc",
                    f"{a.name} and {b.name} have the same id {a.arbitration_id:#x}; name their files under the bus each is on",
                )

    def _refused(self, key: str, why: str) -> ConfigError:
        return ConfigError(f"{self.asked.where}: {key}: {why}")


def _vss_path(signal: Any) -> str:
    attribute = signal.dbc.attributes.get("VssPath") if signal.dbc else None
    return str(attribute.value) if attribute else ""


def _names_of(signal: Any) -> dict[int, str]:
    """The DBC's names for raw numbers, as plain text."""
    return {int(raw): str(name) for raw, name in (signal.choices or {}).items()}


def _limits(signal: Any) -> tuple[float | None, float | None]:
    """The DBC's [min|max] in its own unit; (None, None) for [0|0] and the like, which say nothing."""
    low, high = signal.minimum, signal.maximum
    return (float(low), float(high)) if low is not None and high is not None and low < high else (None, None)


def _check_multiplexer(source: Source) -> None:
    """Raises ConfigError where a page's signal hangs on one that the DBC does not mark as a multiplexer."""
    parent = next((s for s in source.message.dbc.signals if s.name == source.signal.multiplexer_signal), None)
    if parent is not None and not parent.is_multiplexer:
        raise ConfigError(
            f"{source.message.file}: {source.name} is on a page of {parent.name}, which is no multiplexer; mark it M there"
        )


def _is_trusted(source: Source, mapped: SignalMap) -> bool:
    """Whether the DBC's limits are kept to."""
    return source.message.is_ours or mapped.trust_range


def _not_available(source: Source) -> list[int]:
    """All bits set, where the DBC's own maximum excludes it: the customary "not available"."""
    signal, (low, high) = source.signal, _limits(source.signal)
    if signal.is_signed or signal.conversion.is_float or signal.length < 2 or low is None or high is None:
        return []
    all_ones = (1 << signal.length) - 1
    return [] if low <= all_ones * signal.scale + signal.offset <= high else [all_ones]


def _exclude_each_other(sources: list[Source]) -> bool:
    """Whether no two of these can be in one frame, all being on different pages of one message."""
    if len(sources) == 1:
        return True
    pages = [page for source in sources for page in source.signal.multiplexer_ids or ()]
    where = {(source.message.dbc.name, source.signal.multiplexer_signal) for source in sources}
    return len(where) == 1 and all(s.signal.multiplexer_ids for s in sources) and len(pages) == len(set(pages))


def _notes(message: Message) -> Iterator[str]:
    """What cantools refuses in a message with `strict=True`."""
    try:
        message.dbc.refresh(strict=True)
    except cantools.Error as e:
        yield f"{message.file}: read although {str(e).rstrip('.')}"


def _near(name: str, names: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"did you mean {found[0]!r}?" if found else "name one that is there"
