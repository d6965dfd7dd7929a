"""A MessagePlan → the Python function that decodes its frames: the wanted signals and nothing else. Pure.

What can be decided once (bit positions, which raw numbers are within limits, what a choice means) is decided when the
function is written, not per frame: whole-message decoding costs some 3 µs a frame, this 0.3.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from itertools import count
from typing import Any, TypeAlias

from agent.checksums import CHECKSUMS
from agent.model import Frame, Sample
from agent.plan import Field, MessagePlan, Part, Reading

MAX_MISSES = 5  # opendbc's MAX_BAD_COUNTER
PAGES_KEPT = 64  # payloads of a multiplexed message remembered at once: more than any has slow-moving pages
WORD_BYTES = 8  # a longer payload as one number makes each shift dearer than a slice of it
ROUNDING = 1e-6  # of one count: what a limit in a DBC may be off, being written in decimals

Decode: TypeAlias = Callable[[Frame, list[Sample]], str | None]
"""Adds a frame's samples to the list; gives what was wrong where it did not."""


def compile_message(message: MessagePlan) -> Decode:
    """The function that decodes this message; it remembers what it needs of the frames before."""
    writer = _Writer(message)
    exec(compile(writer.source(), f"<decoder of {message.name}>", "exec"), writer.names)
    made: Decode = writer.names["make"]()
    return made


