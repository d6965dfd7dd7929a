"""Checksums: published check values, and frames as cars sent them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.checksums import CHECKSUMS, checksum


def test_crc8_j1850_gives_its_published_check_value() -> None:
    assert checksum("crc8_j1850", 0x123, b"123456789\x00", 9) == 0x4B  # the CRC catalogue's CRC-8/SAE-J1850


def test_the_byte_that_carries_it_can_be_anywhere() -> None:
    assert checksum("crc8_j1850", 0x123, b"\x99123456789", 0) == 0x4B
    assert checksum("sum8", 0, bytes((200, 99, 100)), 1) == 300 - 256
    assert checksum("xor", 0, bytes((0b1100, 99, 0b1010)), 1) == 0b0110


@pytest.mark.parametrize(
    ("arbitration_id", "frame"),
    [(0x2C1, "0001960024CC0052"), (0x1C4, "05D519083D00C0C5"), (0x228, "7F6A0017")],  # a RAV4's, from the comma2k19 recording
)
def test_toyota_as_a_car_sent_it(arbitration_id: int, frame: str) -> None:
    data = bytes.fromhex(frame)
    assert checksum("toyota", arbitration_id, data, len(data) - 1) == data[-1]


def test_subaru_adds_id_and_data_but_not_the_length() -> None:
    assert checksum("subaru", 0x321, bytes((0, 1, 2, 3)), 0) == 0x03 + 0x21 + 1 + 2 + 3


@settings(deadline=None)
@given(st.sampled_from(CHECKSUMS), st.binary(min_size=2, max_size=64), st.data())
def test_one_flipped_bit_is_always_noticed(algorithm: str, data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data) - 1))
    bit = draw.draw(st.integers(0, 8 * len(data) - 1).filter(lambda b: b // 8 != at))
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    assert checksum(algorithm, 0x2C1, data, at) != checksum(algorithm, 0x2C1, bytes(flipped), at)


@settings(deadline=None)
@given(st.sampled_from(CHECKSUMS), st.binary(min_size=1, max_size=64), st.integers(0, 255))
def test_its_own_byte_never_counts(algorithm: str, data: bytes, other: int) -> None:
    assert checksum(algorithm, 0x7FF, data, 0) == checksum(algorithm, 0x7FF, bytes((other,)) + data[1:], 0)
