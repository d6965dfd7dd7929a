"""A guest under QEMU: boot it, run commands in it, cut its power."""

from __future__ import annotations

import itertools
import json
import os
import queue
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

BOOT_S = 240  # 20 s on an idle host, 40 s on a busy one
PORT = "keyoff-vm"


class Done(NamedTuple):
    status: int
    output: str  # standard output, then standard error


class Guest:
    """`root`: the disk image; what is written to it lasts from one guest to the next."""

    def __init__(self, out: Path, root: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="keyoff-vm-"))
        self.console = self.folder / "console"
        self._answers: dict[int, queue.Queue[Done]] = {0: queue.Queue()}
        self._ids = itertools.count(1)
        port = self.folder / "port"
        # tcg: /dev/kvm may exist and still fail. cache=writeback: the guest's flushes are honoured.
        command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "512", "-nodefaults"]
        command += ["-display", "none", "-no-reboot", "-kernel", str(out / "vmlinux"), "-initrd", str(out / "initrd.img")]
        command += ["-append", "console=ttyS0 rw quiet mitigations=off", "-serial", f"file:{self.console}"]
        command += ["-drive", f"file={root},format=raw,if=virtio,cache=writeback", "-device", "virtio-rng-pci"]
        command += ["-device", "virtio-serial-pci", "-chardev", f"socket,id=port,path={port},server=on,wait=off"]
        command += ["-device", f"virtserialport,chardev=port,name={PORT}"]
        command += ["-object", "can-bus,id=bus0", *["-device", "kvaser_pci,canbus=bus0"] * 2]
        self._started = time.monotonic()
        with (self.folder / "qemu").open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self._socket = self._connect(port)
        threading.Thread(target=self._hear, daemon=True).start()

    def __enter__(self) -> Guest:
        self._answers[0].get(timeout=BOOT_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.cut()

    @property
    def age_s(self) -> float:
        return time.monotonic() - self._started

    def run(self, command: str, timeout_s: float = 120) -> Done:
        """The command's end, in the guest's bash. Raises queue.Empty when there is none in time."""
        return self.start(command).get(timeout=timeout_s)

    def start(self, command: str) -> queue.Queue[Done]:
        """Like `run`, without waiting: the queue gets the command's end."""
        number = next(self._ids)
        self._answers[number] = queue.Queue()
        self._socket.sendall((json.dumps({"id": number, "command": command}) + "\n").encode())
        return self._answers[number]

    def cut(self) -> None:
        """No more power: SIGKILL to this guest's own process group."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _connect(self, port: Path) -> socket.socket:
        while True:
            link = socket.socket(socket.AF_UNIX)
            try:
                link.connect(str(port))
            except OSError:
                link.close()
                if self._process.poll() is not None:
                    raise RuntimeError((self.folder / "qemu").read_text()) from None
                time.sleep(0.02)
            else:
                return link

    def _hear(self) -> None:
        with self._socket.makefile("rb") as lines:
            for line in lines:
                answer = json.loads(line)
                self._answers[answer["id"]].put(Done(answer["status"], answer["output"]))