class _Writer:
    """Writes one message's function; what comes from a DBC enters as `repr` or through `names`.

    A payload is remembered, so that the same again costs nothing, unless a counter makes each different. A multiplexed
    message remembers several, each with the samples it gave.
    """

    def __init__(self, message: MessagePlan) -> None:
        self.message = message
        self.names: dict[str, Any] = {"int_of": int.from_bytes, "float_of": float_of}
        self._parts: list[tuple[Part, str]] = []  # those written, and the variables that hold their values
        self._fresh = count()

    def source(self) -> str:
        """`make() -> Decode`, as Python."""
        remembers = self.message.counter is None
        if self.message.multiplexers:
            state, lines, give = self._paged(remembers)
        else:
            state, lines, give = self._plain(remembers)
        if not remembers:
            state += ["expected = None", "misses = 0"]
        changed = [line.partition(" ")[0] for line in state]
        lines = [f"nonlocal {', '.join(changed)}", "data = frame.data", *lines, "t_ns = frame.t_ns", give, "return None"]
        return "\n".join(["def make():", *_in([*state, "def decode(frame, samples):", *_in(lines), "return decode"])])

    def _plain(self, remembers: bool) -> tuple[list[str], list[str], str]:
        """State, lines and the line that gives the samples of a message whose signals are all always there."""
        lines = self._checks()
        variables = [self._reading(reading, lines) for reading in self.message.readings]
        give = ", ".join(f"(t_ns, {r.path!r}, {v})" for r, v in zip(self.message.readings, variables, strict=True))
        give = f"samples.append({give})" if len(variables) == 1 else f"samples += ({give})"
        if not remembers:
            return [], lines, give
        state = ["last = None", *(f"{v} = None" for v in dict.fromkeys(variables))]
        return state, ["if data != last:", *_in([*lines, "last = data"])], give

    def _paged(self, remembers: bool) -> tuple[list[str], list[str], str]:
        """The same for a multiplexed message."""
        lines = [*self._checks(), *self._multiplexers(), "pairs = []"]
        for reading in self.message.readings:
            block: list[str] = []
            block.append(f"pairs.append(({reading.path!r}, {self._reading(reading, block)}))")
            lines += self._where(reading.parts[0].multiplexer, reading.parts[0].pages, block)
        give = "samples += [(t_ns, path, value) for path, value in pairs]"
        if not remembers:
            return [], lines, give
        lines += [f"if len(seen) >= {PAGES_KEPT}:", "    seen.clear()", "seen[data] = pairs"]
        return ["seen = {}"], ["pairs = seen.get(data)", "if pairs is None:", *_in(lines)], give

    def _checks(self) -> list[str]:
        """Cut to length, checksum, counter; and the payload as one number, where that is how signals are taken out."""
        message, length = self.message, self.message.length
        lines = ["body = data", f"if len(data) != {length}:", f"    body = data[:{length}]"]
        lines += [f"    if len(body) < {length}:", f"        return {self._fault('too short')}"]
        if message.checksum is not None:
            self.names["checksum"] = CHECKSUMS[message.checksum.algorithm]
            at = message.checksum.at
            lines += [
                f"if checksum({message.arbitration_id}, body, {at}) != body[{at}]:",
                f"    return {self._fault('bad checksum')}",
            ]
        for is_little_endian, word in ((False, "big = int_of(body)"), (True, "little = int_of(body, 'little')")):
            if any(f.is_little_endian == is_little_endian and self._is_in_word(f) for f in self._fields()):
                lines.append(word)
        return lines + (self._count(message.counter) if message.counter is not None else [])

    def _count(self, counter: Field) -> list[str]:
        return [
            f"count = {self._raw(counter)}",
            "if count == expected:",
            "    misses -= misses > 0",
            "elif expected is not None:",
            f"    misses += misses < {MAX_MISSES}",
            f"expected = count + 1 & {(1 << counter.length) - 1}",
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
        unknown = " or ".join(f"{v} is None" for v in variables)
        mean = f"mean{next(self._fresh)}"
        lines.append(f"{mean} = None if {unknown} else ({' + '.join(variables)}) / {len(variables)}")
        return mean

    def _part(self, part: Part, lines: list[str]) -> str:
        for written, variable in self._parts:
            if written == part:
                return variable
        variable = f"v{next(self._fresh)}"
        self._parts.append((part, variable))
        lines += [f"x = {self._raw(part.field)}", f"{variable} = {self._value(part)}"]
        return variable

    def _value(self, part: Part) -> str:
        """The expression for a part's value, its raw number being in `x`."""
        values = f"values{next(self._fresh)}"
        if part.is_closed:
            self.names[values] = part.values
            return f"{values}.get(x)"
        number = _scaled(part.scale, part.offset)
        if part.field.is_float:
            if part.low is not None and part.high is not None:
                number = f"y if {part.low!r} <= (y := {number}) <= {part.high!r} else None"
        elif limits := _limits(part):
            number = f"{number} if {limits} else None"
        if not part.values:
            return number
        self.names[values] = part.values
        return f"{values}[x] if x in {values} else {number}"

    def _raw(self, field: Field) -> str:
        """The expression for a raw number: out of one byte, out of the payload as one number, or out of a slice of it."""
        first, last, shift = bytes_of(field)
        if first == last:
            taken, bits = f"body[{first}]", 8
        elif self._is_in_word(field):
            taken, bits = ("little" if field.is_little_endian else "big"), 8 * self.message.length
            shift += 8 * (first if field.is_little_endian else self.message.length - 1 - last)
        else:
            taken, bits = (
                f"int_of(body[{first}:{last + 1}]{', ' + repr('little') if field.is_little_endian else ''})",
                8 * (last - first + 1),
            )
        if shift:
            taken = f"{taken} >> {shift}"
        if bits - shift > field.length:
            taken = f"{taken} & {(1 << field.length) - 1}"
        if field.is_float:
            return f"float_of({taken}, {field.length})"
        if field.is_signed:
            sign = 1 << field.length - 1
            return f"(({taken}) ^ {sign}) - {sign}"
        return taken

    def _is_in_word(self, field: Field) -> bool:
        first, last, _ = bytes_of(field)
        return first != last and self.message.length <= WORD_BYTES

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


def _scaled(scale: float, offset: float) -> str:
    """raw × scale + offset for the raw number in `x`; whole numbers stay whole, and a zero is exactly zero."""
    if float(scale).is_integer() and float(offset).is_integer():
        return f"x * {int(scale)} + {int(offset)}" if (scale, offset) != (1, 0) else "x"
    counts = round(offset / scale) if scale else 0
    if scale and math.isclose(counts * scale, offset, rel_tol=1e-12):
        return f"(x + {counts}) * {scale!r}" if counts else f"x * {scale!r}"
    return f"x * {scale!r} + {offset!r}"


def _limits(part: Part) -> str:
    """The condition under which the raw number in `x` is within the part's limits; "" when it always is."""
    least, most = _raw_range(part.field)
    low, high = _raw_limits(part)
    if low <= least:
        return f"x <= {high}" if high < most else ""
    return f"{low} <= x <= {high}" if high < most else f"x >= {low}"


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
    kind = {16: "e", 32: "f", 64: "d"}[length]
    value: float = struct.unpack(f">{kind}", raw.to_bytes(length // 8, "big"))[0]
    return value
