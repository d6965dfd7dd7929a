"""A bad line between a unit and its broker: a TCP proxy on 127.0.0.1 that cuts, stalls, swallows, throttles, refuses.

`python -m hil.proxy --to localhost:8883` takes commands on standard input, one a line; in tests it is a context manager.
A fault holds for the connections there are and those that come, until `heal`; only `cut` is over at once, and `cut_at`
is for the next connection. TLS passes through untouched: nothing is decrypted, only bytes are counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Literal, NamedTuple, TypeAlias, TypeVar

import click

Direction: TypeAlias = Literal["up", "down"]  # up: from who connects (the unit) to the target (the broker)

T = TypeVar("T")

ADDRESS = "127.0.0.1"
CHUNK_BYTES = 65_536
THROTTLE_S = 0.05  # how long a throttled piece takes: short, so that it trickles
WAIT_S = 20.0  # for the loop's thread to have done what it was told
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST, as a cut line's other end will


class Cut(NamedTuple):
    """Reset the connection when so many bytes have passed in this direction."""

    direction: Direction
    bytes: int


class Link:
    """One connection through the proxy: its two ends, what it carried, what is to become of it."""

    def __init__(self, near: asyncio.StreamWriter, cut: Cut | None) -> None:
        self.ends = [near]
        self.cut = cut
        self.is_reset = False
        self.carried: dict[Direction, int] = {"up": 0, "down": 0}
        self.lost: set[Direction] = set()  # bytes are missing here: it can never be healed

    def room(self, direction: Direction, wanted: int) -> int:
        """How many of `wanted` bytes may pass before the cut."""
        if self.cut is None or self.cut.direction != direction:
            return wanted
        return min(wanted, self.cut.bytes - self.carried[direction])

    def reset(self) -> None:
        self.is_reset = True
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            end.transport.abort()


class Proxy:
    """Between whoever connects to `host`:`port` and the target. Its methods are called from any thread, and hold when
    they return."""

    host = "localhost"

    def __init__(self, target_host: str, target_port: int, port: int = 0) -> None:
        """`port` 0: a free one, known after `start`, and kept through `refuse`."""
        self.port = port
        self.accepted = 0  # connections so far
        self.carried: dict[Direction, int] = {"up": 0, "down": 0}  # bytes of the latest connection
        self._target = (target_host, target_port)
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._links: set[Link] = set()
        self._flowing = asyncio.Event()
        self._swallowing: set[Direction] = set()
        self._bytes_per_s: int | None = None
        self._next_cut: Cut | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Proxy:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Listen. Raises OSError."""
        self._thread.start()
        self.heal()

    def stop(self) -> None:
        self.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()

    # -- the faults ------------------------------------------------------------------------------

    def heal(self) -> None:
        """No fault any more. What waited goes on; a connection that lost bytes stays as dead as it was."""
        self._do(self._heal)

    def cut(self) -> None:
        """Reset every connection, now."""
        self._do(self._cut)

    def cut_at(self, direction: Direction, count: int) -> None:
        """Reset the next connection when `count` bytes have passed in this direction."""
        self._next_cut = Cut(direction, count)

    def stall(self) -> None:
        """Accept, and forward nothing: a radio link without coverage. TCP has kept it all when it heals."""
        self._do(self._stall)

    def swallow(self, direction: Direction) -> None:
        """Half-open: what goes in this direction is lost, and nobody is told."""
        self._swallowing.add(direction)

    def throttle(self, bytes_per_s: int) -> None:
        """So many bytes a second, in each direction of each connection."""
        self._bytes_per_s = bytes_per_s

    def refuse(self) -> None:
        """Reset every connection and listen no more."""
        self._do(self._refuse)

    async def _heal(self) -> None:
        self._flowing.set()
        self._swallowing.clear()
        self._bytes_per_s = None
        self._next_cut = None
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, ADDRESS, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        for link in list(self._links):
            link.reset()

    async def _stall(self) -> None:
        self._flowing.clear()

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._flowing.set()  # else who waits for it would outlive the cut
        await self._cut()
        while self._links:
            await asyncio.sleep(0)

    def _do(self, what: Callable[[], Awaitable[T]]) -> T:
        async def done() -> T:
            return await what()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(WAIT_S)

    # -- the bytes -------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        link = Link(writer, self._next_cut)
        self._next_cut = None
        self.carried = link.carried
        self._links.add(link)
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            link.ends.append(far_writer)
            if not link.is_reset:  # while we asked for the target
                await asyncio.gather(self._carry(link, "up", reader, far_writer), self._carry(link, "down", far_reader, writer))
        link.reset()
        self._links.discard(link)

    async def _carry(self, link: Link, direction: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Bytes of one direction, until it ends; then its other end is told, and the other direction ends of itself."""
        try:
            while data := await reader.read(self._piece_bytes()):
                await self._flowing.wait()
                await self._forward(link, direction, data, writer)
            await self._flowing.wait()  # its end does not get through either
            if direction not in link.lost:
                writer.close()
        except OSError:
            link.reset()

    async def _forward(self, link: Link, direction: Direction, data: bytes, writer: asyncio.StreamWriter) -> None:
        if direction in self._swallowing or direction in link.lost:
            link.lost.add(direction)
            return
        passed = link.room(direction, len(data))
        writer.write(data[:passed])
        await writer.drain()
        link.carried[direction] += passed
        if passed < len(data):
            link.reset()
        elif self._bytes_per_s is not None:
            await asyncio.sleep(passed / self._bytes_per_s)

    def _piece_bytes(self) -> int:
        return CHUNK_BYTES if self._bytes_per_s is None else max(1, int(self._bytes_per_s * THROTTLE_S))


COMMANDS = """\
heal | cut | stall | refuse | swallow up|down | throttle BYTES_PER_S | cut-at up|down BYTES | status | quit"""


def obey(proxy: Proxy, line: str) -> str:
    """Do what a line of the command says; what to answer. Raises ValueError with the commands there are."""
    match line.split():
        case ["heal" | "cut" | "stall" | "refuse" as word]:
            getattr(proxy, word)()
        case ["swallow", ("up" | "down") as direction]:
            proxy.swallow(direction)
        case ["throttle", count] if count.isdecimal() and int(count):
            proxy.throttle(int(count))
        case ["cut-at", ("up" | "down") as direction, count] if count.isdecimal():
            proxy.cut_at(direction, int(count))
        case ["status"]:
            return f"{proxy.accepted} connections so far; the latest carried {proxy.carried}"
        case _:
            raise ValueError(f"{line.strip()!r} is none of: {COMMANDS}")
    return "ok"


@click.command(epilog=f"Commands: {COMMANDS}")
@click.option("--to", "target", required=True, help="Where the broker listens: host:port.")
@click.option("--port", default=0, help="Where to listen on 127.0.0.1; default: a free port, which is told.")
def main(target: str, port: int) -> None:
    """A bad line to a broker. Commands are read from standard input, one a line, until its end."""
    host, _, number = target.rpartition(":")
    if not host or not number.isdecimal():
        raise click.BadParameter(f"{target!r} is not host:port", param_hint="--to")
    proxy = Proxy(host, int(number), port)
    try:
        proxy.start()
    except OSError as e:
        raise click.ClickException(f"cannot listen on {ADDRESS}:{port}: {e.strerror}") from None
    click.echo(f"listening on {ADDRESS}:{proxy.port}, forwarding to {target}")
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        try:
            click.echo(obey(proxy, line))
        except ValueError as e:
            click.echo(str(e), err=True)
    proxy.stop()


if __name__ == "__main__":
    main()
