"""A bus of the vehicle while the daemon runs. One thread reads it, and only reads: nothing here sends.

An error closes the bus and opens it again after RETRY_S: an interface that went away and came back says nothing on the old
socket. What is read waits in a bounded queue, so that neither the disk nor a slow second can fill the memory.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import closing

from agent.config import BusConfig
from agent.io.buses.source import Filters, Source, Tally, open_source
from agent.model import Frame

RETRY_S = 2.0  # an interface that is down comes back by networkd within seconds
RECEIVE_S = 0.2  # how long a stop may have to wait for the reading thread; the uplink takes its part of the second too
QUEUE_FRAMES = 100_000  # 25 s of a busy bus, some 25 MB at the worst; beyond it the oldest go and are counted


class LiveBus:
    """`filters`: the frames wanted; the kernel keeps the others out where the interface can. `opened`: what opens the bus."""

    def __init__(
        self, config: BusConfig, filters: Filters, opened: Callable[[BusConfig, Filters, Tally], Source] = open_source
    ) -> None:
        self.config = config
        self.filters = tuple(filters)
        self.trouble: str | None = "not opened yet"  # in plain words; None while it is open
        self.frames = 0
        self.tally = Tally()
        self.overrun = 0  # frames that had to go because the daemon fell behind
        self.heard = threading.Event()
        self._opened = opened
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

    def counts(self) -> dict[str, int]:
        """What it could not hand on, by what it was, for the health report."""
        found = {
            "frames for which there was no time": self.overrun,
            "frames that the kernel had no room for": self.tally.lost,
            "error frames": self.tally.error_frames,
        }
        return {f"{self.config.name}: {what}": n for what, n in found.items()}

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with closing(self._opened(self.config, self.filters, self.tally)) as source:
                    self.trouble = None
                    self._read(source)
            except Exception as e:  # noqa: BLE001 - each interface raises its own; a bus that fails is tried again for ever
                self.trouble = f"{self.config.channel}: {getattr(e, 'strerror', None) or e}"
                self._stop.wait(RETRY_S)

    def _read(self, source: Source) -> None:
        queue = self._queue
        while not self._stop.is_set():
            frames = source.receive(RECEIVE_S)
            if not frames:
                continue
            self.overrun += max(0, len(queue) + len(frames) - QUEUE_FRAMES)
            queue.extend(frames)
            self.frames += len(frames)
            if not self.heard.is_set():
                self.heard.set()
