"""A MessagePlan → the Python function that decodes its frames: the wanted signals and nothing else. Pure.

What can be decided once (bit positions, which raw numbers are within limits, what a choice means) is decided when the
function is written, not per frame: cantools' whole messages cost some 3 µs a frame, this 0.2 to 0.9.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple, TypeAlias

from agent.checksums import OTHERS, SUMS, start_of_sum
from agent.model import Frame
from agent.plan import ChecksumByte, Field, MessagePlan, Part, Reading

MAX_MISSES = 5  # opendbc's MAX_BAD_COUNTER
PAGES_KEPT = 64  # payloads of a multiplexed message remembered at once: more than any has slow-moving pages
TABLE_BITS = 8  # values of all raw numbers are worked out beforehand up to this length: 256 of them
WORD_BYTES = 8  # a longer payload as one number makes each shift dearer than a slice of it
ROUNDING = 1e-6  # of one count: what a limit in a DBC may be off, being written in decimals

STRUCT_CODES = {16: "Hhe", 32: "Iif", 64: "Qqd"}  # unsigned, signed, IEEE 754

Decode: TypeAlias = Callable[[Frame], Any]
"""A frame → what it says: its message's values in the order of `Route.paths`, or where that is None (path, value) pairs;
a text says what was wrong with it, None that it is none of this route's frames."""


class Route(NamedTuple):
    """Where the frames of an arbitration id go. `paths` None: which signals are there differs from frame to frame."""

    decode: Decode
    paths: tuple[str, ...] | None = None


def compile_message(message: MessagePlan) -> Route:
    """The route for frames of this message's id (an id of the other length is let go). It remembers what it needs."""
    writer = _Writer(message)
    exec(compile(writer.source(), f"<decoder of {message.name}>", "exec"), writer.names)
    decode: Decode = writer.names["make"]()
    return Route(decode, None if message.multiplexers else tuple(reading.path for reading in message.readings))


