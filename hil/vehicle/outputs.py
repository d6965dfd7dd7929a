"""Where a drive goes: a python-can bus in (scaled) real time, a candump log, a CSV of VSS columns."""

from __future__ import annotations

import csv
import gzip
import time
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO, cast

import can

from agent.model import NS, Frame, Sample, Value

AHEAD_S = 0.002  # sleeping for less than this is not worth it: frames go out up to so much early


def send(frames: Iterable[Frame], bus: Any, speed: float | None) -> Iterator[Frame]:
    """Sends each frame when it is due and hands it on; speed: time factor, None for as fast as the bus takes them.

    Raises can.CanError when the bus does not take one.
    """
    began_s, first_ns = time.monotonic(), None
    for frame in frames:
        first_ns = frame.t_ns if first_ns is None else first_ns
        if speed is not None:
            early_s = began_s + (frame.t_ns - first_ns) / NS / speed - time.monotonic()
            if early_s > AHEAD_S:
                time.sleep(early_s)
        bus.send(can.Message(arbitration_id=frame.arbitration_id, is_extended_id=frame.is_extended, data=frame.data))
        yield frame


def write_candump(frames: Iterable[Frame], path: Path) -> Iterator[Frame]:
    """Writes each frame as a line of `candump -L` and hands it on; gzip when the name ends in .gz. t_ns is UTC."""
    with _open(path) as f:
        for frame in frames:
            seconds, ns = divmod(frame.t_ns, NS)
            name = f"{frame.arbitration_id:08X}" if frame.is_extended else f"{frame.arbitration_id:03X}"
            f.write(f"({seconds}.{ns // 1000:06d}) {frame.bus} {name}#{frame.data.hex().upper()}\n")
            yield frame


def write_csv(samples: Iterable[Sample], path: Path) -> Iterator[int]:
    """Writes samples of one rate: t_s, then VSS paths in VSS units; an unknown value is an empty cell.

    Hands on the t_ns of each row.
    """
    with _open(path) as f:
        rows = csv.writer(f)
        for number, (t_ns, at_once) in enumerate(groupby(samples, key=lambda sample: sample[0])):
            row = {signal: value for _, signal, value in at_once}
            if number == 0:
                rows.writerow(["t_s", *row])
            rows.writerow([f"{t_ns / NS:g}", *map(_cell, row.values())])
            yield t_ns


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return cast(TextIO, gzip.open(path, "wt", encoding="ascii", newline=""))
    return path.open("w", encoding="ascii", newline="")
