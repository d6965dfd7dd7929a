"""OBD-II answers on the bus → samples: ISO 15765-2 messages put together, then read (SAE J1979, ISO 15765-4's formats).

    service 01               by the table of `obd_pids`
    03, 07, 0A               trouble codes stored, pending, permanent: a count byte, two bytes each (J2012)
    09 InfoType 02, 04       the VIN; calibration ids of 16 bytes each. Other InfoTypes are let go

Codes and calibration ids are each ECU's own, so their texts name it (`signals.PER_ECU`). Doubts: ECUs on two buses that
answer with the same id would be taken for one; a VIN is believed as it is spelt, its check digit is North America's only.

Pure, and listening only: another tester asks, the unit sends nothing (so no flow control either).
Each source (bus and arbitration id) has at most one message open:

    frame          no message open             one open
    single         read                        the open one is dropped ("interrupted", "timed out"); read
    first          opened                      the open one is dropped likewise; opened
    consecutive    dropped ("stray …")         the next number: added, read when complete. Another number, a length that
                                               is not the first frame's, or N_Cr run out: the open one is dropped
    anything else  dropped                     dropped; the open one goes on waiting
"""

from __future__ import annotations

import re
from collections import Counter

from agent.dtc import code_of
from agent.model import NS, Frame, Sample, Value
from agent.obd_pids import BOTH_BANKS, READERS, Reader
from agent.plan import ANSWERS_11BIT, ANSWERS_29BIT
from agent.signals import CALIBRATION_IDS, DTCS_PENDING, DTCS_PERMANENT, DTCS_STORED, VIN, of_ecu

N_CR_NS = 1 * NS  # ISO 15765-2: the longest wait for a consecutive frame
MAX_MESSAGE_BYTES = 4095  # what the 12-bit length can say; no service-01 answer comes near it
MAX_OPEN = 32  # unfinished messages at once: four buses of 8 ECUs, the most that ISO 15765-4 lets answer

SERVICE_01 = 0x41  # its answers; the request is 01
DTC_SERVICES = {0x43: DTCS_STORED, 0x47: DTCS_PENDING, 0x4A: DTCS_PERMANENT}
SERVICE_09 = 0x49
VIN_TYPE, CALIBRATION_TYPE = 0x02, 0x04
CALIBRATION_BYTES = 16
NEGATIVE = 0x7F

_IS_VIN = re.compile("[A-HJ-NPR-Z0-9]{17}")  # ISO 3779: no I, O, Q
_IS_CALIBRATION_ID = re.compile("[!-~]([ -~]*[!-~])?")  # printable ASCII

_ID_11, _MASK_11 = ANSWERS_11BIT[0], ~7
_ID_29, _MASK_29 = ANSWERS_29BIT[0], ~0xFF

_SINGLE: dict[bytes, Reader] = {
    bytes((2 + length, SERVICE_01, pid)): read
    for table in (READERS, BOTH_BANKS)
    for pid, (length, read) in table.items()
    if 2 + length <= 7
}
"""The first three bytes of a single frame that answers one PID → its reader: one look-up for nearly all that comes."""


def decode_service01(answer: bytes) -> list[tuple[int, dict[str, Value]]]:
    """A whole service-01 answer (41, PID, data, PID, data …) as (PID, values by VSS path), up to what cannot be read."""
    parts, _ = _parts(answer) if answer[:1] == b"\x41" else ([], None)
    return [(answer[i - 1], {path: value for _, path, value in read(0, answer, i)}) for i, read in parts]


def _parts(answer: bytes) -> tuple[list[tuple[int, Reader]], str | None]:
    """(where the data begin, reader) of each PID in an answer; and why its rest, if any, was dropped."""
    parts: list[tuple[int, Reader]] = []
    i = 1
    while i < len(answer):
        pid, i = answer[i], i + 1
        if pid not in READERS:
            return parts, "unknown PID"
        length, read = READERS[pid]
        if pid in BOTH_BANKS and len(answer) - i == BOTH_BANKS[pid][0]:
            length, read = BOTH_BANKS[pid]
        if len(answer) - i < length:
            return parts, "truncated"
        parts.append((i, read))
        i += length
    return parts, None if parts else "truncated"


