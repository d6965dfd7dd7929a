"""Checksums that vehicles' messages carry, by the name a profile gives them. Pure.

All are one byte. `data` is cut to the message's length; `at` is the index of the byte that carries the checksum,
which itself never counts.
"""

from __future__ import annotations

from collections.abc import Callable

SUMS: dict[str, tuple[bool, bool]] = {
    "toyota": (True, True),  # opendbc: toyota_checksum
    "subaru": (True, False),  # opendbc: subaru_checksum
    "sum8": (False, False),
}
"""All bytes added, modulo 256, and with them (the id's bytes, the length)."""


def start_of_sum(algorithm: str, arbitration_id: int, length: int) -> int:
    """What the bytes of a message are added to."""
    with_id, with_length = SUMS[algorithm]
    return with_id * sum(arbitration_id.to_bytes(4, "big")) + with_length * length


def xor(data: bytes, at: int) -> int:
    """All bytes by exclusive or."""
    result = data[at]
    for byte in data:
        result ^= byte
    return result


def crc8_j1850(data: bytes, at: int) -> int:
    """SAE J1850: polynomial 0x1D, start 0xFF, inverted at the end; the bytes in their order."""
    crc = 0xFF
    for byte in data[:at] + data[at + 1 :]:
        crc = CRC8_J1850[crc ^ byte]
    return crc ^ 0xFF


def _crc8_table(polynomial: int) -> tuple[int, ...]:
    table = list(range(256))
    for _ in range(8):
        table = [(crc << 1 ^ polynomial) & 0xFF if crc & 0x80 else crc << 1 for crc in table]
    return tuple(table)


CRC8_J1850 = _crc8_table(0x1D)

OTHERS: dict[str, Callable[[bytes, int], int]] = {"xor": xor, "crc8_j1850": crc8_j1850}

CHECKSUMS = (*SUMS, *OTHERS)


def checksum(algorithm: str, arbitration_id: int, data: bytes, at: int) -> int:
    """What the byte `at` has to be."""
    if algorithm in SUMS:
        return (start_of_sum(algorithm, arbitration_id, len(data)) + sum(data) - data[at]) & 0xFF
    return OTHERS[algorithm](data, at)
