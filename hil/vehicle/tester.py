"""Another tester on the bus: its OBD-II requests, and the car's answers (SAE J1979 over ISO 15765-4): service 01, and if
wanted trouble codes, VIN and calibration ids (03, 07, 0A, 09).

Physical answers come from 7E8. Values are cut down to the PID's grain, not rounded, as real ECUs do: PID 0D reads
on average 0.5 km/h low, about 1 % of WLTC's distance.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import chain, cycle
from typing import Any, NamedTuple

from agent.model import NS, Frame
from agent.signals import (
    COOLANT,
    ENGINE_SPEED,
    FUEL_LEVEL,
    FUEL_RATE,
    IGNITION,
    LAMBDA,
    MAF,
    ODOMETER,
    PEDAL,
    SPEED,
    STATE_OF_CHARGE,
)
from hil.vehicle.diagnostics import Diagnostics
from hil.vehicle.second import AIR, INTAKE, LOAD, MAP, OIL, RUN_TIME, THROTTLE, VOLTAGE, Second

REQUEST_ID, FLOW_ID, ANSWER_ID = 0x7DF, 0x7E0, 0x7E8
PAD = 0xAA
ANSWER_NS = (4_000_000, 30_000_000)  # ISO 15765-4: P2 is 50 ms at the most
FLOW_NS = 1_000_000  # the tester's flow control after the first frame
APART_NS = 1_500_000  # consecutive frames
FIRST_NS = 3_000_000  # the tester's clock is not the car's: a little off the broadcast's beat
MOST_REQUESTS = 20  # a second: a whole exchange has to fit in between

CURRENT, STORED, PENDING, INFORMATION, PERMANENT = 0x01, 0x03, 0x07, 0x09, 0x0A  # services
VIN, CALIBRATION = 0x02, 0x04  # InfoTypes of service 09
STATUS = 0x01  # the PID that tells the engine lamp

At = Callable[[str], Any]
"""A VSS path → the value at the answer's time."""


class Pid(NamedTuple):
    """One PID as the ECU makes it; `raw` is cut down to `size` bytes, high byte first."""

    size: int
    raw: Callable[[At], float]


PERCENT = 255 / 100

# fmt: off
PIDS: dict[int, Pid] = {
    0x04: Pid(1, lambda at: at(LOAD) * PERCENT),
    0x05: Pid(1, lambda at: at(COOLANT) + 40),
    0x0B: Pid(1, lambda at: at(MAP)),
    0x0C: Pid(2, lambda at: at(ENGINE_SPEED) * 4),
    0x0D: Pid(1, lambda at: at(SPEED) + 1e-6),  # 50 km/h is 50, though a float may say 49.999999
    0x0F: Pid(1, lambda at: at(INTAKE) + 40),
    0x10: Pid(2, lambda at: at(MAF) * 100),
    0x11: Pid(1, lambda at: at(THROTTLE) * PERCENT),
    0x1F: Pid(2, lambda at: at(RUN_TIME)),
    0x2F: Pid(1, lambda at: at(FUEL_LEVEL) * PERCENT),
    0x33: Pid(1, lambda _: 101),  # sea level, kPa
    0x42: Pid(2, lambda at: at(VOLTAGE) * 1000),
    0x44: Pid(2, lambda at: at(LAMBDA) * 32768),
    0x46: Pid(1, lambda at: at(AIR) + 40),
    0x51: Pid(1, lambda _: 1),  # petrol
    0x5A: Pid(1, lambda at: at(PEDAL) * PERCENT),
    0x5B: Pid(1, lambda at: at(STATE_OF_CHARGE) * PERCENT),
    0x5C: Pid(1, lambda at: at(OIL) + 40),
    0x5E: Pid(2, lambda at: at(FUEL_RATE) * 20),
    0xA6: Pid(4, lambda at: at(ODOMETER) / 100),
}
# fmt: on
ELECTRIC = PIDS | {0x51: Pid(1, lambda _: 8)}

