"""Answers of services 03, 07, 0A and 09: trouble codes, VIN, calibration ids; what is wrong with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.model import Frame, Sample, Value
from agent.obd import Assembler
from agent.signals import CALIBRATION_IDS, DTCS_PENDING, DTCS_PERMANENT, DTCS_STORED, PER_ECU, SPEED, VIN, by_ecu, of_ecu

A_VIN = "1M8GDM9AXKP042788"  # the example that everybody uses for the check digit


def frames(message: bytes, arbitration_id: int = 0x7E8, bus: str = "can0") -> list[Frame]:
    """A message as ISO 15765-2 sends it."""
    if len(message) <= 7:
        parts = [bytes((len(message),)) + message]
    else:
        rest = [message[i : i + 7] for i in range(6, len(message), 7)]
        parts = [bytes((0x10 | len(message) >> 8, len(message) & 0xFF)) + message[:6]]
        parts += [bytes((0x20 | n & 0xF,)) + part for n, part in enumerate(rest, 1)]
    return [Frame(arbitration_id, arbitration_id > 0x7FF, p.ljust(8, b"\xaa"), bus, n * 1000) for n, p in enumerate(parts)]


def heard(message: bytes | str, arbitration_id: int = 0x7E8) -> tuple[dict[str, Value], dict[str, int]]:
    """Path → value of an answer, and what was dropped."""
    raw = bytes.fromhex(message) if isinstance(message, str) else message
    assembler = Assembler()
    samples = [sample for frame in frames(raw, arbitration_id) for sample in assembler.feed(frame)]
    assert len({path for _, path, _ in samples}) == len(samples)
    return {path: value for _, path, value in samples}, dict(assembler.counts)


# -- trouble codes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("service", "path"), [("43", DTCS_STORED), ("47", DTCS_PENDING), ("4A", DTCS_PERMANENT)])
@pytest.mark.parametrize(
    ("codes", "text"),
    [
        ("00", "ECU=7E8;"),
        ("01 0301", "ECU=7E8;P0301"),
        ("02 C100 0301", "ECU=7E8;P0301,U0100"),
        ("03 0420 4035 9234", "ECU=7E8;B1234,C0035,P0420"),
        ("02 0301 0301", "ECU=7E8;P0301"),
        ("02 0301 0000", "ECU=7E8;P0301"),  # filled up
        ("01 0000", "ECU=7E8;"),
    ],
)
def test_codes_come_sorted_with_their_ecu(service: str, path: str, codes: str, text: str) -> None:
    assert heard(f"{service} {codes}") == ({path: text}, {})


@pytest.mark.parametrize(("arbitration_id", "ecu"), [(0x7E8, "7E8"), (0x7EF, "7EF"), (0x18DAF110, "18DAF110")])
def test_the_ecu_is_its_arbitration_id(arbitration_id: int, ecu: str) -> None:
    assert heard("43 01 0301", arbitration_id)[0] == {DTCS_STORED: f"ECU={ecu};P0301"}


def test_answers_of_several_ecus_do_not_mix() -> None:
    codes = [bytes.fromhex("43 04 0301 0302 0303 0304"), bytes.fromhex("43 03 C100 C101 C121")]
    first, second = frames(codes[0], 0x7E8), frames(codes[1], 0x7E9)
    assembler = Assembler()
    mixed = [frame for pair in zip(first, second, strict=True) for frame in pair]
    samples = [s for frame in mixed for s in assembler.feed(frame)]
    assert [value for _, _, value in samples] == ["ECU=7E8;P0301,P0302,P0303,P0304", "ECU=7E9;U0100,U0101,U0121"]
    assert not assembler.counts


def test_the_frame_that_completes_it_tells_the_time() -> None:
    parts = frames(bytes.fromhex("43 04 0301 0302 0303 0304"))
    assembler = Assembler()
    samples: list[Sample] = [s for frame in parts for s in assembler.feed(frame)]
    assert samples[0][0] == parts[-1].t_ns > 0


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("43", "truncated"),
        ("43 01", "truncated"),
        ("43 02 0301", "truncated"),
        ("43 01 03", "truncated"),
        ("43 01 0301 0302", "wrong count of codes"),
        ("43 00 00", "wrong count of codes"),
        ("7F 03 12", "negative response"),
        ("7F 0A 11", "negative response"),
        ("44", "unsupported service"),
        ("59 02 FF", "unsupported service"),
        ("49", "truncated"),
        ("49 02", "truncated"),
    ],
)
def test_what_is_dropped_is_counted(answer: str, why: str) -> None:
    assert heard(answer) == ({}, {why: 1})


# -- who the car is -------------------------------------------------------------------------------------------


def vin_answer(vin: bytes) -> bytes:
    return b"\x49\x02\x01" + vin


def test_the_vin() -> None:
    assert heard(vin_answer(A_VIN.encode())) == ({VIN: A_VIN}, {})
    assert heard(vin_answer(b"\0\0\0" + A_VIN.encode()))[0] == {VIN: A_VIN}, "filled up as before CAN"


@pytest.mark.parametrize(
    "vin",
    [
        b"",
        A_VIN[:16].encode(),
        A_VIN.encode() + b"1",
        A_VIN.replace("M", "O").encode(),
        A_VIN.replace("M", "I").encode(),
        A_VIN.replace("M", "Q").encode(),
        A_VIN.lower().encode(),
        A_VIN.replace("M", " ").encode(),
        A_VIN.replace("M", "\0").encode(),
        b"\0" * 17,
        b"\xff" * 17,
        b"0" * 17,
        b"F" * 17,
    ],
)
def test_a_wrong_vin_is_dropped(vin: bytes) -> None:
    assert heard(vin_answer(vin)) == ({}, {"invalid VIN": 1})


def test_calibration_ids_in_the_ecus_order() -> None:
    two = b"\x49\x04\x02" + b"JMB*36761500".ljust(16, b"\0") + b"JMB*47872611".ljust(16, b" ")
    assert heard(two, 0x7E9) == ({CALIBRATION_IDS: "ECU=7E9;JMB*36761500,JMB*47872611"}, {})
    other = b"\x49\x04\x02" + b"B CAL 0001".ljust(16, b"\0") + b"A".ljust(16, b"\0")
    assert heard(other)[0] == {CALIBRATION_IDS: "ECU=7E8;B CAL 0001,A"}


@pytest.mark.parametrize(
    ("items", "data", "why"),
    [
        (2, b"JMB*36761500".ljust(16, b"\0"), "truncated"),
        (1, b"JMB*36761500", "truncated"),
        (1, b"JMB*36761500".ljust(32, b"\0"), "wrong count of calibration ids"),
        (1, b"\xff" * 16, "invalid calibration id"),
        (1, b"A,B".ljust(16, b"\0"), "invalid calibration id"),
        (1, b"A\0B".ljust(16, b"\0"), "invalid calibration id"),
    ],
)
def test_wrong_calibration_ids_are_dropped(items: int, data: bytes, why: str) -> None:
    assert heard(bytes((0x49, 4, items)) + data) == ({}, {why: 1})


def test_an_empty_place_is_no_calibration_id() -> None:
    assert heard(b"\x49\x04\x01" + bytes(16)) == ({}, {})


@pytest.mark.parametrize("answer", ["49 00 55 40 00 00", "49 06 01 12345678", "49 0A 01" + "45" * 20])
def test_other_information_is_let_go(answer: str) -> None:
    assert heard(answer) == ({}, {})


# -- all together -----------------------------------------------------------------------------------------------


def test_service_01_goes_on_as_before() -> None:
    assembler = Assembler()
    speed = Frame(0x7E8, False, bytes.fromhex("03410D3200000000"), "can0", 5)
    assert assembler.feed(speed) == [(5, SPEED, 50)]
    codes, *_ = frames(bytes.fromhex("43 01 0301"))
    assert [value for _, _, value in assembler.feed(codes)] == ["ECU=7E8;P0301"]
    assert assembler.feed(speed) == [(5, SPEED, 50)]
    assert not assembler.counts


@given(
    service=st.sampled_from([0x43, 0x47, 0x4A, 0x49]),
    rest=st.binary(max_size=60),
    arbitration_id=st.sampled_from([0x7E8, 0x18DAF1EF]),
)
def test_whatever_is_answered_is_read_or_counted_and_never_raises(service: int, rest: bytes, arbitration_id: int) -> None:
    values, counts = heard(bytes((service,)) + rest, arbitration_id)
    for path, value in values.items():
        if path in PER_ECU:
            found = by_ecu(value)
            assert found is not None
            assert found[0] == f"{arbitration_id:X}"
            assert of_ecu(*found) == value
            assert all(item == item.strip() != "" for item in found[1])
    assert len(values) + sum(counts.values()) <= 1
    if service != 0x49:
        assert len(values) + sum(counts.values()) == 1


@pytest.mark.parametrize("text", [None, 7.0, True, "", "P0301", "ECU=;P0301", "ECU=7E8", "7E8;P0301"])
def test_what_is_no_list_of_an_ecu(text: Value) -> None:
    assert by_ecu(text) is None


@pytest.mark.parametrize("items", [(), ("P0301",), ("P0301", "U0100")])
def test_a_list_of_an_ecu_and_back(items: tuple[str, ...]) -> None:
    assert by_ecu(of_ecu("7E8", items)) == ("7E8", items)
