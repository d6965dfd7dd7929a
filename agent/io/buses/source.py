"""What reads one open bus: a SocketCAN interface's socket, or any interface that python-can knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeAlias

from agent.config import BusConfig
from agent.model import Frame

Filters: TypeAlias = Iterable[tuple[int, bool]]
"""(arbitration id, is_extended) of the frames that are wanted; none: all frames."""


class Tally:
    """What a bus said that is no frame to decode. It goes on when the bus is closed and opened again."""

    def __init__(self) -> None:
        self.error_frames = 0  # a wrong bit rate, a broken wire: the controller's own word for it
        self.lost = 0  # frames that the kernel had no room for; counted for SocketCAN alone, the others do not tell


class Source(Protocol):
    """An open bus. It only reads."""

    def receive(self, wait_s: float) -> list[Frame]:
        """Data frames in the order in which they came, each with the boot clock at receipt; [] when none came in time.

        Raises OSError and whatever else the interface raises: then it is to be closed, and opened again later."""
        ...

    def close(self) -> None: ...


def open_source(config: BusConfig, filters: Filters, tally: Tally) -> Source:
    """The bus that keyoff.toml names. Raises what its interface raises."""
    if config.interface == "socketcan" and not config.options:
        from agent.io.buses.socketcan import Socketcan, raw_socket  # late, as is the other: a unit has one of them

        return Socketcan(raw_socket(config.channel, filters), config.name, tally)
    from agent.io.buses.python_can import PythonCan

    return PythonCan(config, filters, tally)
