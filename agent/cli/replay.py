"""keyoff replay: a recording through the same daemon path, in recorded time."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from agent.cli.load import bench_config, setup_of, store_option
from agent.cli.show import breakable, moment, table
from agent.cli.status import prompt_state
from agent.cli.trips import trip_table

if TYPE_CHECKING:
    from agent.daemon import Daemon
    from agent.io.buses.recording import Recording
    from agent.model import Sample

DRAIN_S = 60.0  # with --send: how long to wait for the last acknowledgement


@click.command(short_help="A recorded drive through the daemon; prints its trips.")
@click.argument("log", type=click.Path(path_type=Path))
@click.option("--vehicle", required=True, help="A profile under dbc/, such as obd2 (any car) or toyota_rav4_2017.")
@click.option("--speed", default="max", show_default=True, help="A factor of recorded time (1 = as it was), or max.")
@click.option("--json", "as_json", is_flag=True, help="One CloudEvent a line on standard output, and nothing else.")
@click.option("--send", is_flag=True, help="Publish the events to the broker that the config names, and wait until it has them.")
@click.option(
    "--config", "config_path", type=click.Path(dir_okay=False, path_type=Path), help="keyoff.toml for owner, services and broker."
)
@store_option
def command(
    log: Path, vehicle: str, speed: str, as_json: bool, send: bool, config_path: Path | None, store_path: Path | None
) -> None:
    """Replay LOG and print what came of it.

    LOG is anything python-can reads (.log, .asc, .blf, .mf4, .trc, each also .gz), or CSV with `t_s` or `utc_s`
    and VSS paths as columns. The store is temporary unless --store names one.

    \b
      keyoff replay drive.log.gz --vehicle obd2
      keyoff replay drive.log --vehicle toyota_rav4_2017 --json | jq .data
      keyoff replay drive.log --vehicle obd2 --config keyoff.toml --send --store kept.db
    """
    from agent.daemon import Daemon  # late, as all that follows
    from agent.io.buses.recording import Recording
    from agent.io.collector import calm_collector
    from agent.io.store import Store

    factor = _factor(speed)
    config = bench_config(vehicle, config_path)
    setup, plan = setup_of(config, config_path)
    recording = Recording(log, tuple(setup.vehicle.bus))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyoff-replay-")))
        store = Store(store_path or folder / "keyoff.db", setup.unit)
        stack.callback(store.close)
        daemon = Daemon(setup, plan, store, recording.boot_id)
        calm_collector()
        uplink = None
        if send:
            from agent.cli.sending import attach, drain

            uplink = stack.enter_context(attach(daemon, config, config_path))
        walk(daemon, recording, factor, quiet=as_json)
        if uplink is not None:
            drain(daemon, uplink, DRAIN_S)
        if as_json:
            for envelope in store.envelopes():
                click.echo(envelope.decode())
        else:
            _report(daemon, setup.owner.timezone, setup.owner.counts)
    _warn(daemon, recording)


def walk(daemon: Daemon, recording: Recording, factor: float | None, quiet: bool) -> None:
    """Feed the whole recording, at `factor` times its own speed (None: as fast as it goes), with a progress bar."""
    from agent.io import clock
    from agent.model import NS, Frame

    began_ns = clock.boottime_ns()
    with click.progressbar(length=recording.size, label=recording.path.name, file=sys.stderr, hidden=quiet) as bar:
        at = 0
        for chunk in recording.chunks():
            is_frames = isinstance(chunk[0], Frame)
            t_ns = cast("list[Frame]", chunk)[0].t_ns if is_frames else cast("list[Sample]", chunk)[0][0]
            if factor is not None:
                clock.pause(max(0.0, (t_ns / factor - (clock.boottime_ns() - began_ns)) / NS))
            daemon.tick(t_ns, recording.wall)
            if is_frames:
                daemon.frames(cast("list[Frame]", chunk))
            else:
                daemon.samples(cast("list[Sample]", chunk))
            position = recording.position()
            bar.update(position - at)
            at = position
        daemon.finish()


def _factor(speed: str) -> float | None:
    if speed == "max":
        return None
    try:
        factor = float(speed)
    except ValueError:
        factor = 0.0
    if factor <= 0:
        raise click.BadParameter(f"{speed!r} is neither a factor above 0 nor max", param_hint="--speed")
    return factor


def _report(daemon: Daemon, zone: str, counts: str) -> None:
    rows = daemon.store.conn.execute("SELECT * FROM trips ORDER BY n").fetchall()
    click.echo(trip_table(rows, zone, counts) if rows else "No trip in this recording.")
    told = [e for e in daemon.take() if e.leaves]
    kinds = sorted({type(e).__name__ for e in told})
    click.echo(
        f"\n{len(told)} events: {', '.join(kinds)}." if told else "\nNothing new: this store already knows this recording."
    )
    prompts = daemon.store.conn.execute("SELECT * FROM prompts ORDER BY raised_ns").fetchall()
    if prompts:
        rows_ = [(breakable(p["title"] or p["topic"]), moment(p["raised_utc_ns"], zone), prompt_state(p, zone)) for p in prompts]
        click.echo("\n" + table(("prompt", "raised", "state"), rows_))
    if daemon.uplink is not None:
        click.echo(f"{daemon.store.unsent()} events are not acknowledged by the broker yet.")


def _warn(daemon: Daemon, recording: Recording) -> None:
    if recording.torn:
        click.echo(f"keyoff: {recording.path} breaks off: {recording.torn}; the rest of it is not in these figures", err=True)
    if recording.skipped:
        click.echo(f"keyoff: {recording.skipped} lines of {recording.path} could not be read and were left out", err=True)
    for what, n in sorted(daemon.counts().items()):
        click.echo(f"keyoff: dropped: {what}: {n}", err=True)
