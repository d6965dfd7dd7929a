"""What an hour of driving costs: CPU, bytes to the disk, bytes to send. From css_164, 40 minutes by OBD-II with 292,097 frames.

Nothing of this has a target; it is told, so that a change for the worse is seen.
"""

from __future__ import annotations

import time
from pathlib import Path

from agent.cli.replay import walk
from agent.io.buses.recording import Recording
from hil.bench.drives import daemon_of, plan_of
from hil.bench.figures import Figure, Group, LeftOut, Place
from hil.bench.recordings import CSS

MOUNTS = Path("/proc/self/mountinfo")
COUNTERS = Path("/proc/self/io")
NO_DISK = ("tmpfs", "ramfs", "devtmpfs")  # what is written there reaches no disk and is not counted


def measure(place: Place) -> list[Figure]:
    log = place.recording(CSS)
    if kind := memory_below(place.folder.resolve(), MOUNTS.read_text()):
        raise LeftOut(f"{place.folder} is on {kind}, where nothing is written to a disk: put the checkout elsewhere")
    setup, plan = plan_of("obd2")
    recording = Recording(log, tuple(setup.vehicle.bus))
    with daemon_of(setup, plan, recording.boot_id, place.folder) as daemon:
        began_s, began_bytes = time.process_time(), written_bytes()
        walk(daemon, recording, factor=None, quiet=True)
        cpu_s = time.process_time() - began_s
        payload_bytes = sum(map(len, daemon.store.envelopes()))
        hours = daemon.engine.context(0).last_ns / 3.6e12  # type: ignore[operator]
    disk_bytes = written_bytes() - began_bytes
    disk = "written by this process: a routine commit in 8 s, and checkpoints"
    return [
        Figure("css_cpu_s_per_driven_hour", cpu_s / hours, "s", None, "reading the recording included"),
        Figure("css_disk_kb_per_driven_hour", disk_bytes / 1000 / hours, "kB", None, disk),
        Figure("css_payload_bytes_per_driven_hour", payload_bytes / hours, "bytes", None, "CloudEvents of one trip, unsigned"),
    ]


def written_bytes() -> int:
    """What this process caused to be written to storage so far (proc(5): write_bytes)."""
    counters = dict(line.split(": ") for line in COUNTERS.read_text().splitlines())
    return int(counters["write_bytes"])


def memory_below(folder: Path, mounts: str) -> str | None:
    """The file system's name when what `folder` lies on has no disk behind it, by mountinfo's lines; else None."""
    lines = [line.split() for line in mounts.splitlines()]
    inside = [(len(line[4]), line[line.index("-") + 1]) for line in lines if folder.is_relative_to(line[4])]
    kind = max(inside, default=(0, ""))[1]
    return kind if kind in NO_DISK else None


GROUP = Group("hour", (), measure)