class _Writer:
    """Writes one message's function; what comes from a DBC enters as `repr` or through `names`.

    A payload is remembered, so that the same again costs nothing, unless a counter makes each different. A multiplexed
    message remembers several, each with the samples it gave.
    """

    def __init__(self, message: MessagePlan) -> None:
        self.message = message
        self.names: dict[str, Any] = {"int_of": int.from_bytes, "float_of": float_of}
        self._parts: list[tuple[Part, str]] = []  # those written, and the variables that hold their values
        self._unpacked: dict[Field, str] = {}  # those taken out by `struct`, and the variables that hold their raw numbers
        self._fresh = count()

    def source(self) -> str:
        """`make() -> Decode`, as Python."""
        remembers = self.message.counter is None
        if self.message.multiplexers:
            state, lines = self._paged(remembers)
        else:
            state, lines = self._plain(remembers)
        if not remembers:
            state += ["expected = None", "misses = 0"]
        changed = [name for line in state for name in line.split(" = ")[:-1]]
        other = "if not frame.is_extended:" if self.message.is_extended else "if frame.is_extended:"
        start = [f"nonlocal {', '.join(changed)}", other, "    return None", "data = frame.data"]
        lines = [*start, *lines, "return values"]
        return "\n".join(["def make():", *_in([*state, "def decode(frame):", *_in(lines), "return decode"])])

    def _plain(self, remembers: bool) -> tuple[list[str], list[str]]:
        """State and lines of a message whose signals are all always there."""
        lines = self._checks()
        lines.append(f"values = ({', '.join(self._reading(reading, lines) for reading in self.message.readings)},)")
        if not remembers:
            return [], lines
        return ["last = values = None"], ["if data != last:", *_in([*lines, "last = data"])]

    def _paged(self, remembers: bool) -> tuple[list[str], list[str]]:
        """The same for a multiplexed message."""
        lines = [*self._checks(), *self._multiplexers(), "values = []"]
        for reading in self.message.readings:
            block: list[str] = []
            block.append(f"values.append(({reading.path!r}, {self._reading(reading, block)}))")
            lines += self._where(reading.parts[0].multiplexer, reading.parts[0].pages, block)
        if not remembers:
            return [], lines
        lines += [f"if len(seen) >= {PAGES_KEPT}:", "    seen.clear()", "seen[data] = values"]
        return ["seen = {}"], ["values = seen.get(data)", "if values is None:", *_in(lines)]

    def _checks(self) -> list[str]:
        """Cut to length, checksum, counter; and the payload as one number, where that is how signals are taken out."""
        message, length = self.message, self.message.length
        lines = ["body = data", f"if len(data) != {length}:", f"    body = data[:{length}]"]
        lines += [f"    if len(body) < {length}:", f"        return {self._fault('too short')}"]
        if message.checksum is not None:
            lines += [f"if {self._is_wrong(message.checksum)}:", f"    return {self._fault('bad checksum')}"]
        lines += self._unpack("<") + self._unpack(">")
        for is_little_endian, word in ((False, "big = int_of(body)"), (True, "little = int_of(body, 'little')")):
            if any(f.is_little_endian == is_little_endian and self._is_in_word(f) for f in self._fields()):
                lines.append(word)
        return lines + (self._count(message.counter) if message.counter is not None else [])

    def _is_wrong(self, checksum: ChecksumByte) -> str:
        """The condition under which the checksum does not fit."""
        algorithm, at = checksum.algorithm, checksum.at
        if algorithm in SUMS:
            start = start_of_sum(algorithm, self.message.arbitration_id, self.message.length)
            return f"sum(body) + {start} - 2 * body[{at}] & 255"
        self.names["checksum"] = OTHERS[algorithm]
        return f"checksum(body, {at}) != body[{at}]"

    def _unpack(self, order: str) -> list[str]:
        """The line that takes out, in one go, the raw numbers of whole bytes; pages overlap, so not for them."""
        fields = {f for f in self._fields() if f.is_little_endian == (order == "<") and f.length in STRUCT_CODES}
        form, at = order, 0
        names: list[str] = []
        for field in sorted(fields, key=bytes_of):
            first, last, shift = bytes_of(field)
            if shift or first < at or self.message.multiplexers:
                continue
            code = STRUCT_CODES[field.length][2 if field.is_float else 1 if field.is_signed else 0]
            name = self._unpacked[field] = f"x{next(self._fresh)}"
            form, names, at = f"{form}{first - at}x{code}", [*names, name], last + 1
        if not names:
            return []
        unpack = f"unpack{next(self._fresh)}"
        self.names[unpack] = struct.Struct(f"{form}{self.message.length - at}x").unpack
        return [f"{', '.join(names)}, = {unpack}(body)"]

    def _count(self, counter: Field) -> list[str]:
        mask = (1 << counter.length) - 1
        return [
            f"count = ({self._raw(counter)}) & {mask}",
            "if count == expected:",
            "    misses -= misses > 0",
            "elif expected is not None:",
            f"    misses += misses < {MAX_MISSES}",
            f"expected = count + 1 & {mask}",
            f"if misses >= {MAX_MISSES}:",
            f"    return {self._fault('bad counter')}",
        ]

    def _multiplexers(self) -> list[str]:
        lines: list[str] = []
        for i, multiplexer in enumerate(self.message.multiplexers):
            self.names[f"pages{i}"] = frozenset(multiplexer.pages)
            block = [f"m{i} = {self._raw(multiplexer.field)}", f"if m{i} not in pages{i}:"]
            block.append(f"    return {self._fault('unknown page')}")
            lines += [f"m{i} = None", *self._where(multiplexer.parent, multiplexer.parent_pages, block)]
        return lines

    def _where(self, multiplexer: str | None, pages: tuple[int, ...], block: list[str]) -> list[str]:
        """`block`, done only when that multiplexer reads one of these pages."""
        if multiplexer is None:
            return block
        i = next(i for i, m in enumerate(self.message.multiplexers) if m.name == multiplexer)
        name = f"where{next(self._fresh)}"
        self.names[name] = frozenset(pages)
        return [f"if m{i} in {name}:", *_in(block)]

    def _reading(self, reading: Reading, lines: list[str]) -> str:
        """The variable that holds the wanted signal's value; what works it out is added to `lines`."""
        variables = [self._part(part, lines) for part in reading.parts]
        if len(variables) == 1:
            return variables[0]
        mean = f"mean{next(self._fresh)}"
        lines += ["try:", f"    {mean} = ({' + '.join(variables)}) / {len(variables)}"]
        lines += ["except TypeError:", f"    {mean} = None"]  # one of them is unknown; asking each first costs the most
        return mean

    def _part(self, part: Part, lines: list[str]) -> str:
        for written, variable in self._parts:
            if written == part:
                return variable
        variable = f"v{next(self._fresh)}"
        self._parts.append((part, variable))
        if part.field.length <= TABLE_BITS:
            lines.append(f"{variable} = {self._table(part)}[{self._bits(part.field)}]")
        else:
            if part.field not in self._unpacked:
                lines.append(f"x = {self._raw(part.field)}")
            lines.append(f"{variable} = {self._value(part, self._unpacked.get(part.field, 'x'))}")
        return variable

    def _table(self, part: Part) -> str:
        """The name of the values of all that these bits can say."""
        bits, sign = range(1 << part.field.length), 1 << part.field.length - 1
        value_of = eval(f"lambda x: {self._value(part, 'x')}", self.names)
        name = f"table{next(self._fresh)}"
        self.names[name] = tuple(value_of((i ^ sign) - sign if part.field.is_signed else i) for i in bits)
        return name

    def _value(self, part: Part, raw: str) -> str:
        """The expression for a part's value, its raw number being in the variable `raw`."""
        values = f"values{next(self._fresh)}"
        if part.is_closed:
            self.names[values] = part.values
            return f"{values}.get({raw})"
        number = f"str({raw})" if part.is_text else _scaled(part.scale, part.offset, raw)
        if part.field.is_float:
            if part.low is not None and part.high is not None:
                number = f"y if {part.low!r} <= (y := {number}) <= {part.high!r} else None"
        elif limits := _limits(part, raw):
            number = f"{number} if {limits} else None"
        if not part.values:
            return number
        self.names[values] = part.values
        return f"{values}[{raw}] if {raw} in {values} else {number}"

    def _raw(self, field: Field) -> str:
        """The expression for a raw number."""
        if field in self._unpacked:
            return self._unpacked[field]
        bits = self._bits(field)
        if field.is_float:
            return f"float_of({bits}, {field.length})"
        if field.is_signed:
            sign = 1 << field.length - 1
            return f"(({bits}) ^ {sign}) - {sign}"
        return bits

    def _bits(self, field: Field) -> str:
        """The expression for a field's bits: out of one byte, out of the payload as one number, or out of a slice of it."""
        first, last, shift = bytes_of(field)
        if first == last:
            taken, bits = f"body[{first}]", 8
        elif self._is_in_word(field):
            taken, bits = ("little" if field.is_little_endian else "big"), 8 * self.message.length
            shift += 8 * (first if field.is_little_endian else self.message.length - 1 - last)
        else:
            order = "little" if field.is_little_endian else "big"
            taken, bits = f"int_of(body[{first}:{last + 1}], {order!r})", 8 * (last - first + 1)
        if shift:
            taken = f"{taken} >> {shift}"
        if bits - shift > field.length:
            taken = f"{taken} & {(1 << field.length) - 1}"
        return taken

    def _is_in_word(self, field: Field) -> bool:
        first, last, _ = bytes_of(field)
        return first != last and self.message.length <= WORD_BYTES and field not in self._unpacked

    def _fields(self) -> list[Field]:
        message = self.message
        parts = [part.field for reading in message.readings for part in reading.parts]
        return parts + [m.field for m in message.multiplexers] + ([message.counter] if message.counter else [])

    def _fault(self, what: str) -> str:
        return repr(f"{what} in {self.message.name}")


