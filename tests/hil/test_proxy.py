"""The bad line itself, between two plain sockets: each fault does what it says, to the byte."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from hil.proxy import Direction, Proxy, obey
from tests.conftest import ROOT

DEADLINE_S = 30.0
MOMENT_S = 0.2  # how long nothing has to come: a slow machine makes this test weaker, never red


class Line:
    """An end on each side of a proxy; `up` sends as the unit would, `down` as the broker."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(DEADLINE_S)
        self.proxy = Proxy("127.0.0.1", self.server.getsockname()[1])
        self.proxy.start()
        self.open: list[socket.socket] = []

    def ends(self) -> tuple[socket.socket, socket.socket]:
        """A new connection: the unit's end, the broker's."""
        near = socket.create_connection(("127.0.0.1", self.proxy.port), DEADLINE_S)
        far, _ = self.server.accept()
        far.settimeout(DEADLINE_S)
        self.open += [near, far]
        return near, far

    def close(self) -> None:
        self.proxy.stop()
        for each in (*self.open, self.server):
            each.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


def read(sock: socket.socket, count: int) -> bytes:
    """Exactly so many bytes, or what came before the end."""
    data = b""
    while len(data) < count and (piece := sock.recv(count - len(data))):
        data += piece
    return data


def silent(sock: socket.socket) -> bool:
    """Whether nothing comes for a moment."""
    sock.settimeout(MOMENT_S)
    try:
        return not sock.recv(1)
    except TimeoutError:
        return True
    finally:
        sock.settimeout(DEADLINE_S)


def is_reset(sock: socket.socket) -> bool:
    """Whether the connection was reset, now or in a while; what still comes before is dropped."""
    try:
        while sock.recv(4096):
            pass
    except ConnectionResetError:
        return True
    return False


def test_without_a_fault_bytes_pass_both_ways_and_so_does_the_end(line: Line) -> None:
    near, far = line.ends()
    near.sendall(b"x" * 1_000_000)
    assert len(read(far, 1_000_000)) == 1_000_000
    far.sendall(b"down")
    assert read(near, 4) == b"down"
    near.close()
    assert far.recv(1) == b""
    assert line.proxy.accepted == 1
    assert line.proxy.carried == {"up": 1_000_000, "down": 4}


def test_cut_resets_both_ends_and_the_next_connection_is_good(line: Line) -> None:
    near, far = line.ends()
    line.proxy.cut()
    assert is_reset(near)
    assert is_reset(far)
    near, far = line.ends()
    near.sendall(b"up")
    assert read(far, 2) == b"up"


@pytest.mark.parametrize("count", [0, 1, 7, 100_000])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_cut_at_lets_exactly_so_many_bytes_pass_once(line: Line, direction: Direction, count: int) -> None:
    line.proxy.cut_at(direction, count)
    near, far = line.ends()
    sender, receiver = (near, far) if direction == "up" else (far, near)
    threading.Thread(target=send_until_reset, args=(sender,), daemon=True).start()
    assert is_reset(receiver)
    assert line.proxy.carried[direction] == count
    near, far = line.ends()
    near.sendall(b"x" * (count + 1))
    assert len(read(far, count + 1)) == count + 1


def send_until_reset(sock: socket.socket) -> None:
    try:
        while True:
            sock.sendall(b"x" * 100)
    except OSError:
        pass


def test_a_stall_takes_connections_forwards_nothing_and_keeps_everything(line: Line) -> None:
    near, far = line.ends()
    line.proxy.stall()
    near.sendall(b"up")
    far.sendall(b"down")
    assert silent(near)
    assert silent(far)
    other, _ = line.ends()
    other.sendall(b"hello?")
    near.sendall(b" and up")
    line.proxy.heal()
    assert read(far, 9) == b"up and up"
    assert read(near, 4) == b"down"


def test_in_a_stall_the_end_does_not_get_through_either(line: Line) -> None:
    near, far = line.ends()
    line.proxy.stall()
    near.close()
    far.settimeout(MOMENT_S)
    with pytest.raises(TimeoutError):
        far.recv(1)
    far.settimeout(DEADLINE_S)
    line.proxy.heal()
    assert far.recv(1) == b""


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_half_open_line_loses_one_direction_for_good(line: Line, direction: Direction) -> None:
    near, far = line.ends()
    line.proxy.swallow(direction)
    dead, alive = ((near, far), (far, near)) if direction == "up" else ((far, near), (near, far))
    dead[0].sendall(b"lost")
    alive[0].sendall(b"kept")
    assert read(alive[1], 4) == b"kept"
    assert silent(dead[1])
    line.proxy.heal()
    dead[0].sendall(b"lost too")
    assert silent(dead[1])
    near, far = line.ends()
    near.sendall(b"up")
    far.sendall(b"down")
    assert (read(far, 2), read(near, 4)) == (b"up", b"down")


def test_throttled_bytes_take_their_time(line: Line) -> None:
    line.proxy.throttle(10_000)
    near, far = line.ends()
    begin_s = time.monotonic()
    near.sendall(b"x" * 5_000)
    assert len(read(far, 5_000)) == 5_000
    assert time.monotonic() - begin_s >= 0.4  # the last piece is not waited for


def test_refused_means_that_nobody_listens_until_it_heals(line: Line) -> None:
    near, far = line.ends()
    line.proxy.refuse()
    assert is_reset(near)
    assert is_reset(far)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", line.proxy.port), DEADLINE_S)
    line.proxy.heal()
    near, far = line.ends()
    near.sendall(b"up")
    assert read(far, 2) == b"up"


def test_a_target_that_is_away_resets_whoever_comes(line: Line) -> None:
    line.server.close()
    with pytest.raises(ConnectionResetError), socket.create_connection(("127.0.0.1", line.proxy.port), DEADLINE_S) as near:
        near.recv(1)  # if it was not reset while it connected


def test_a_line_of_the_command_does_it_or_says_what_there_is(line: Line) -> None:
    near, far = line.ends()
    assert obey(line.proxy, "cut\n") == "ok"
    assert is_reset(near)
    assert obey(line.proxy, "cut-at up 3") == "ok"
    near, far = line.ends()
    near.sendall(b"12345")
    assert is_reset(far)
    assert obey(line.proxy, "status") == "2 connections so far; the latest carried {'up': 3, 'down': 0}"
    for word in ("stall", "heal", "refuse", "heal", "swallow down", "throttle 100"):
        assert obey(line.proxy, word) == "ok"
    for wrong in ("break", "throttle fast", "throttle 0", "swallow sideways", "cut-at up"):
        with pytest.raises(ValueError, match="is none of: heal"):
            obey(line.proxy, wrong)


def test_the_command(line: Line) -> None:
    port = line.server.getsockname()[1]
    words = [sys.executable, "-m", "hil.proxy", "--to", f"127.0.0.1:{port}"]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as command:
        assert command.stdin
        assert command.stdout
        said = command.stdout.readline()
        near = socket.create_connection(("127.0.0.1", int(said.split(",")[0].rpartition(":")[2])), DEADLINE_S)
        line.server.accept()[0].close()
        command.stdin.write("cut\nquit\n")
        command.stdin.flush()
        assert command.stdout.readline() == "ok\n"
        assert command.wait(DEADLINE_S) == 0
        near.close()
    for wrong in ("nowhere", f"127.0.0.1:{port}x"):
        done = subprocess.run([*words[:-1], wrong], cwd=ROOT, check=False, capture_output=True, text=True)
        assert done.returncode == 2
        assert "is not host:port" in done.stderr
