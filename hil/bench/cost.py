"""What a frame costs: the RAV4's recording through the whole daemon, against python-can and cantools on the same frames.

Both sides start from the same frames in memory. Ours: decoding with checksums, every metric and rule, states and
events committed to a real database; what it costs to make the Frame objects is told apart. The baseline: python-can's
Message of every frame, and cantools' decode_message, into a dict, of every frame that the DBC knows.

CPU time of this process. Each repeat measures every part once, so that whatever else the machine does hits all of
them alike; medians are compared.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, TypeAlias, TypeVar

from msgspec.structs import astuple

from agent.decode import Decoder, Plan
from agent.io.buses.recording import Recording
from agent.io.collector import calm_collector
from agent.model import NS, Frame, Sample, Setup, Wall
from agent.signals import ENGINE_SPEED, ODOMETER, PEDAL, SPEED
from hil.bench.drives import daemon_of, plan_of
from hil.bench.figures import Figure, Group, Place, Target, progress
from hil.bench.recordings import RAV4

T = TypeVar("T")
Raw: TypeAlias = tuple[int, bool, bytes, str, int]
"""A frame as a plain tuple: arbitration id, is extended, data, bus, t_ns."""

DBC = "toyota_nodsu_pt_generated.dbc"
VEHICLE = "toyota_rav4_2017"
WANTED = (
    SPEED,
    "Vehicle.Chassis.Axle.Row1.Wheel.Left.Speed",
    "Vehicle.Chassis.Axle.Row1.Wheel.Right.Speed",
    "Vehicle.Chassis.Axle.Row2.Wheel.Left.Speed",
    "Vehicle.Chassis.Axle.Row2.Wheel.Right.Speed",
    ENGINE_SPEED,
    "Vehicle.Acceleration.Longitudinal",
    PEDAL,
    "Vehicle.Powertrain.Transmission.SelectedGear",
    "Vehicle.Cabin.Seat.Row1.DriverSide.IsBelted",
    "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen",
    ODOMETER,
    "Vehicle.Body.Lights.Brake.IsActive",
)
WALL = Wall(1_533_198_887 * NS, "recorded")  # the recording's own, which is made up
REPEATS = 9
CHUNK = 1024  # frames, as a replay hands them over


class Inputs(NamedTuple):
    """The same recording in the forms that the parts start from, in chunks."""

    setup: Setup
    plan: Plan
    raw: list[list[Raw]]
    unwanted: list[list[Raw]]
    samples: list[list[Sample]]
    driven_s: float

    @property
    def frames(self) -> int:
        return sum(map(len, self.raw))


class Costs(NamedTuple):
    """CPU seconds for the whole recording, medians. `building` and `decoding` are parts of `ours`."""

    ours: float
    baseline: float
    building: float  # Frame objects out of the tuples
    decoding: float  # of all frames
    unwanted: float  # Frame objects of no wanted message, through the daemon
    samples: float  # everything after decoding


def measure(place: Place, repeats: int = REPEATS) -> list[Figure]:
    inputs = load(place.recording(RAV4))
    return figures_of(inputs, costs(inputs, place.recording(DBC), place.folder, repeats))


def load(log: Path) -> Inputs:
    setup, plan = plan_of(VEHICLE, WANTED)
    frames = [f for piece in Recording(log, tuple(setup.vehicle.bus)).chunks() for f in piece if isinstance(f, Frame)]
    ids = {i for bus in plan.filters().values() for i, _ in bus}
    decoder = Decoder(plan)
    return Inputs(
        setup,
        plan,
        raw=_chunks([_raw(frame) for frame in frames]),
        unwanted=_chunks([_raw(frame) for frame in frames if frame.arbitration_id not in ids]),
        samples=[decoder.feed(chunk) for chunk in _chunks(frames)],
        driven_s=frames[-1].t_ns / NS,
    )


def _raw(frame: Frame) -> Raw:
    return astuple(frame)


def _chunks(items: list[T]) -> list[list[T]]:
    return [items[i : i + CHUNK] for i in range(0, len(items), CHUNK)]


def costs(inputs: Inputs, dbc: Path, folder: Path, repeats: int) -> Costs:
    parts: list[Callable[[], float]] = [
        lambda: through_daemon(inputs, folder),
        baseline(inputs, dbc),
        lambda: building(inputs),
        lambda: decoding(inputs),
        lambda: unwanted(inputs, folder),
        lambda: after_decoding(inputs, folder),
    ]
    calm_collector()  # as run and replay do; what only the bench keeps in memory would slow both sides
    try:
        runs = [[part() for part in parts] for _ in progress("RAV4: cost of a frame", range(repeats))]
    finally:
        gc.unfreeze()
    return Costs(*map(median, zip(*runs, strict=True)))


# -- the parts: each gives the CPU seconds that it took ------------------------------------------------


def through_daemon(inputs: Inputs, folder: Path) -> float:
    with daemon_of(inputs.setup, inputs.plan, "bench", folder) as daemon:
        began = time.process_time()
        for raw in inputs.raw:
            frames = [Frame(*each) for each in raw]
            daemon.tick(frames[0].t_ns, WALL)
            daemon.frames(frames)
        daemon.finish()
        return time.process_time() - began


def baseline(inputs: Inputs, dbc: Path) -> Callable[[], float]:
    import can  # late: the rest of the bench does without
    import cantools

    database = cantools.database.load_file(dbc, strict=False)
    known = {message.frame_id for message in database.messages}

    def run() -> float:
        values: dict[int, Any] = {}
        began = time.process_time()
        for raw in inputs.raw:
            for arbitration_id, is_extended, data, bus, t_ns in raw:
                message = can.Message(
                    timestamp=t_ns / NS, arbitration_id=arbitration_id, is_extended_id=is_extended, data=data, channel=bus
                )
                if message.arbitration_id in known:
                    values[message.arbitration_id] = database.decode_message(message.arbitration_id, message.data)
        return time.process_time() - began

    return run


def building(inputs: Inputs) -> float:
    began = time.process_time()
    for raw in inputs.raw:
        [Frame(*each) for each in raw]
    return time.process_time() - began


def decoding(inputs: Inputs) -> float:
    route_of = Decoder(inputs.plan).routes.get
    spent = 0.0
    for raw in inputs.raw:
        frames = [Frame(*each) for each in raw]
        began = time.process_time()
        for frame in frames:
            route = route_of(frame.arbitration_id)
            if route is not None:
                route.decode(frame)
        spent += time.process_time() - began
    return spent


def unwanted(inputs: Inputs, folder: Path) -> float:
    with daemon_of(inputs.setup, inputs.plan, "bench", folder) as daemon:
        spent = 0.0
        for raw in inputs.unwanted:
            frames = [Frame(*each) for each in raw]
            began = time.process_time()
            daemon.frames(frames)
            spent += time.process_time() - began
        return spent


def after_decoding(inputs: Inputs, folder: Path) -> float:
    with daemon_of(inputs.setup, inputs.plan, "bench", folder) as daemon:
        began = time.process_time()
        for samples in inputs.samples:
            daemon.tick(samples[0][0], WALL)
            daemon.samples(samples)
        daemon.finish()
        return time.process_time() - began


# -- the figures -----------------------------------------------------------------------------------------


def figures_of(inputs: Inputs, found: Costs) -> list[Figure]:
    frames, samples, others = inputs.frames, _count(inputs.samples), _count(inputs.unwanted)
    ours_us, baseline_us, building_us = (s / frames * 1e6 for s in (found.ours, found.baseline, found.building))
    unwanted_us, sample_us = found.unwanted / others * 1e6, found.samples / samples * 1e6
    hour = 3600 / inputs.driven_s
    parts = (found.building, found.decoding, found.ours - found.building - found.decoding)
    shares = "building {:.0%}, decoding {:.0%}, the rest {:.0%}".format(*(part / found.ours for part in parts))
    return [
        ratio("rav4_cpu_ratio", (ours_us - building_us) / baseline_us, one_in(5), "frames in memory; aim 1/7"),
        ratio("rav4_cpu_ratio_with_frame_objects", ours_us / baseline_us, None, f"out of raw tuples; {shares}"),
        ratio("rav4_unwanted_frame_ratio", unwanted_us / baseline_us, one_in(50), "the Frame in hand, through the daemon"),
        ratio("rav4_sample_ratio", sample_us / baseline_us, one_in(5), "all metrics and commits, beyond decoding"),
        Figure("rav4_frame_us", ours_us, "us", None, f"each of {frames:,} frames, {others:,} of them unwanted"),
        Figure("rav4_baseline_frame_us", baseline_us, "us", None, "python-can and cantools"),
        Figure("rav4_frame_object_us", building_us, "us", None, "to make a Frame out of a tuple"),
        Figure("rav4_unwanted_frame_us", unwanted_us, "us"),
        Figure("rav4_sample_us", sample_us, "us", None, f"each of {samples:,} samples"),
        Figure("rav4_cpu_s_per_driven_hour", found.ours * hour, "s", None, f"{frames / inputs.driven_s:.0f} frames/s"),
        Figure("rav4_baseline_cpu_s_per_driven_hour", found.baseline * hour, "s"),
    ]


def ratio(name: str, value: float, target: Target | None, note: str) -> Figure:
    """A cost as a part of the baseline's, per frame and in all."""
    return Figure(name, value, "of_baseline", target, f"1/{1 / value:.1f}; {note}")


def one_in(n: int) -> Target:
    return Target(0.0, 1 / n, f"<=1/{n}")


def _count(chunks: Sequence[Sequence[object]]) -> int:
    return sum(map(len, chunks))


GROUP = Group("cost", ("rav4_cpu_ratio", "rav4_unwanted_frame_ratio", "rav4_sample_ratio"), measure)
