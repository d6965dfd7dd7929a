"""A daemon with its uplink: identity and broker from the config, the birth it announces itself with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent import __version__
from agent.config import Config, ConfigError

if TYPE_CHECKING:
    from agent.daemon import Daemon
    from agent.io.uplink import Uplink

STOP_S = 0.5  # of the second that a stop may take


@contextmanager
def attach(daemon: Daemon, config: Config, config_path: Path | None, *, takes_commands: bool = False) -> Iterator[Uplink]:
    """Give `daemon` its uplink while the context lasts; `takes_commands`: and the commands that keyoff.toml lets it take.

    Raises ConfigError."""
    from agent.io.commands import Commands
    from agent.io.identity import Identity  # late: TLS and MQTT, 0.1 s
    from agent.io.uplink import Uplink

    if config.uplink is None or config_path is None:
        raise ConfigError("there is no [uplink] to send to; write one into keyoff.toml and name it with --config")
    base = config_path.resolve().parent
    # Dates are for `config check` and the broker to judge: a certificate that has run out must not stop the recording.
    identity = Identity.load(config.uplink, base, config.unit.id, utc_ns=None)
    for note in identity.notes:
        click.echo(f"keyoff: {note}", err=True)
    birth = {"software": __version__, "vehicle": daemon.setup.vehicle.name}
    commands = Commands.load(config.commands, base, config.unit.id) if takes_commands and config.commands else None
    takes = commands is not None
    uplink = Uplink(config.uplink, base, config.unit.id, identity, daemon.store, birth, takes_commands=takes)
    uplink.start()
    daemon.uplink, daemon.commands = uplink, commands
    try:
        yield uplink
    finally:
        uplink.stop(STOP_S)
        daemon.store.flush()
        daemon.uplink = daemon.commands = None


def drain(daemon: Daemon, uplink: Uplink, timeout_s: float) -> None:
    """Send until nothing waits. Raises Unavailable, saying what is in the way; what was not sent stays in the store."""
    from agent.cli.exits import Unavailable
    from agent.io import clock

    until_ns = clock.boottime_ns() + round(timeout_s * 1e9)
    while daemon.store.unsent():
        if clock.boottime_ns() > until_ns:
            raise Unavailable(
                f"{daemon.store.unsent()} events could not be sent: {uplink.state.last_error or 'the broker does not answer'}"
            )
        daemon.send()
        uplink.wait(0.2)
