"""A bus of the vehicle, heard through any python-can interface. One thread reads it, and only reads: nothing here sends.

python-can's receive returns an error frame as a message, raises on ENETDOWN while the bus object recovers, and says
nothing for ever after an adapter was unplugged: so an error closes the bus and opens it again after RETRY_S. What is
read waits in a bounded queue, so that neither the disk nor a slow second can fill the memory.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from agent.config import BusConfig
from agent.io import clock
from agent.model import Frame

if TYPE_CHECKING:
    import can

RETRY_S = 2.0  # an interface that is down comes back by networkd within seconds
RECEIVE_S = 0.2  # how long a stop may have to wait for the reading thread; the uplink takes its part of the second too
QUEUE_FRAMES = 100_000  # 25 s of a busy bus, some 25 MB at the worst; beyond it the oldest go and are counted


class LiveBus:
    """`filters`: (id, is_extended) pairs wanted; the kernel keeps the others out where the interface can."""

    def __init__(self, config: BusConfig, filters: Iterable[tuple[int, bool]]) -> None:
        self.config = config
        self.filters: list[Any] = [
            {"can_id": i, "can_mask": 0x1FFF_FFFF if extended else 0x7FF, "extended": extended} for i, extended in filters
        ]
        self.trouble: str | None = "not opened yet"  # in plain words; None while it is open
        self.frames = 0
        self.error_frames = 0
        self.overrun = 0  # frames that had to go because the daemon fell behind
        self.heard = threading.Event()
        self._queue: deque[Frame] = deque(maxlen=QUEUE_FRAMES)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"bus-{config.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def leave(self) -> None:
        """Ask the reading thread to end, without waiting for it."""
        self._stop.set()

    def stop(self) -> None:
        self.leave()
        self._thread.join(2 * RECEIVE_S)

    def take(self) -> list[Frame]:
        """What came since the last call, oldest first."""
        queue = self._queue
        return [queue.popleft() for _ in range(len(queue))]

    def _run(self) -> None:
        import can  # late: 0.1 s

        while not self._stop.is_set():
            try:
                with can.Bus(
                    interface=self.config.interface,
                    channel=self.config.channel,
                    can_filters=self.filters or None,
                    **self.config.options,
                ) as bus:
                    self.trouble = None
                    self._read(bus)
            except Exception as e:  # noqa: BLE001 - each interface raises its own; a bus that fails is tried again for ever
                self.trouble = f"{self.config.channel}: {e}"
                self._stop.wait(RETRY_S)

    def _read(self, bus: can.BusABC) -> None:
        name, queue = self.config.name, self._queue
        while not self._stop.is_set():
            message = bus.recv(RECEIVE_S)
            if message is None or message.is_remote_frame:
                continue
            if message.is_error_frame:
                self.error_frames += 1
                continue
            if len(queue) == QUEUE_FRAMES:
                self.overrun += 1
            # The boot clock at receipt: python-can's own stamp is wall clock, which steps.
            queue.append(Frame(message.arbitration_id, message.is_extended_id, bytes(message.data), name, clock.boottime_ns()))
            self.frames += 1
            if not self.heard.is_set():
                self.heard.set()
