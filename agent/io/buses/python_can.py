"""Any bus that python-can knows: serial adapters, USB dongles, socketcand, `virtual`; SocketCAN with options of its own.

python-can's receive returns an error frame as a message, raises on ENETDOWN while the bus object recovers, and says
nothing for ever after an adapter was unplugged.
"""

from __future__ import annotations

import can

from agent.config import BusConfig
from agent.io import clock
from agent.io.buses.source import Filters, Tally
from agent.model import Frame


class PythonCan:
    """See `Source`."""

    def __init__(self, config: BusConfig, filters: Filters, tally: Tally) -> None:
        wanted = [{"can_id": i, "can_mask": 0x1FFF_FFFF if ext else 0x7FF, "extended": ext} for i, ext in filters]
        self._name, self._tally = config.name, tally
        self._bus = can.Bus(interface=config.interface, channel=config.channel, can_filters=wanted or None, **config.options)

    def receive(self, wait_s: float) -> list[Frame]:
        message = self._bus.recv(wait_s)
        if message is None or message.is_remote_frame:
            return []
        if message.is_error_frame:
            self._tally.error_frames += 1
            return []
        # The boot clock at receipt: python-can's own stamp is wall clock, which steps.
        return [Frame(message.arbitration_id, message.is_extended_id, bytes(message.data), self._name, clock.boottime_ns())]

    def close(self) -> None:
        self._bus.shutdown()
