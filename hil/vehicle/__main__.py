"""python -m hil.vehicle: drive a simulated car on a bus, into a candump log, or into a CSV."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import can
import click

from agent.dtc import is_code
from agent.model import NS, Frame
from hil.vehicle.broadcast import frames
from hil.vehicle.car import FIRST_READING_M, VEHICLES, car
from hil.vehicle.drive import Drive
from hil.vehicle.outputs import send, write_candump, write_csv
from hil.vehicle.schedule import cycles, trace_of
from hil.vehicle.style import STYLES
from hil.vehicle.tester import MOST_REQUESTS
from hil.vehicle.truth import Truth

OUTPUT = click.Path(dir_okay=False, writable=True, path_type=Path)


def _factor(_: click.Context, option: click.Parameter, text: str) -> float | None:
    """--speed: a factor, or None for max."""
    try:
        factor = None if text == "max" else float(text)
    except ValueError:
        factor = -1.0
    if factor is not None and not 0 < factor < float("inf"):
        raise click.BadParameter("a number above 0, or max", param=option)
    return factor


def _codes(_: click.Context, option: click.Parameter, codes: tuple[str, ...]) -> tuple[str, ...]:
    for code in codes:
        if not is_code(code):
            raise click.BadParameter(f"{code!r} is no trouble code; one looks like P0301", param=option)
    return codes


@click.command(context_settings={"max_content_width": 100, "show_default": True})
@click.option("--vehicle", type=click.Choice(VEHICLES), default=VEHICLES[0], help="The car, by its profile in dbc/.")
@click.option("--cycle", "names", type=click.Choice(cycles()), multiple=True, default=["wltc_3b"], help="May be repeated.")
@click.option("--style", type=click.Choice(list(STYLES)), default="trace", help="trace: the cycle as it is published.")
@click.option("--seed", type=int, default=0, help="Decides the commute's traffic and the driver's moods.")
@click.option("--interface", help="A python-can interface to drive on: socketcan, virtual, socketcand …")
@click.option("--channel", default="vcan0", help="Its channel.")
@click.option("--speed", default="1", callback=_factor, help="Time factor on the bus, or max.")
@click.option("--obd", is_flag=True, help="Another tester asks, and the car answers (service 01).")
@click.option("--obd-rate", type=click.IntRange(1, MOST_REQUESTS), default=5, help="Its requests a second.")
@click.option("--dtc", "stored", multiple=True, callback=_codes, help="A stored trouble code; the tester asks for them too.")
@click.option("--max-frames-per-s", type=click.IntRange(1), help="Slow fast messages down to this mean rate.")
@click.option("--out", type=OUTPUT, help="Write a candump log: FILE.log or FILE.log.gz.")
@click.option("--csv", "csv_path", type=OUTPUT, help="Write VSS signals as a CSV: t_s, then one column each.")
@click.option("--csv-rate", type=click.IntRange(1, 100), default=10, help="Its rows a second.")
@click.option("--start", type=click.DateTime(), default="2026-01-05T07:00:00", help="UTC of the log's first frame.")
@click.option(
    "--odometer", "odometer_km", type=click.FloatRange(0), default=FIRST_READING_M / 1000, help="Reading at the start, km."
)
@click.option("--key-fob", type=click.IntRange(1, 8), default=1, help="The key in use; the petrol car tells it.")
@click.option("--stop-start", is_flag=True, help="A petrol engine stops at a stand once it is warm.")
def main(
    *,
    vehicle: str,
    names: tuple[str, ...],
    style: str,
    seed: int,
    interface: str | None,
    channel: str,
    speed: float | None,
    obd: bool,
    obd_rate: int,
    stored: tuple[str, ...],
    max_frames_per_s: int | None,
    out: Path | None,
    csv_path: Path | None,
    csv_rate: int,
    start: datetime,
    odometer_km: float,
    key_fob: int,
    stop_start: bool,
) -> None:
    """Drive one simulated car over one or more cycles, and tell what really happened.

    The frames go to a bus (--interface) or a log (--out), or both; --csv needs neither.
    """
    if not (interface or out or csv_path):
        raise click.UsageError("nowhere to drive: name --interface, --out or --csv")
    if stored and not obd:
        raise click.UsageError("--dtc is told to a tester only: add --obd")
    driven = car(vehicle, odometer_m=odometer_km * 1000, stop_start=stop_start)
    driven.key_fob = str(key_fob)
    driven.diagnostics = driven.diagnostics._replace(stored=stored)
    drive = Drive(driven, trace_of(names, style, seed))
    t0_ns = int(start.replace(tzinfo=UTC).timestamp()) * NS
    try:
        if csv_path:
            _watched(write_csv(drive.samples(default_hz=csv_rate), csv_path), drive.duration_s, "CSV")
        if interface or out:
            rate = obd * obd_rate
            made = frames(
                drive, t0_ns, max_frames_per_s=max_frames_per_s, obd_requests_per_s=rate, asks_codes=bool(stored), seed=seed
            )
            made = write_candump(made, out) if out else made
            made = _on_bus(made, interface, channel, speed) if interface else made
            _watched((frame.t_ns - t0_ns for frame in made), drive.duration_s, "bus" if interface else "log")
    except ValueError as e:
        raise click.UsageError(str(e)) from None
    except can.CanError as e:
        raise click.ClickException(f"{interface} {channel}: {e}; is the interface installed and the channel up?") from None
    except OSError as e:
        raise click.ClickException(f"{interface or out or csv_path}: {e}; is the channel up, the folder there?") from None
    click.echo(told(drive.truth))


def _on_bus(made: Iterable[Frame], interface: str, channel: str, speed: float | None) -> Iterator[Frame]:
    with can.Bus(interface=interface, channel=channel) as bus:
        yield from send(made, bus, speed)


def _watched(times_ns: Iterator[int], length_s: int, label: str) -> None:
    """Pulls everything through, showing how far the drive is."""
    with click.progressbar(length=length_s, label=label, file=sys.stderr) as bar:
        for t_ns in times_ns:
            if t_ns >= (bar.pos + 1) * NS:
                bar.update(t_ns // NS - bar.pos)
        bar.update(length_s - bar.pos)


def told(truth: Truth) -> str:
    """The truth in lines for a person."""
    lines = [
        f"{truth.vehicle}: {truth.distance_m / 1000:.3f} km in {truth.duration_s} s of ignition, {truth.moving_s} s moving, "
        f"at most {truth.max_speed_kmh:.1f} km/h",
        f"odometer {truth.odometer_start_m / 1000:.3f} → {truth.odometer_end_m / 1000:.3f} km, "
        f"level {truth.level_start_percent:.2f} → {truth.level_end_percent:.2f} %",
        f"harsh braking {len(truth.harsh_brakes_s)}, harsh acceleration {len(truth.harsh_accels_s)}",
    ]
    if truth.fuel_l:
        lines.append(f"fuel {truth.fuel_l:.3f} l, engine {truth.engine_s} s, idle {truth.idle_s} s")
    if truth.drawn_kwh:
        lines.append(f"battery {truth.drawn_kwh:.3f} kWh drawn, {truth.regenerated_kwh:.3f} kWh regenerated")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
