"""OBD-II answers: messages in one frame and in several, what goes wrong with them, a recorded drive, and garbage."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterable
from itertools import chain, pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent import signals
from agent.model import NS, Frame, Sample
from agent.obd import MAX_MESSAGE_BYTES, MAX_OPEN, N_CR_NS, Assembler, decode_service01


def a_frame(data: bytes | str, t_ns: int = 0, arbitration_id: int = 0x7E8, bus: str = "can0") -> Frame:
    raw = bytes.fromhex(data) if isinstance(data, str) else data
    return Frame(arbitration_id, arbitration_id > 0x7FF, raw, bus, t_ns)


def split(message: bytes, frame_bytes: int = 8, padding: bytes = b"\xaa") -> list[bytes]:
    """A message as ISO 15765-2 sends it, in frames of `frame_bytes`."""
    length = len(message)
    if length <= 7:
        return [(bytes((length,)) + message).ljust(8, padding)]
    if length <= frame_bytes - 2 and frame_bytes > 8:
        return [(bytes((0, length)) + message).ljust(frame_bytes, padding)]
    first = bytes((0x10 | length >> 8, length & 0xFF)) + message[: frame_bytes - 2]
    rest, step = message[frame_bytes - 2 :], frame_bytes - 1
    parts = [rest[i : i + step] for i in range(0, len(rest), step)]
    return [first, *((bytes((0x20 | n & 0x0F,)) + part).ljust(frame_bytes, padding) for n, part in enumerate(parts, 1))]


def fed(frames: Iterable[Frame]) -> tuple[list[Sample], dict[str, int]]:
    assembler = Assembler()
    return [sample for frame in frames for sample in assembler.feed(frame)], dict(assembler.counts)


# ── a recorded drive ──


def test_a_recorded_drive(drives: Path) -> None:
    frames = []
    with gzip.open(drives / "css_164_obd_gps.log.gz", "rt") as log:
        for line in log:
            t_s, bus, frame = line.split()
            arbitration_id, data = frame.split("#")
            frames.append(a_frame(data, round(float(t_s[1:-1]) * 1e6) * 1000, int(arbitration_id, 16), bus))
    samples, counts = fed(frames)
    assert counts == {}
    assert len(samples) == sum(frame.arbitration_id == 0x7E8 for frame in frames) == 28_930
    speed = [(t_ns / NS, value) for t_ns, path, value in samples if path == signals.SPEED and isinstance(value, float)]
    assert (speed[-1][0] - speed[0][0]) / (len(speed) - 1) == pytest.approx(0.5, abs=0.005)
    metres = sum((t1 - t0) * (v0 + v1) / 2 / 3.6 for (t0, v0), (t1, v1) in pairwise(speed))
    assert metres == pytest.approx(41_650, abs=50)
    level = [value for _, path, value in samples if path == signals.FUEL_LEVEL]
    assert (level[0], level[-1]) == pytest.approx((54.90, 51.37), abs=0.005)


# ── frames and messages ──

SIX_PIDS = bytes.fromhex("41 0C 1AF8 0D 32 05 7B A6 0012FF08 11 CC 2F 99")
SIX_VALUES = [
    (signals.ENGINE_SPEED, 1726),
    (signals.SPEED, 50),
    (signals.COOLANT, 83),
    (signals.ODOMETER, 124_493_600),
    ("Vehicle.Powertrain.CombustionEngine.TPS", 80),
    (signals.FUEL_LEVEL, 60),
]
SPEED_50 = a_frame("03 41 0D 32 00 00 00 00")


@pytest.mark.parametrize("frame_bytes", [8, 12, 64])
@pytest.mark.parametrize("arbitration_id", [0x7E8, 0x7EF, 0x18DAF110])
def test_six_pids_in_one_answer(frame_bytes: int, arbitration_id: int) -> None:
    parts = split(SIX_PIDS, frame_bytes)
    frames = [a_frame(part, t_ns=n * 1000, arbitration_id=arbitration_id) for n, part in enumerate(parts)]
    samples, counts = fed(frames)
    assert [(path, value) for _, path, value in samples] == SIX_VALUES
    assert {t_ns for t_ns, _, _ in samples} == {frames[-1].t_ns}  # the frame that completes it tells the time
    assert counts == {}


def test_several_pids_in_a_single_frame() -> None:
    assert fed([a_frame("07 41 0D 32 0C 1A F8 05")]) == (
        [(0, signals.SPEED, 50), (0, signals.ENGINE_SPEED, 1726)],
        {"truncated": 1},  # 05 has no data
    )


@pytest.mark.parametrize(
    ("arbitration_id", "is_extended"),
    [(0x7E7, False), (0x7F0, False), (0x7E0, False), (0x7DF, False), (0x7E8, True), (0x18DA10F1, True), (0x18DAF110, False)],
)
def test_other_ids_are_no_answers(arbitration_id: int, is_extended: bool) -> None:
    assembler = Assembler()
    assert assembler.feed(replace(SPEED_50, arbitration_id=arbitration_id, is_extended=is_extended)) == []
    assert assembler.counts == {}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "truncated"),
        ("04 41 0C 1A", "truncated"),
        ("03 41 0C 1A", "truncated"),
        ("01 41", "truncated"),
        ("03 7F 01 12 00 00 00 00", "negative response"),
        ("03 7F 01 78 00 00 00 00", "negative response"),
        ("03 62 F4 0D 32", "unsupported service"),
        ("02 41 20", "truncated"),
        ("03 41 68 00", "unknown PID"),
        ("21 00 00", "stray consecutive frame"),
        ("30 00 00", "flow control"),
        ("40 41 0D 32", "reserved frame type"),
        ("00 41 0D 32", "invalid length"),
        ("08 41 0D 32 0C 1A F8 05 7B", "invalid length"),
        ("00 03 41 0D 32 00 00 00 00 00 00 00", "invalid length"),
        ("00 20 41 0D 32 00 00 00 00 00 00 00", "truncated"),
        ("10 07 41 0D 32 0C 1A F8", "invalid length"),
        ("10 0A 41 0D 32 0C 1A F8 05 7B 0D 33", "invalid length"),  # CAN FD: it would have fitted a single frame
        ("10 20 41 0D 32", "truncated"),
        ("10 00 00 00 10 00 41 0D", "too long"),
    ],
)
def test_what_is_dropped_is_counted(data: str, why: str) -> None:
    assert fed([a_frame(data)]) == ([], {why: 1})


def test_a_support_mask_is_known_and_makes_no_sample() -> None:
    assert fed([a_frame("06 41 00 BE 3F A8 13 00")]) == ([], {})


def test_what_comes_before_an_unknown_pid_counts() -> None:
    assert decode_service01(bytes.fromhex("41 0D 32 68 00 0C 1A F8")) == [(0x0D, {signals.SPEED: 50})]
    assert decode_service01(b"") == decode_service01(b"\x7f\x01\x12") == []


def test_a_short_escaped_length_is_read() -> None:
    frames = ["10 00 00 00 00 08 41 0D", "21 32 0C 1A F8 05 7B 00"]
    samples, counts = fed(map(a_frame, frames))
    assert [value for _, _, value in samples] == [50, 1726, 83]
    assert counts == {}


FIRST, SECOND, THIRD = (a_frame(part, t_ns=n * 1000) for n, part in enumerate(split(SIX_PIDS)))


@pytest.mark.parametrize(
    ("frames", "answers", "counts"),
    [
        ([FIRST, THIRD, SECOND], 0, {"wrong sequence number": 1, "stray consecutive frame": 1}),
        (
            [FIRST, replace(SECOND, data=b"\x29" + SECOND.data[1:]), THIRD],
            0,
            {"wrong sequence number": 1, "stray consecutive frame": 1},
        ),
        ([FIRST, SECOND, SECOND, THIRD], 0, {"wrong sequence number": 1, "stray consecutive frame": 1}),
        ([SECOND, FIRST, SECOND, THIRD], 1, {"stray consecutive frame": 1}),
        ([FIRST, FIRST, SECOND, THIRD], 1, {"interrupted": 1}),
        ([FIRST, SECOND, THIRD, THIRD], 1, {"stray consecutive frame": 1}),
        ([FIRST, a_frame("30 00 00"), SECOND, THIRD], 1, {"flow control": 1}),
        ([FIRST, a_frame("03 7F 01 78"), SECOND], 0, {"interrupted": 1, "negative response": 1, "stray consecutive frame": 1}),
        ([FIRST, replace(SECOND, data=SECOND.data[:5]), THIRD], 0, {"truncated": 1, "stray consecutive frame": 1}),
        ([FIRST, SECOND, replace(THIRD, data=THIRD.data[:3])], 0, {"truncated": 1}),
        ([FIRST, replace(SECOND, t_ns=N_CR_NS), replace(THIRD, t_ns=2 * N_CR_NS)], 1, {}),
        ([FIRST, replace(SECOND, t_ns=N_CR_NS + 1), THIRD], 0, {"timed out": 1, "stray consecutive frame": 1}),
        ([replace(FIRST, t_ns=5000), SECOND, THIRD], 0, {"timed out": 1, "stray consecutive frame": 1}),
        ([FIRST, replace(FIRST, t_ns=2 * NS)], 0, {"timed out": 1}),
        ([FIRST, replace(SECOND, arbitration_id=0x7E9), THIRD], 0, {"stray consecutive frame": 1, "wrong sequence number": 1}),
        ([FIRST, replace(SECOND, bus="can1"), THIRD], 0, {"stray consecutive frame": 1, "wrong sequence number": 1}),
    ],
)
def test_a_message_that_goes_wrong(frames: list[Frame], answers: int, counts: dict[str, int]) -> None:
    samples, counted = fed(frames)
    assert [(path, value) for _, path, value in samples] == SIX_VALUES * answers
    assert counted == counts


def test_a_single_frame_takes_the_place_of_an_unfinished_message() -> None:
    assert fed([FIRST, SPEED_50, SECOND]) == ([(0, signals.SPEED, 50)], {"interrupted": 1, "stray consecutive frame": 1})
    samples, counts = fed([FIRST, replace(SPEED_50, arbitration_id=0x7E9), SECOND, THIRD])
    assert ([value for _, _, value in samples], counts) == ([50, *(value for _, value in SIX_VALUES)], {})


def test_unfinished_messages_are_bounded() -> None:
    assembler = Assembler()
    sources = [0x18DAF100 + n for n in range(2 * MAX_OPEN)]
    for n, source in enumerate(sources):
        assembler.feed(replace(FIRST, arbitration_id=source, is_extended=True, t_ns=n))
    assert assembler.counts == {"interrupted": MAX_OPEN}
    done = [
        assembler.feed(replace(part, arbitration_id=source, is_extended=True)) for source in sources for part in (SECOND, THIRD)
    ]
    assert sum(map(bool, done)) == MAX_OPEN


# ── properties ──

BYTES = st.binary(max_size=24)
KNOWN = st.sampled_from(
    [bytes.fromhex(answer) for answer in ("410D32", "410C1AF8", "41060A60", "41A60012FF08", "416B4100000000")] + [SIX_PIDS]
)
PCI = st.sampled_from([0x00, 0x03, 0x04, 0x07, 0x10, 0x20, 0x21, 0x22, 0x23, 0x2F, 0x30, 0xF0])
ODD = st.one_of(
    BYTES, st.builds(lambda pci, rest: bytes((pci,)) + rest, PCI, BYTES), KNOWN.map(lambda message: split(message)[-1])
)
STREAM: st.SearchStrategy[list[bytes]] = st.lists(st.one_of(ODD.map(lambda data: [data]), KNOWN.map(split)), max_size=8).map(
    lambda parts: list(chain(*parts))
)
TIMES = st.lists(st.integers(-NS, 3 * NS), min_size=1, max_size=40)


def timed(stream: list[bytes], times: list[int], arbitration_id: int, bus: str = "can0") -> list[Frame]:
    return [a_frame(data, times[n % len(times)], arbitration_id, bus) for n, data in enumerate(stream)]


@given(STREAM, TIMES, st.sampled_from([0x7E8, 0x7EF, 0x18DAF1FF, 0x123]))
def test_garbage_never_raises_and_is_counted_or_read(stream: list[bytes], times: list[int], arbitration_id: int) -> None:
    samples, counts = fed(timed(stream, times, arbitration_id))
    assert all(path in signals.SIGNALS and t_ns in times for t_ns, path, _ in samples)
    assert arbitration_id != 0x123 or (samples, counts) == ([], {})


@given(
    STREAM,
    STREAM,
    TIMES,
    st.sampled_from([(0x7E9, "can0"), (0x18DAF110, "can0"), (0x7E8, "can1")]),
    st.randoms(use_true_random=False),
)
def test_two_ecus_interleaved_are_each_alone(
    one: list[bytes], other: list[bytes], times: list[int], second: tuple[int, str], chance: Random
) -> None:
    a, b = timed(one, times, 0x7E8), timed(other, times, *second)
    alone = [fed(a), fed(b)]
    assembler = Assembler()
    mixed: tuple[list[Sample], list[Sample]] = ([], [])
    queues = [list(a), list(b)]
    while any(queues):
        turn = chance.choice([n for n in (0, 1) if queues[n]])
        mixed[turn].extend(assembler.feed(queues[turn].pop(0)))
    assert mixed == (alone[0][0], alone[1][0])
    assert assembler.counts == Counter(alone[0][1]) + Counter(alone[1][1])


@given(
    st.binary(min_size=1, max_size=20),
    st.integers(1, MAX_MESSAGE_BYTES // 2 - 10),
    st.sampled_from([8, 12, 16, 20, 24, 32, 48, 64]),
)
def test_a_message_is_the_same_however_it_is_split(rest: bytes, speeds: int, frame_bytes: int) -> None:
    message = b"\x41" + b"".join(bytes((0x0D, n & 0xFF)) for n in range(speeds)) + rest
    values = [value for _, answered in decode_service01(message) for value in answered.values()]
    assert values[:speeds] == [n & 0xFF for n in range(speeds)]
    assert [value for _, _, value in fed(a_frame(part) for part in split(message, frame_bytes))[0]] == values
