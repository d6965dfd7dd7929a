"""The raw socket's reader. The kernel's side is a socket pair here, frame by frame as linux/can.h lays them out; the real
thing is looked at in hil/vm.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from struct import pack
from typing import Any

import pytest

from agent.io.buses.socketcan import (
    BURST,
    HINTS,
    MAX_FILTERS,
    SO_RXQ_OVFL,
    Socketcan,
    in_words,
    kernel_filters,
    raw_socket,
)
from agent.io.buses.source import Tally

EFF, RTR, ERR = 1 << 31, 1 << 30, 1 << 29


def can_frame(word: int, data: bytes) -> bytes:
    return pack("=IBBBB8s", word, len(data), 0, 0, 0, data)


def canfd_frame(word: int, data: bytes) -> bytes:
    return pack("=IBBBB64s", word, len(data), 0, 0, 0, data)


class Dropping(socket.socket):
    """A socket that tells how many frames the kernel has dropped on it; 0: it does not say."""

    dropped = 0

    def recvmsg(self, *args: Any) -> Any:
        raw, _, flags, address = super().recvmsg(*args)
        rows = [(socket.SOL_SOCKET, SO_RXQ_OVFL, pack("=I", self.dropped))] if self.dropped else []
        return raw, rows, flags, address


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Dropping]]:
    kernel, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    reading = Dropping(fileno=ours.detach())
    yield kernel, reading
    kernel.close()
    reading.close()


def heard(pair: tuple[socket.socket, Dropping], *frames: bytes) -> tuple[list[tuple[int, bool, bytes]], Tally]:
    tally = Tally()
    source = Socketcan(pair[1], "can0", tally)
    for frame in frames:
        pair[0].send(frame)
    return [(f.arbitration_id, f.is_extended, f.data) for f in source.receive(1.0)], tally


def test_standard_extended_and_fd_frames_as_they_are(pair: tuple[socket.socket, Dropping]) -> None:
    found, _ = heard(
        pair,
        can_frame(0x7E8, b"\x03\x41\x0d\x32"),
        can_frame(EFF | 0x18DAF110, bytes(8)),
        can_frame(0x7FF, b""),
        canfd_frame(0x100, bytes(range(64))),
    )
    assert found == [
        (0x7E8, False, b"\x03\x41\x0d\x32"),
        (0x18DAF110, True, bytes(8)),
        (0x7FF, False, b""),
        (0x100, False, bytes(range(64))),
    ]


def test_an_error_frame_is_counted_and_a_remote_frame_is_nothing(pair: tuple[socket.socket, Dropping]) -> None:
    found, tally = heard(pair, can_frame(ERR | 0x40, bytes(8)), can_frame(RTR | 0x7E8, b""), can_frame(0x1, b"\x01"))
    assert found == [(1, False, b"\x01")]
    assert (tally.error_frames, tally.lost) == (1, 0)


def test_what_the_kernel_dropped_is_counted_once_over_its_roll_over_and_over_another_socket(
    pair: tuple[socket.socket, Dropping],
) -> None:
    tally = Tally()
    source = Socketcan(pair[1], "can0", tally)
    for dropped in (0, 7, 7, 2**32 - 1, 3):
        pair[1].dropped = dropped
        pair[0].send(can_frame(1, b""))
        assert len(source.receive(1.0)) == 1
    assert tally.lost == 2**32 + 3
    again = Socketcan(pair[1], "can0", tally)  # opened anew, its socket counts from nothing
    pair[1].dropped = 2
    pair[0].send(can_frame(1, b""))
    again.receive(1.0)
    assert tally.lost == 2**32 + 5


def test_silence_is_an_empty_list_and_a_flood_comes_in_bursts() -> None:
    ours, kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kernel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
    source = Socketcan(ours, "can0", Tally())
    assert source.receive(0.0) == []
    for _ in range(BURST + 1):
        kernel.send(can_frame(1, b""))
    assert [len(source.receive(wait_s)) for wait_s in (1.0, 1.0, 0.0)] == [BURST, 1, 0]
    source.close()
    kernel.close()


def test_the_kernel_gets_id_and_kind_of_each_wanted_frame() -> None:
    assert kernel_filters([(0x7E8, False), (0x18DAF110, True)]) == pack(
        "=IIII", 0x7E8, EFF | 0x7FF, EFF | 0x18DAF110, EFF | 0x1FFF_FFFF
    )
    assert kernel_filters([]) == b""
    assert kernel_filters([(n, False) for n in range(MAX_FILTERS)]) != b""
    assert kernel_filters([(n, False) for n in range(MAX_FILTERS + 1)]) == b""  # the kernel would refuse them all


def test_an_interface_that_is_not_there_says_what_to_do() -> None:
    with pytest.raises(OSError) as refused:
        raw_socket("nocan0", ())
    assert refused.value.strerror in (HINTS[errno.EAFNOSUPPORT], HINTS[errno.ENODEV])  # a host without CAN, one without nocan0
    down = in_words(OSError(errno.ENETDOWN, "Network is down"))
    assert (down.errno, down.strerror) == (errno.ENETDOWN, HINTS[errno.ENETDOWN])
    assert in_words(OSError(errno.EIO, "Input/output error")).strerror == "Input/output error"