class _Message:
    """A multi-frame message that is not complete yet."""

    __slots__ = ("data", "frame_bytes", "length", "number", "t_ns")

    def __init__(self, length: int, data: bytes, frame_bytes: int, t_ns: int) -> None:
        self.length = length
        self.data = bytearray(data)
        self.frame_bytes = frame_bytes  # of the first frame; all but the last have it
        self.number = 1  # of the next frame, modulo 16
        self.t_ns = t_ns  # of the last frame


class Assembler:
    """Frames of all buses in, samples out; one per bus set.

    `counts`: what was dropped, by reason. Holds at most MAX_OPEN unfinished messages of MAX_MESSAGE_BYTES.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._open: dict[tuple[str, int], _Message] = {}

    def feed(self, frame: Frame) -> list[Sample]:
        """The samples that `frame` completes, at its own t_ns; [] for a frame that is no diagnostic answer. Never raises."""
        arbitration_id, data, t_ns = frame.arbitration_id, frame.data, frame.t_ns
        if arbitration_id & _MASK_29 != _ID_29 if frame.is_extended else arbitration_id & _MASK_11 != _ID_11:
            return []
        read = _SINGLE.get(data[:3])
        if read and len(data) > data[0] and (not self._open or (frame.bus, arbitration_id) not in self._open):
            return read(t_ns, data, 3)
        message = self._message((frame.bus, arbitration_id), data, t_ns)
        return self._samples(f"{arbitration_id:X}", message, t_ns) if message else []

    def _samples(self, ecu: str, message: bytes, t_ns: int) -> list[Sample]:
        service = message[0]
        if service == SERVICE_01:
            parts, dropped = _parts(message)
            if dropped:
                self.counts[dropped] += 1
            return [sample for i, read in parts for sample in read(t_ns, message, i)]
        if service in DTC_SERVICES:
            codes = self._codes(message)
            return [] if codes is None else [(t_ns, DTC_SERVICES[service], of_ecu(ecu, codes))]
        if service == SERVICE_09:
            return [(t_ns, path, text) for path, text in self._vehicle_information(ecu, message)]
        self.counts["negative response" if service == NEGATIVE else "unsupported service"] += 1
        return []

    def _codes(self, message: bytes) -> list[str] | None:
        """The codes of an answer, sorted, each once; None when it is not as long as its count says."""
        if len(message) < 2 or len(message) < 2 + 2 * message[1]:
            self.counts["truncated"] += 1
            return None
        if len(message) > 2 + 2 * message[1]:
            self.counts["wrong count of codes"] += 1
            return None
        raws = {int.from_bytes(message[i : i + 2], "big") for i in range(2, len(message), 2)}
        return sorted(map(code_of, raws - {0}))  # 0000 is no code: some ECUs fill up with it

    def _vehicle_information(self, ecu: str, message: bytes) -> list[tuple[str, str]]:
        """(path, text) of a service-09 answer: 49, InfoType, number of items, items."""
        if len(message) < 3:
            self.counts["truncated"] += 1
            return []
        info_type, items, data = message[1], message[2], message[3:]
        if info_type == VIN_TYPE:
            vin = data.strip(b"\0").decode("latin-1")  # the older format's filling before the 17 is kept by some ECUs
            if _IS_VIN.fullmatch(vin) and len(set(vin)) > 1:  # seventeen times 0 or F is a memory never written
                return [(VIN, vin)]
            self.counts["invalid VIN"] += 1
        elif info_type == CALIBRATION_TYPE:
            ids = self._calibration_ids(items, data)
            return [(CALIBRATION_IDS, of_ecu(ecu, ids))] if ids else []
        return []

    def _calibration_ids(self, items: int, data: bytes) -> list[str]:
        """In the ECU's order, for each belongs to a processor of its own; [] when one of them cannot be read."""
        if len(data) != items * CALIBRATION_BYTES:
            self.counts["truncated" if len(data) < items * CALIBRATION_BYTES else "wrong count of calibration ids"] += 1
            return []
        pieces = (data[i : i + CALIBRATION_BYTES].strip(b"\0 ") for i in range(0, len(data), CALIBRATION_BYTES))
        ids = [piece.decode("latin-1") for piece in pieces if piece]
        if all(_IS_CALIBRATION_ID.fullmatch(each) and "," not in each for each in ids):  # a comma would make it two
            return ids
        self.counts["invalid calibration id"] += 1
        return []

    def _message(self, source: tuple[str, int], data: bytes, t_ns: int) -> bytes | None:
        """The message that this frame completes; None while there is none."""
        kind = data[0] >> 4 if data else None
        if kind == 0:
            return self._single(source, data, t_ns)
        if kind == 1:
            self._first(source, data, t_ns)
        elif kind == 2:
            return self._consecutive(source, data, t_ns)
        elif kind is None:
            self.counts["truncated"] += 1
        else:
            self.counts["flow control" if kind == 3 else "reserved frame type"] += 1
        return None

    def _single(self, source: tuple[str, int], data: bytes, t_ns: int) -> bytes | None:
        length, start, least = data[0], 1, 1
        if length == 0 and len(data) > 8:  # CAN FD: the length in a byte of its own, for what 4 bits cannot say
            length, start, least = data[1], 2, 8
        if length < least or (start == 1 and length > 7):
            self.counts["invalid length"] += 1
            return None
        if len(data) < start + length:
            self.counts["truncated"] += 1
            return None
        self._abandon(source, t_ns)
        return data[start : start + length]

    def _first(self, source: tuple[str, int], data: bytes, t_ns: int) -> None:
        if len(data) < 8:
            self.counts["truncated"] += 1
            return
        length, start = (data[0] & 0x0F) << 8 | data[1], 2
        if length == 0:  # CAN FD: 32 bits of length follow
            length, start = int.from_bytes(data[2:6], "big"), 6
        if length < 8 or length <= len(data) - start:  # it would have fitted a single frame
            self.counts["invalid length"] += 1
            return
        self._abandon(source, t_ns)
        if length > MAX_MESSAGE_BYTES:
            self.counts["too long"] += 1
            return
        if len(self._open) >= MAX_OPEN:
            self._abandon(next(iter(self._open)), t_ns)
        self._open[source] = _Message(length, data[start:], len(data), t_ns)

    def _consecutive(self, source: tuple[str, int], data: bytes, t_ns: int) -> bytes | None:
        message = self._open.get(source)
        if message is None:
            self.counts["stray consecutive frame"] += 1
            return None
        if not 0 <= t_ns - message.t_ns <= N_CR_NS:
            self._abandon(source, t_ns)
            return None
        if data[0] & 0x0F != message.number:
            self._drop(source, "wrong sequence number")
            return None
        message.data += data[1:]
        if len(message.data) >= message.length:
            del self._open[source]
            return bytes(message.data[: message.length])
        if len(data) != message.frame_bytes:
            self._drop(source, "truncated")
        message.number = (message.number + 1) & 0x0F
        message.t_ns = t_ns
        return None

    def _abandon(self, source: tuple[str, int], t_ns: int) -> None:
        """Drop the source's unfinished message, if there is one."""
        message = self._open.get(source)
        if message is not None:
            self._drop(source, "interrupted" if 0 <= t_ns - message.t_ns <= N_CR_NS else "timed out")

    def _drop(self, source: tuple[str, int], why: str) -> None:
        del self._open[source]
        self.counts[why] += 1