def _in(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def bytes_of(field: Field) -> tuple[int, int, int]:
    """(first byte, last byte, how far above the lowest bit of those bytes as one number) of a field."""
    if field.is_little_endian:
        return field.start // 8, (field.start + field.length - 1) // 8, field.start % 8
    highest = field.start // 8 * 8 + 7 - field.start % 8  # counted from the payload's first bit on
    lowest = highest + field.length - 1
    return highest // 8, lowest // 8, 7 - lowest % 8


def _scaled(scale: float, offset: float, raw: str) -> str:
    """raw × scale + offset; whole numbers stay whole, and a zero is exactly zero."""
    if (scale, offset) == (1, 0):
        return raw
    if float(scale).is_integer() and float(offset).is_integer():
        return f"{raw} * {int(scale)} + {int(offset)}"
    counts = round(offset / scale) if scale else 0
    if scale and math.isclose(counts * scale, offset, rel_tol=1e-12):
        return f"({raw} + {counts}) * {scale!r}" if counts else f"{raw} * {scale!r}"
    return f"{raw} * {scale!r} + {offset!r}"


def _limits(part: Part, raw: str) -> str:
    """The condition under which the raw number is within the part's limits; "" when it always is."""
    least, most = _raw_range(part.field)
    low, high = _raw_limits(part)
    if low <= least:
        return f"{raw} <= {high}" if high < most else ""
    return f"{low} <= {raw} <= {high}" if high < most else f"{raw} >= {low}"


def _raw_range(field: Field) -> tuple[int, int]:
    if field.is_signed:
        return -1 << field.length - 1, (1 << field.length - 1) - 1
    return 0, (1 << field.length) - 1


def _raw_limits(part: Part) -> tuple[int, int]:
    """The least and the greatest raw number whose value is within the part's limits."""
    least, most = _raw_range(part.field)
    low = -math.inf if part.low is None else part.low
    high = math.inf if part.high is None else part.high
    if part.scale == 0:
        return (least, most) if low <= part.offset <= high else (1, 0)
    ends = sorted(((low - part.offset) / part.scale, (high - part.offset) / part.scale))
    return math.ceil(max(ends[0] - ROUNDING, least)), math.floor(min(ends[1] + ROUNDING, most))


def float_of(raw: int, length: int) -> float:
    """A raw number's bits as IEEE 754 of 16, 32 or 64 bits."""
    value: float = struct.unpack(f">{STRUCT_CODES[length][2]}", raw.to_bytes(length // 8, "big"))[0]
    return value
