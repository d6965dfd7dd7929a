"""A drive → the frames on its bus: broadcast messages at their periods, and another tester's exchange if wanted."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from agent.model import NS, Frame
from agent.signals import SPEED
from hil.vehicle.drive import Drive
from hil.vehicle.encode import load
from hil.vehicle.pattern import APART_NS, pattern
from hil.vehicle.tester import Tester, frames_per_s

EVEN_MS = (10, 20, 25, 40, 50, 100, 125, 200, 250, 500, 1000)  # they divide a second: each second looks the same
SLOWER_AT_MOST = 8  # a message is stale after 10 of its periods: stay well below
MS = 1_000_000


def frames(
    drive: Drive,
    t0_ns: int = 0,
    *,
    max_frames_per_s: int | None = None,
    obd_requests_per_s: int = 0,
    asks_codes: bool = False,
    seed: int = 0,
) -> Iterator[Frame]:
    """All frames of a drive in order of time; `t0_ns` is when the bus wakes.

    Vehicle.Speed is sent at each point of the trace, so that its trapezoid is the trace's.
    max_frames_per_s: the fast messages are slowed down until the mean rate is no higher. Raises ValueError when even
    the slowest that still reads as fresh is higher. obd_requests_per_s: 0 for no tester; asks_codes: it also asks
    for trouble codes, VIN and calibration ids, which are the car's `diagnostics`; seed: its answering times.
    """
    bus, messages = load(drive.vehicle)
    diagnostics = drive.diagnostics if asks_codes else None
    tester = Tester(drive.vehicle, bus, obd_requests_per_s, seed, diagnostics) if obd_requests_per_s else None
    spent = frames_per_s(drive.vehicle, obd_requests_per_s, diagnostics) if obd_requests_per_s else 0.0
    periods_ms = slowed([m.period_ms for m in messages], max_frames_per_s - spent if max_frames_per_s else None)
    speed_first = sorted(zip(messages, periods_ms, strict=True), key=lambda pair: not pair[0].carries(SPEED))
    slots = pattern({message: period_ms * MS for message, period_ms in speed_first}, APART_NS)
    for second in drive.seconds:
        start_ns = t0_ns + second.offset_s * NS
        beat = [
            Frame(m.arbitration_id, m.is_extended, m.payload(second, at_ns / NS), bus, start_ns + at_ns) for at_ns, m in slots
        ]
        yield from sorted([*beat, *tester.second(second, start_ns)], key=attrgetter("t_ns")) if tester else beat


def slowed(periods_ms: list[int], frames_per_s: float | None) -> list[int]:
    """The periods, the fastest lengthened until no more than so many frames a second are sent."""
    if frames_per_s is None:
        return periods_ms
    for floor_ms in EVEN_MS:
        slower = [_even(period, floor_ms) for period in periods_ms]
        rate = sum(1000 / period for period in slower)
        if rate <= frames_per_s:
            return slower
    raise ValueError(f"the broadcast needs {rate:.0f} frames/s to stay fresh; {frames_per_s:.0f} are left for it")


def _even(period_ms: int, floor_ms: int) -> int:
    """`floor_ms` or the message's own period if that is longer; but not so long that it reads as stale."""
    longest_ms = min(floor_ms, SLOWER_AT_MOST * period_ms)
    return max(period_ms, *(even for even in EVEN_MS if even <= longest_ms))
