"""The published cycles, driven by the simulated car, decoded from its frames: distance against the trace's trapezoid."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from hil.bench.drives import answers, live
from hil.bench.figures import Figure, Group, Place, at_most, progress
from hil.bench.recordings import total
from hil.vehicle import Drive, car, frames, trace_of

CYCLES = ("wltc_3b", "us06", "udds", "nedc", "hwfet")
BY_SPEED_PERCENT = 0.2
BY_PID_PERCENT = 1.5
REQUESTS_PER_S = 5  # another tester's, of all PIDs; three of five are for 0D
TRUNCATED_KMH = 0.5  # what PID 0D reads low on average: it cuts down to whole km/h


class Distances(NamedTuple):
    """One cycle's, in m. `truncation_m`: what cutting down to whole km/h takes away on average."""

    driven_m: float
    by_speed_m: float
    by_pid_m: float
    truncation_m: float

    @property
    def by_speed_percent(self) -> float:
        return abs(self.by_speed_m / self.driven_m - 1) * 100

    @property
    def by_pid_percent(self) -> float:
        return abs(self.by_pid_m / self.driven_m - 1) * 100


def distances(cycle: str, max_frames_per_s: int | None = None, folder: Path | None = None) -> Distances:
    """By Vehicle.Speed out of the broadcast (`sim_petrol`), and by PID 0D out of the answers alone (`obd2`)."""
    drive = Drive(car("sim_petrol"), trace_of([cycle], "trace", seed=0))
    by_speed = live(frames(drive, max_frames_per_s=max_frames_per_s), "sim_petrol", folder=folder).trips
    heard = frames(drive, obd_requests_per_s=REQUESTS_PER_S)
    by_pid = live(answers(heard), "obd2", folder=folder).trips
    truncation_m = TRUNCATED_KMH / 3.6 * drive.truth.moving_s
    return Distances(drive.trace.distance_m, total(by_speed, "distance_m"), total(by_pid, "distance_m"), truncation_m)


def measure(place: Place) -> list[Figure]:
    """Two figures a cycle, at the bus's full rate."""
    found = [(cycle, distances(cycle, folder=place.folder)) for cycle in progress("Published cycles", CYCLES)]
    return [figure for cycle, each in found for figure in figures_of(cycle, each)]


def figures_of(cycle: str, found: Distances) -> list[Figure]:
    way = f"{found.by_speed_m:.1f} of {found.driven_m:.1f} m"
    cut = f"cutting down to whole km/h takes {found.truncation_m / found.driven_m:.2%} on average"
    return [
        Figure(f"{cycle}_by_speed", found.by_speed_percent, "percent", at_most(BY_SPEED_PERCENT), way),
        Figure(f"{cycle}_by_pid_0d", found.by_pid_percent, "percent", at_most(BY_PID_PERCENT), cut),
    ]


GROUP = Group("cycles", tuple(f"{cycle}_by_{source}" for cycle in CYCLES for source in ("speed", "pid_0d")), measure)
