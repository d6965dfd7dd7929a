"""A SocketCAN interface, read from its raw socket: what a unit in a car has.

Not through python-can, which has no word for frames that the kernel dropped because nobody fetched them: here each is
counted (SO_RXQ_OVFL). Its reader also costs two to three times as much a frame, and 2 MiB. CAN FD frames are taken, too.

Source: Linux, Documentation/networking/can.rst. A frame is struct can_frame (16 bytes) or canfd_frame (72): id and flags
(u32), length (u8), 3 bytes, data.
"""

from __future__ import annotations

import errno
import select
import socket
from struct import Struct

from agent.io import clock
from agent.io.buses.source import Filters, Tally
from agent.model import Frame

HEADER = Struct("=IB")
DATA_AT = 8
FILTER = Struct("=II")  # struct can_filter: id, mask
MAX_FILTERS = 512  # CAN_RAW_FILTER_MAX; a plan that wants more gets them all
FRAME_BYTES = 72  # struct canfd_frame, the longer one
SO_RXQ_OVFL = 40  # asm-generic/socket.h; neither this nor the next is in Python's socket
CAN_RAW_ERR_FILTER = 2  # linux/can/raw.h
COUNT = Struct("=I")
COUNT_SPACE = 32  # CMSG_SPACE of it, on any machine
RECEIVE_BYTES = (
    1 << 20
)  # of kernel buffer, as far as net.core.rmem_max lets us; the default holds 278 frames, 70 ms of a busy bus
BURST = 256  # frames between two looks whether to stop

HINTS = {
    errno.ENODEV: "there is no such interface; `ip link` lists them (is the CAN board's overlay in config.txt?)",
    errno.ENETDOWN: "the interface is down; systemd-networkd brings it up (/etc/systemd/network, `networkctl`)",
    errno.EAFNOSUPPORT: "this kernel has no CAN; it needs the modules can and can_raw",
}


def raw_socket(channel: str, filters: Filters) -> socket.socket:
    """A socket on `channel` that hears the wanted frames and error frames, and never sends. Raises OSError, in plain words."""
    try:
        sock = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
    except OSError as e:
        raise in_words(e) from None
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        sock.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FD_FRAMES, 1)
        sock.setsockopt(socket.SOL_CAN_RAW, CAN_RAW_ERR_FILTER, socket.CAN_ERR_MASK)
        packed = kernel_filters(filters)
        if packed:
            sock.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FILTER, packed)
        sock.bind((channel,))
    except OSError as e:
        sock.close()
        raise in_words(e) from None
    return sock


def kernel_filters(filters: Filters) -> bytes:
    """The wanted ids as the kernel's struct can_filter, one after the other; empty: it is to hand on everything."""
    flag = socket.CAN_EFF_FLAG
    rows = [(i | flag, flag | socket.CAN_EFF_MASK) if extended else (i, flag | socket.CAN_SFF_MASK) for i, extended in filters]
    return b"".join(FILTER.pack(*row) for row in rows) if len(rows) <= MAX_FILTERS else b""


def in_words(e: OSError) -> OSError:
    """The same error, saying what to do where that is known."""
    return OSError(e.errno, HINTS.get(e.errno or 0, e.strerror))


class Socketcan:
    """See `Source`. `sock` delivers one frame a datagram; it is closed with this object."""

    def __init__(self, sock: socket.socket, name: str, tally: Tally) -> None:
        sock.setblocking(False)
        self._sock, self._name, self._tally = sock, name, tally
        self._dropped = 0  # the kernel's count for this socket
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def receive(self, wait_s: float) -> list[Frame]:
        found: list[Frame] = []
        if not self._poll.poll(wait_s * 1000):
            return found
        for _ in range(BURST):
            try:
                raw, ancillary, _, _ = self._sock.recvmsg(FRAME_BYTES, COUNT_SPACE)
            except BlockingIOError:
                break
            except OSError as e:
                raise in_words(e) from None
            if ancillary:
                self._count_lost(ancillary)
            frame = self._frame(raw)
            if frame is not None:
                found.append(frame)
        return found

    def close(self) -> None:
        self._sock.close()

    def _frame(self, raw: bytes) -> Frame | None:
        word, length = HEADER.unpack_from(raw)
        if word & (socket.CAN_ERR_FLAG | socket.CAN_RTR_FLAG):
            self._tally.error_frames += bool(word & socket.CAN_ERR_FLAG)
            return None
        is_extended = bool(word & socket.CAN_EFF_FLAG)
        arbitration_id = word & (socket.CAN_EFF_MASK if is_extended else socket.CAN_SFF_MASK)
        return Frame(arbitration_id, is_extended, raw[DATA_AT : DATA_AT + length], self._name, clock.boottime_ns())

    def _count_lost(self, ancillary: list[tuple[int, int, bytes]]) -> None:
        """The kernel tells with a frame how many it has dropped on this socket so far, modulo 2^32."""
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_RXQ_OVFL:
                (dropped,) = COUNT.unpack_from(data)
                self._tally.lost += (dropped - self._dropped) % (1 << 32)
                self._dropped = dropped