OFTEN = {
    "sim_petrol": ((0x0D,), (0x0C, 0x0D, 0x10, 0x11, 0x44, 0x04), (0x0D,), (0x5E, 0x0D)),
    "sim_ev": ((0x0D,), (0x0D, 0x5A, 0x5B, 0x42), (0x0D,), (0x5A, 0x0D)),
}
"""What is asked again and again; between two rounds comes one of SELDOM. One request may ask for up to six PIDs."""
SELDOM = {
    "sim_petrol": ((0xA6,), (0x05, 0x0F, 0x2F, 0x42), (0x5C,), (0x0B, 0x1F, 0x46), (0x33,), (0x51,), (0x5A,)),
    "sim_ev": ((0xA6,), (0x1F, 0x46), (0x33,), (0x51,)),
}
CODES: tuple[tuple[int, ...], ...] = (
    (CURRENT, STATUS),
    (STORED,),
    (PENDING,),
    (PERMANENT,),
    (INFORMATION, VIN),
    (INFORMATION, CALIBRATION),
)
"""Requests for what is the car's `diagnostics`, asked like those of SELDOM."""
BANKS = (0x00, 0x20, 0x40, 0x60, 0x80, 0xA0)  # asked first: which of the next 32 PIDs are there


class Tester:
    """Requests and answers of one session, a second at a time."""

    def __init__(self, vehicle: str, bus: str, requests_per_s: int, seed: int, diagnostics: Diagnostics | None = None) -> None:
        if not 1 <= requests_per_s <= MOST_REQUESTS:
            raise ValueError(f"{requests_per_s} OBD requests a second: 1 to {MOST_REQUESTS} fit")
        self._bus = bus
        self._every_ns = NS // requests_per_s
        self._rng = random.Random(f"tester {seed}")
        self._pids = ELECTRIC if vehicle == "sim_ev" else PIDS
        self._diagnostics = diagnostics
        self._monitors = b"\x04\x00\x00" if vehicle == "sim_ev" else b"\x07\x65\x00"  # PID 01: those there are, all complete
        often, seldom = _requests(vehicle, diagnostics)
        self._supported = {pid for service, *asked in often + seldom if service == CURRENT for pid in asked}
        rounds = ((*often, rare) for rare in cycle(seldom))
        self._next = chain(((CURRENT, bank) for bank in BANKS), chain.from_iterable(rounds))

    def second(self, second: Second, start_ns: int) -> Iterator[Frame]:
        """The exchange of one second; nothing with the ignition off, requests without answer in ACC."""
        ignition = second.held[IGNITION]
        if ignition == "OFF":
            return
        for request_ns in range(FIRST_NS, NS, self._every_ns):
            asked = (CURRENT, 0x00) if ignition == "ACC" else next(self._next)
            yield self._frame(REQUEST_ID, bytes((len(asked), *asked)), start_ns + request_ns)
            if ignition != "ACC":
                yield from self._answer(asked, second, start_ns, request_ns + self._rng.randint(*ANSWER_NS))

    def _answer(self, asked: tuple[int, ...], second: Second, start_ns: int, after_ns: int) -> Iterator[Frame]:
        share = min(1.0, after_ns / NS)

        def at(path: str) -> Any:
            if path in second.held:
                return second.held[path]
            first, last = second.ramps[path]
            return first + (last - first) * share

        service, *pids = asked
        if service == CURRENT:
            payload = b"\x41" + b"".join(bytes((pid,)) + self._bytes(pid, at) for pid in pids)
        else:
            assert self._diagnostics is not None
            payload = told(self._diagnostics, asked)
        yield from self._isotp(payload, start_ns + after_ns)

    def _bytes(self, pid: int, at: At) -> bytes:
        if pid == STATUS and self._diagnostics is not None:
            return bytes((self._diagnostics.is_lamp_on << 7 | len(self._diagnostics.stored),)) + self._monitors
        if pid in BANKS:
            mask = sum(1 << (32 - n) for n in range(1, 33) if pid + n in self._supported or self._leads_on(pid + n))
            return mask.to_bytes(4, "big")
        size, raw = self._pids[pid]
        return min(max(0, int(raw(at))), (1 << 8 * size) - 1).to_bytes(size, "big")

    def _leads_on(self, pid: int) -> bool:
        return pid in BANKS and any(supported > pid for supported in self._supported)

    def _isotp(self, payload: bytes, at_ns: int) -> Iterator[Frame]:
        """ISO 15765-2: in one frame, or a first one, the tester's flow control, and consecutive ones."""
        if len(payload) <= 7:
            yield self._frame(ANSWER_ID, bytes((len(payload),)) + payload, at_ns)
            return
        yield self._frame(ANSWER_ID, bytes((0x10, len(payload))) + payload[:6], at_ns)
        yield self._frame(FLOW_ID, b"\x30\x00\x00", at_ns + FLOW_NS)
        for number, i in enumerate(range(6, len(payload), 7), start=1):
            data = bytes((0x20 | number & 0xF,)) + payload[i : i + 7]
            yield self._frame(ANSWER_ID, data, at_ns + FLOW_NS + number * APART_NS)

    def _frame(self, arbitration_id: int, data: bytes, t_ns: int) -> Frame:
        return Frame(arbitration_id, False, data.ljust(8, bytes((PAD,))), self._bus, t_ns)


