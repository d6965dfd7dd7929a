"""A simulated car: drives published cycles, tells its bus and, for comparison, the truth.

    from hil.vehicle import Drive, car, frames, trace_of
    drive = Drive(car("sim_petrol"), trace_of(["wltc_3b"], "trace", seed=0))
    for frame in frames(drive): ...          # agent.model.Frame
    for sample in drive.samples(): ...       # agent.model.Sample, without frames
    drive.truth.distance_m, drive.truth.fuel_l

`python -m hil.vehicle --help` does the same on a bus, into a log, or into a CSV. Everything is decided by the seed.
"""

from hil.vehicle.broadcast import frames
from hil.vehicle.car import VEHICLES, Car, car
from hil.vehicle.drive import Drive
from hil.vehicle.schedule import HOUSEHOLD, Household, Person, PlannedDrive, cycles, play, trace_of, week
from hil.vehicle.style import STYLES
from hil.vehicle.trace import Trace
from hil.vehicle.truth import Truth

__all__ = [
    "HOUSEHOLD",
    "STYLES",
    "VEHICLES",
    "Car",
    "Drive",
    "Household",
    "Person",
    "PlannedDrive",
    "Trace",
    "Truth",
    "car",
    "cycles",
    "frames",
    "play",
    "trace_of",
    "week",
]
