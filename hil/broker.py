"""A broker for the bench, on 127.0.0.1 with TLS: mosquitto where it is installed, else amqtt (MQTT 3.1.1 only).

`python -m hil.broker FOLDER` runs one until Ctrl-C; in tests and the demo it is a context manager. Clients need a
certificate of the folder's CA. On mosquitto a unit may write below `keyoff/<its common name>/` only, and `cloud` reads
everything and writes commands; amqtt checks the certificate and nothing more. mosquitto saves each change, so that a kill
loses no subscription; amqtt remembers nothing. Yet mosquitto acknowledges before it saves: killed under load it lost one
acknowledged event in 3 of 6 runs (2.0.11), which no publisher can notice, only who counts (epoch, seq).
"""

from __future__ import annotations

import contextlib
import getpass
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Literal

import click

from hil.ca import CLOUD, Authority

Kind = Literal["mosquitto", "amqtt"]

ADDRESS = "127.0.0.1"
START_S = 20.0  # amqtt takes 1 s to import on a PC; this is for a busy machine
STOP_S = 5.0
LOOK_S = 0.02

RULES = f"""\
user {CLOUD}
topic read keyoff/#
topic write keyoff/+/command
pattern write keyoff/%u/#
pattern read keyoff/%u/command/#
"""

ROOT = Path(__file__).resolve().parent.parent


class BrokerFailed(Exception):
    """The broker did not start; the message is what it said."""


def mosquitto_path() -> str | None:
    """Where mosquitto is (Debian keeps it in /usr/sbin, which is not on everyone's path); None: not installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class Broker:
    """A broker process of our own; `host` and `port` say where it listens, the same over restarts."""

    host = "localhost"

    def __init__(self, authority: Authority, *, kind: Kind | None = None, port: int | None = None, rules: str = RULES) -> None:
        """`kind` None: mosquitto if installed. `port` None: a free one. `rules`: mosquitto's access list."""
        self.kind: Kind = kind or ("mosquitto" if mosquitto_path() else "amqtt")
        self.port = port or _free_port()
        self.folder = authority.folder
        self._pair = authority.broker()
        self._ca = authority.pair.certificate
        self._rules = rules
        self._log = self.folder / f"{self.kind}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it accepts connections; raises BrokerFailed."""
        command = self._mosquitto() if self.kind == "mosquitto" else self._amqtt()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline_s = time.monotonic() + START_S
        while not self._accepts():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                self.kill()
                raise BrokerFailed(f"{self.kind} does not listen on {ADDRESS}:{self.port}; it said:\n{self._last_words()}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(LOOK_S)

    def stop(self) -> None:
        """End it tidily."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Let it hang: connections stay open and nothing is answered, as on a dead radio link."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """Start it again after `stop` or `kill`, on the same port."""
        self.stop()
        self.start()

    def set_rules(self, rules: str) -> None:
        """Another access list, in force at once; mosquitto only."""
        self._rules = rules
        (self.folder / "mosquitto.acl").write_text(rules)
        self._signal(signal.SIGHUP)

    def _signal(self, what: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(what)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)  # a paused process would never hear it
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _accepts(self) -> bool:
        try:
            socket.create_connection((ADDRESS, self.port), timeout=1.0).close()
        except OSError:
            return False
        return True

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])

    def _mosquitto(self) -> list[str]:
        rules = self.folder / "mosquitto.acl"
        rules.write_text(self._rules)
        config = self.folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} {ADDRESS}\n"
            f"cafile {self._ca}\ncertfile {self._pair.certificate}\nkeyfile {self._pair.key}\n"
            "require_certificate true\nuse_identity_as_username true\nallow_anonymous false\n"
            f"acl_file {rules}\n"
            f"user {getpass.getuser()}\n"  # else it gives up root and cannot read the key
            f"persistence true\npersistence_location {self.folder}/\n"
            "autosave_on_changes true\nautosave_interval 1\n"  # default: every 30 min
            "max_queued_messages 0\n"  # default: 1,000, then dropped silently
            "set_tcp_nodelay true\n"
        )
        return [mosquitto_path() or "mosquitto", "-c", str(config)]

    def _amqtt(self) -> list[str]:
        return [sys.executable, "-m", "hil.embedded", ADDRESS, str(self.port), str(self._ca), *map(str, self._pair)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--port", default=8883, show_default=True, help="TCP port on 127.0.0.1.")
@click.option("--kind", type=click.Choice(["mosquitto", "amqtt"]), help="Default: mosquitto if installed, else amqtt.")
def main(folder: Path, port: int, kind: Kind | None) -> None:
    """Run a bench broker with the CA in FOLDER (made there if missing) until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # else the broker's own process would outlive this one
    broker = Broker(Authority(folder), kind=kind, port=port)
    try:
        with broker:
            click.echo(f"{broker.kind} listens on {broker.host}:{broker.port}; Ctrl-C ends it", err=True)
            signal.pause()
    except BrokerFailed as e:
        raise click.ClickException(str(e)) from None
    except KeyboardInterrupt:
        click.echo("broker ended", err=True)


if __name__ == "__main__":
    main()