def told(diagnostics: Diagnostics, asked: tuple[int, ...]) -> bytes:
    """The car's answer to a request of another service than 01: a count, and its items."""
    service, *info_type = asked
    if info_type == [VIN]:
        items = [diagnostics.vin.encode()]
    elif info_type == [CALIBRATION]:
        items = [each.encode().ljust(16, b"\0") for each in diagnostics.calibration_ids]
    else:
        codes = {STORED: diagnostics.stored, PENDING: diagnostics.pending, PERMANENT: diagnostics.permanent}[service]
        items = [dtc_bytes(code) for code in codes]
    return bytes((service | 0x40, *info_type, len(items))) + b"".join(items)


def dtc_bytes(code: str) -> bytes:
    """A trouble code as it is sent (SAE J2012): two bits for P, C, B or U, two for the first digit, three times four."""
    return ("PCBU".index(code[0]) << 14 | int(code[1:], 16)).to_bytes(2, "big")


def _requests(vehicle: str, diagnostics: Diagnostics | None) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    """What is asked often, and what seldom; each the service and its PIDs."""
    often = tuple((CURRENT, *pids) for pids in OFTEN[vehicle])
    seldom = tuple((CURRENT, *pids) for pids in SELDOM[vehicle])
    return often, seldom + CODES if diagnostics is not None else seldom


def frames_per_s(vehicle: str, requests_per_s: int, diagnostics: Diagnostics | None = None) -> float:
    """How many frames a session makes at the most in a second, on average over a round and its dearest extra request."""
    often, seldom = _requests(vehicle, diagnostics)
    frames = [_frames(_length(asked, diagnostics)) for asked in often]
    dearest = max(_frames(_length(asked, diagnostics)) for asked in seldom)
    return requests_per_s * (sum(frames) + dearest) / (len(often) + 1)


def _length(asked: tuple[int, ...], diagnostics: Diagnostics | None) -> int:
    """Bytes of the answer."""
    service, *pids = asked
    if service != CURRENT:
        assert diagnostics is not None
        return len(told(diagnostics, asked))
    return 1 + sum(1 + (4 if pid == STATUS else PIDS[pid].size) for pid in pids)


def _frames(length: int) -> int:
    """The request, and the answer: in one frame, or a first one, flow control and consecutive ones."""
    return 2 if length <= 7 else 3 + -(-(length - 6) // 7)
