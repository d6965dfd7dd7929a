"""A SocketCAN bus for a host without CAN: the unit's own reader on one end of a socket pair, whoever sends on the other.

The kernel's part (filters, its buffer, what it drops, an interface that goes down) is not in it: hil/vm has that.
"""

from __future__ import annotations

import socket
from struct import Struct
from types import TracebackType

from agent.config import BusConfig
from agent.io.buses.socketcan import Socketcan
from agent.io.buses.source import Filters, Source, Tally

CAN_FRAME = Struct("=IB3x8s")  # linux/can.h: id and flags, length, data


class Wire:
    """`opened` is what LiveBus opens it with."""

    def __init__(self) -> None:
        self._far, self._near = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)

    def opened(self, config: BusConfig, filters: Filters, tally: Tally) -> Source:
        return Socketcan(self._near.dup(), config.name, tally)

    def send(self, arbitration_id: int, is_extended: bool, data: bytes) -> None:
        flag = socket.CAN_EFF_FLAG if is_extended else 0
        self._far.send(CAN_FRAME.pack(arbitration_id | flag, len(data), data))

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._far.close()
        self._near.close()
