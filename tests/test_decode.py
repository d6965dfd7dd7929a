"""Frames in, samples out: what is good, what is unknown, what is dropped; and that nothing a frame holds ever raises."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.codegen import MAX_MISSES, PAGES_KEPT
from agent.decode import Decoder, Plan
from agent.model import Frame, Value
from agent.plan import ChecksumByte, Field, MessagePlan, Multiplexer, Part, Reading

SPEED = "Vehicle.Speed"
RPM = "Vehicle.Powertrain.CombustionEngine.Speed"
LOW_BYTE = Field(0, 8, is_little_endian=True)


def a_message(*readings: Reading, **about: Any) -> MessagePlan:
    defaults: dict[str, Any] = {"arbitration_id": 0x100, "is_extended": False, "name": "M", "length": 8, "readings": readings}
    return MessagePlan(**defaults | about)


def a_reading(field: Field = LOW_BYTE, path: str = SPEED, **part: Any) -> Reading:
    return Reading(path, (Part(field, **part),))


def a_frame(data: bytes | str, t_ns: int = 0, arbitration_id: int = 0x100, is_extended: bool = False, bus: str = "can0") -> Frame:
    return Frame(arbitration_id, is_extended, bytes.fromhex(data) if isinstance(data, str) else data, bus, t_ns)


def values(decoder: Decoder, *payloads: bytes | str) -> list[Value]:
    return [value for _, _, value in decoder.feed([a_frame(p) for p in payloads])]


def read(payload: bytes | str, field: Field, length: int = 8, **part: Any) -> Value:
    return values(Decoder(Plan("x", (a_message(a_reading(field, **part), length=length),))), payload)[0]


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        (Field(0, 8, is_little_endian=True), 0x01),
        (Field(7, 8), 0x01),
        (Field(8, 16, is_little_endian=True), 0x4523),
        (Field(15, 16), 0x2345),
        (Field(4, 8, is_little_endian=True), 0x30),
        (Field(3, 8), 0x12),
        (Field(20, 24, is_little_endian=True), 0xDAB674),
        (Field(24, 32, is_little_endian=True), 0xEFCDAB67),
        (Field(31, 32), 0x67ABCDEF),
        (Field(0, 56, is_little_endian=True), 0xEFCDAB67452301),
        (Field(7, 56), 0x01234567ABCDEF),
        (Field(54, 1, is_little_endian=True), 1),
        (Field(54, 1), 1),
        (Field(48, 8, is_little_endian=True, is_signed=True), 0xEF - 0x100),
        (Field(43, 12, is_signed=True), 0xDEF - 0x1000),
        (Field(47, 16, is_signed=True), 0xCDEF - 0x10000),
    ],
)
def test_raw_numbers_out_of_every_corner(field: Field, raw: int) -> None:
    assert read("01234567ABCDEF", field, length=7) == raw


@pytest.mark.parametrize(("bits", "code"), [(16, "e"), (32, "f"), (64, "d")])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("shift", [0, 3])
def test_floats(bits: int, code: str, order: str, shift: int) -> None:
    number = struct.pack(order + code, -1.625)
    if order == "<":
        payload, start = (int.from_bytes(number, "little") << 8 + shift).to_bytes(12, "little"), 8 + shift
    else:
        payload, start = (
            (int.from_bytes(number, "big") << 96 - bits - 8 - shift).to_bytes(12, "big"),
            15 if shift == 0 else 8 + 7 - shift,
        )
    assert read(payload, Field(start, bits, order == "<", is_float=True), length=12, scale=2, offset=0.5) == -2.75


def test_signals_of_whole_bytes_may_overlap() -> None:
    starts = (0, 8, 16)
    readings = [a_reading(Field(start, 16, True), f"{start}") for start in starts]
    assert values(Decoder(Plan("x", (a_message(*readings),))), "0123456789ABCDEF") == [0x2301, 0x4523, 0x6745]


def test_a_signal_in_the_depth_of_a_can_fd_frame() -> None:
    payload = bytes(range(64))
    assert read(payload, Field(8 * 50, 24, is_little_endian=True), length=64) == 0x343332
    assert read(payload, Field(8 * 50 + 7, 24), length=64) == 0x323334


@pytest.mark.parametrize("raw", [0, 1, 6_766, 6_767, 6_768, 65_535])
def test_scaling_keeps_zero_exactly_zero(raw: int) -> None:
    value = read(raw.to_bytes(8, "little"), Field(0, 16, is_little_endian=True), scale=0.01, offset=-67.67)
    assert isinstance(value, float)
    assert value == 0 if raw == 6_767 else math.isclose(value, raw * 0.01 - 67.67)


def test_whole_numbers_stay_whole() -> None:
    value = read((2**60 + 1).to_bytes(8, "little"), Field(0, 64, is_little_endian=True), scale=3, offset=-1)
    assert (value, type(value)) == (3 * (2**60 + 1) - 1, int)


@pytest.mark.parametrize("bits", [8, 16])
def test_beyond_its_limits_a_value_is_unknown(bits: int) -> None:
    def at(raw: int) -> Value:
        return read(raw.to_bytes(8, "little"), Field(0, bits, is_little_endian=True), scale=0.1, low=0.3, high=10)

    assert [at(raw) for raw in (2, 3, 100, 101)] == [None, pytest.approx(0.3), pytest.approx(10), None]


def test_limits_hold_with_a_negative_scale() -> None:
    def at(raw: int) -> Value:
        return read(raw.to_bytes(8, "little"), Field(0, 16, is_little_endian=True), scale=-1, offset=1000, low=0, high=10)

    assert [at(raw) for raw in (989, 990, 1000, 1001)] == [None, 10, 0, None]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e30])
def test_a_float_that_is_no_measurement_is_unknown(number: float) -> None:
    assert read(struct.pack("<fxxxx", number), Field(0, 32, True, is_float=True), low=-60, high=400) is None


def test_values_of_raw_numbers_come_before_scale_and_limits() -> None:
    for field in (Field(0, 8, is_little_endian=True), Field(0, 16, is_little_endian=True)):
        part: dict[str, Any] = {"scale": 0.5, "low": 0, "high": 100, "values": {254: "fault", 10: None}}
        assert [read(bytes((raw, *bytes(7))), field, **part) for raw in (254, 10, 11)] == ["fault", None, 5.5]


def test_closed_values_make_all_others_unknown() -> None:
    for field in (Field(0, 2, is_little_endian=True), Field(0, 16, is_little_endian=True)):
        assert [read(bytes((raw, *bytes(7))), field, values={0: False, 1: True}, is_closed=True) for raw in (0, 1, 2)] == [
            False,
            True,
            None,
        ]


def test_a_mean_is_unknown_when_one_of_its_parts_is() -> None:
    parts = tuple(Part(Field(start, 16, True), 0.5, 0, 0, 100) for start in (0, 16))
    decoder = Decoder(Plan("x", (a_message(Reading(SPEED, parts), Reading(RPM, parts[:1])),)))
    assert values(decoder, struct.pack("<HHxxxx", 20, 40)) == [15, 10]
    assert values(decoder, struct.pack("<HHxxxx", 20, 201)) == [None, 10]


# -- an unchanged payload --------------------------------------------------------------------------------


class Watched(bytes):
    """A payload that counts how often it is looked into."""

    looks = 0

    def __getitem__(self, key: Any) -> Any:
        Watched.looks += 1
        return super().__getitem__(key)


def test_an_unchanged_payload_refreshes_its_samples_and_is_not_decoded() -> None:
    decoder = Decoder(Plan("x", (a_message(a_reading()),)))
    Watched.looks = 0
    frames = [a_frame(Watched(b"\x05" + bytes(7)), t_ns) for t_ns in (1, 2, 3)]
    assert decoder.feed(frames[:1]) == [(1, SPEED, 5)]
    looks = Watched.looks
    assert looks > 0
    assert decoder.feed(frames[1:]) == [(2, SPEED, 5), (3, SPEED, 5)]
    assert Watched.looks == looks


def test_a_bad_frame_between_changes_nothing() -> None:
    decoder = Decoder(Plan("x", (a_message(a_reading()),)))
    assert values(decoder, "05" * 8, "06" * 7, "05" * 8, "07" * 8) == [5, 5, 7]
    assert decoder.counts == {"frames": 4, "wanted": 4, "too short in M": 1}


def test_a_longer_frame_is_cut() -> None:
    assert read("0102030405060708", Field(7, 32), length=4) == 0x01020304
    assert read("0102030405060708", Field(0, 32, True), length=4) == 0x04030201
    short = a_message(a_reading(), length=2, checksum=ChecksumByte("sum8", 1))
    assert values(Decoder(Plan("x", (short,))), "0505FFFF") == [5]


# -- checksum and counter -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("algorithm", "good"), [("toyota", 0x0E), ("subaru", 0x06), ("sum8", 0x05), ("xor", 0x05), ("crc8_j1850", None)]
)
def test_a_bad_checksum_changes_nothing_and_is_counted(algorithm: str, good: int | None) -> None:
    decoder = Decoder(Plan("x", (a_message(a_reading(), checksum=ChecksumByte(algorithm, 7)),)))
    fits = [byte for byte in range(256) if values(decoder, bytes((5, 0, 0, 0, 0, 0, 0, byte)))]
    assert len(fits) == 1
    assert good is None or fits == [good]
    assert decoder.dropped() == {"bad checksum in M": 255}


COUNTED = a_message(a_reading(), counter=Field(8, 4, True))


def counts(decoder: Decoder, *numbers: int) -> list[bool]:
    """Whether each frame with that counter was taken."""
    return [bool(values(decoder, bytes((5, n % 16, *bytes(6))))) for n in numbers]


def test_a_counter_may_start_anywhere_wrap_and_lose_a_frame() -> None:
    assert all(counts(Decoder(Plan("x", (COUNTED,))), 13, 14, 15, 0, 1, 3, 4, 9, 10))


def test_a_stuck_counter_is_refused_and_a_recovered_one_taken_again() -> None:
    decoder = Decoder(Plan("x", (COUNTED,)))
    assert counts(decoder, *[3] * (MAX_MISSES + 3)) == [True] * MAX_MISSES + [False] * 3
    assert counts(decoder, 4, 5, 6) == [True] * 3
    assert decoder.dropped() == {"bad counter in M": 3}


def test_each_bus_has_counters_of_its_own() -> None:
    decoder = Decoder(Plan("x", (COUNTED,)))
    frames = [a_frame(bytes((0, (n + ahead) % 16, *bytes(6))), bus=bus) for n in range(20) for bus, ahead in (("a", 0), ("b", 7))]
    assert len(decoder.feed(frames)) == 40


# -- pages ----------------------------------------------------------------------------------------------------


def paged() -> MessagePlan:
    """M (bits 0–3) pages: 1 → SPEED; 2 → N (bits 4–7), whose page 0 → RPM; 3 → nothing. The last byte is always there."""
    return a_message(
        a_reading(Field(8, 16, True), SPEED, multiplexer="M", pages=(1,)),
        a_reading(Field(8, 16, True), RPM, multiplexer="N", pages=(0,)),
        a_reading(Field(56, 8, True), "always"),
        multiplexers=(Multiplexer("M", Field(0, 4, True), (1, 2, 3)), Multiplexer("N", Field(4, 4, True), (0, 5), "M", (2,))),
    )


def test_pages_and_pages_within_pages() -> None:
    decoder = Decoder(Plan("x", (paged(),)))
    assert decoder.feed([a_frame("0134120000000009", 1)]) == [(1, SPEED, 0x1234), (1, "always", 9)]
    assert decoder.feed([a_frame("0234120000000009", 2)]) == [(2, RPM, 0x1234), (2, "always", 9)]
    assert decoder.feed([a_frame("5234120000000009", 3)]) == [(3, "always", 9)]
    assert decoder.feed([a_frame("F334120000000009", 4)]) == [(4, "always", 9)]
    assert decoder.feed([a_frame("0134120000000009", 5)]) == [(5, SPEED, 0x1234), (5, "always", 9)]
    assert decoder.dropped() == {}


def test_an_unknown_page_is_refused_whole_and_counted() -> None:
    decoder = Decoder(Plan("x", (paged(),)))
    assert values(decoder, "0434120000000009", "1234120000000009") == []
    assert decoder.dropped() == {"unknown page in M": 2}


def test_pages_in_turn_cost_no_decoding_once_seen() -> None:
    decoder = Decoder(Plan("x", (paged(),)))
    turn = [a_frame(Watched.fromhex("0134120000000009")), a_frame(Watched.fromhex("0278560000000009"))]
    decoder.feed(turn)
    Watched.looks = 0
    assert [value for _, _, value in decoder.feed(turn)] == [0x1234, 9, 0x5678, 9]
    assert Watched.looks == 0


def test_payloads_without_end_are_not_remembered_without_end() -> None:
    decoder = Decoder(Plan("x", (paged(),)))
    payloads = [Watched((1, n % 256, n // 256, *bytes(5))) for n in range(4 * PAGES_KEPT)]
    assert values(decoder, *payloads)[::2] == list(range(4 * PAGES_KEPT))
    Watched.looks = 0
    assert values(decoder, payloads[0])[0] == 0
    assert Watched.looks > 0  # forgotten, so decoded once more


def test_one_path_may_come_from_several_pages() -> None:
    message = a_message(
        a_reading(Field(8, 8, True), "odometer", scale=1000, multiplexer="UNITS", pages=(1,)),
        a_reading(Field(8, 8, True), "odometer", scale=1609.344, multiplexer="UNITS", pages=(2,)),
        multiplexers=(Multiplexer("UNITS", Field(0, 2, True), (1, 2)),),
    )
    assert values(Decoder(Plan("x", (message,))), "0102000000000000", "0202000000000000") == [2000, 3218.688]


# -- which frames ----------------------------------------------------------------------------------------------


def test_the_same_number_is_another_id_with_29_bits() -> None:
    plan = Plan("x", (a_message(a_reading(path="11"), name="A"), a_message(a_reading(path="29"), name="B", is_extended=True)))
    frames = [a_frame(bytes(8), is_extended=True), a_frame(bytes(8))]
    assert [path for _, path, _ in Decoder(plan).feed(frames)] == ["29", "11"]
    assert Decoder(Plan("x", plan.messages[:1])).feed(frames[:1]) == []
    assert Decoder(Plan("x", plan.messages[1:])).feed(frames[1:]) == []


def test_a_message_of_one_bus_is_not_heard_on_another() -> None:
    plan = Plan(
        "x",
        (a_message(a_reading(path="any"), name="A"), a_message(a_reading(path="body"), name="B", bus="body")),
        buses=("body",),
    )
    frames = [a_frame(bytes(8), bus=bus) for bus in ("drive", "body", "drive")]
    assert [path for _, path, _ in Decoder(plan).feed(frames)] == ["any", "body", "any"]
    assert [path for _, path, _ in Decoder(Plan("x", plan.messages[1:])).feed(frames)] == ["body"]


def test_samples_come_in_the_frames_order_and_are_counted() -> None:
    plan = Plan("x", (a_message(a_reading(path="a")), a_message(a_reading(path="b"), arbitration_id=0x200)))
    frames = [a_frame(bytes(8), t, i) for t, i in enumerate((0x200, 0x100, 0x300, 0x200))]
    decoder = Decoder(plan)
    assert decoder.feed(iter(frames)) == [(0, "b", 0), (1, "a", 0), (3, "b", 0)]
    assert decoder.counts == {"frames": 4, "wanted": 3}
    assert decoder.dropped() == {}


# -- OBD-II ---------------------------------------------------------------------------------------------------


def an_answer(t_ns: int = 0, arbitration_id: int = 0x7E8, bus: str = "can0") -> Frame:
    return Frame(arbitration_id, arbitration_id > 0x7FF, bytes.fromhex("03410D32AAAAAAAA"), bus, t_ns)  # PID 0D: 50 km/h


def test_service_01_answers_are_read_where_the_plan_says_so() -> None:
    wanted = (SPEED,)
    assert Decoder(Plan("x", wanted=wanted, obd=True)).feed([an_answer(7)]) == [(7, SPEED, 50)]
    assert Decoder(Plan("x", wanted=wanted, obd=True)).feed([an_answer(7, 0x18DAF110)]) == [(7, SPEED, 50)]
    assert Decoder(Plan("x", wanted=wanted)).feed([an_answer()]) == []
    assert Decoder(Plan("x", wanted=(RPM,), obd=True)).feed([an_answer()]) == []


def test_service_01_answers_are_read_on_their_bus_alone() -> None:
    plan = Plan("x", wanted=(SPEED,), obd=True, obd_bus="diagnosis")
    assert Decoder(plan).feed([an_answer(1, bus="can0"), an_answer(2, bus="diagnosis")]) == [(2, SPEED, 50)]


def test_a_broadcast_signal_goes_before_the_same_one_by_obd() -> None:
    plan = Plan("x", (a_message(a_reading()),), wanted=(SPEED,), obd=True)
    assert Decoder(plan).feed([an_answer(), a_frame(bytes(8))]) == [(0, SPEED, 0)]


def test_a_message_with_the_id_of_an_answer_goes_before_it() -> None:
    plan = Plan("x", (a_message(a_reading(path="own"), arbitration_id=0x7E8, bus="body"),), wanted=(SPEED, "own"), obd=True)
    assert Decoder(plan).feed([an_answer(bus="body"), an_answer(bus="can0")]) == [(0, "own", 3), (0, SPEED, 50)]


def test_what_obd_drops_is_told_beside_the_rest() -> None:
    decoder = Decoder(Plan("x", (a_message(a_reading()),), wanted=(SPEED,), obd=True))
    decoder.feed([a_frame(b""), a_frame(b"", arbitration_id=0x7E8)])
    assert decoder.dropped() == {"too short in M": 1, "OBD: truncated": 1}


# -- properties -------------------------------------------------------------------------------------------------

EVERYTHING = Plan(
    "x",
    (
        COUNTED,
        a_message(a_reading(path="a"), arbitration_id=0x101, name="S", checksum=ChecksumByte("xor", 7), length=8),
        a_message(*paged().readings, arbitration_id=0x102, name="P", multiplexers=paged().multiplexers),
        a_message(a_reading(Field(5, 11), "b", scale=0.5), arbitration_id=0x103, name="Q", is_extended=True, length=3),
    ),
    wanted=(SPEED, RPM),
    obd=True,
)
frames = st.lists(
    st.builds(
        Frame,
        st.sampled_from([0x100, 0x101, 0x102, 0x103, 0x104, 0x7E8, 0x7E9, 0x18DAF110]),
        st.booleans(),
        st.one_of(st.binary(max_size=12), st.sampled_from([bytes(8), b"\xff" * 8, bytes.fromhex("03410D32AAAAAAAA")])),
        st.sampled_from(["can0", "can1"]),
        st.integers(0, 10**12),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(frames, st.integers(0, 40))
def test_nothing_raises_and_pieces_give_what_the_whole_gives(frames: list[Frame], cut: int) -> None:
    whole, pieces = Decoder(EVERYTHING), Decoder(EVERYTHING)
    assert pieces.feed(frames[:cut]) + pieces.feed(frames[cut:]) == whole.feed(frames)
    assert pieces.counts == whole.counts
    assert whole.counts["frames"] == len(frames)


@settings(deadline=None)
@given(frames)
def test_what_is_remembered_never_shows(frames: list[Frame]) -> None:
    """A decoder that has seen the drive gives for a frame what a fresh one gives (counters aside, which judge by history)."""
    plan = Plan("x", EVERYTHING.messages[1:])
    seen = Decoder(plan)
    for frame in frames:
        assert seen.feed([frame]) == Decoder(plan).feed([frame])
