"""Checksums that vehicles' messages carry, by the name a profile gives them. Pure.

Each takes (arbitration_id, data, at): `data` is cut to the message's length, `at` is the index of the byte
that carries the checksum, which itself never counts. Each gives what that byte has to be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Checksum: TypeAlias = Callable[[int, bytes, int], int]

CRC8_J1850_POLYNOMIAL = 0x1D  # SAE J1850: x^8 + x^4 + x^3 + x^2 + 1, start 0xFF, inverted at the end


def toyota(arbitration_id: int, data: bytes, at: int) -> int:
    """The length, the id's bytes and the other data bytes, added (opendbc `toyota_checksum`)."""
    return (len(data) + subaru(arbitration_id, data, at)) & 0xFF


def subaru(arbitration_id: int, data: bytes, at: int) -> int:
    """The id's bytes and the other data bytes, added (opendbc `subaru_checksum`)."""
    return (sum(arbitration_id.to_bytes(4, "big")) + sum(data) - data[at]) & 0xFF


def sum8(arbitration_id: int, data: bytes, at: int) -> int:
    """The other data bytes, added."""
    return (sum(data) - data[at]) & 0xFF


def xor(arbitration_id: int, data: bytes, at: int) -> int:
    """The other data bytes, by exclusive or."""
    result = data[at]
    for byte in data:
        result ^= byte
    return result


def crc8_j1850(arbitration_id: int, data: bytes, at: int) -> int:
    """SAE J1850 CRC-8 over the other data bytes, in their order."""
    crc = 0xFF
    for index, byte in enumerate(data):
        if index != at:
            crc = CRC8_J1850[crc ^ byte]
    return crc ^ 0xFF


def _crc8_table(polynomial: int) -> tuple[int, ...]:
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = (crc << 1 ^ polynomial) & 0xFF if crc & 0x80 else crc << 1
        table.append(crc)
    return tuple(table)


CRC8_J1850 = _crc8_table(CRC8_J1850_POLYNOMIAL)

CHECKSUMS: dict[str, Checksum] = {f.__name__: f for f in (toyota, subaru, sum8, xor, crc8_j1850)}
