"""The two simulated cars: what stays in them from drive to drive."""

from __future__ import annotations

from typing import TypeAlias

from hil.vehicle.electric import Electric
from hil.vehicle.petrol import Petrol

Train: TypeAlias = Petrol | Electric

VEHICLES = ("sim_petrol", "sim_ev")
ODOMETER_M = {"sim_petrol": 100.0, "sim_ev": 1000.0}  # one count: as PID 0xA6 has it; as most clusters have it
FIRST_READING_M = 48_210_300.0  # any reading will do; not round, so that no milestone is near unless asked for


class Car:
    """A car between its drives. `train` and `odometer_m` change with each drive."""

    def __init__(self, vehicle: str, train: Train, odometer_m: float) -> None:
        self.vehicle = vehicle
        self.train = train
        self.odometer_m = odometer_m
        self.odometer_resolution_m = ODOMETER_M[vehicle]


def car(vehicle: str, *, odometer_m: float = FIRST_READING_M, air_c: float = 15.0, stop_start: bool = False) -> Car:
    """A simulated car by its profile's name, cold, about three quarters full. Raises KeyError for an unknown name.

    stop_start: the petrol engine stops at a stand once it is warm (no meaning for the electric car).
    """
    if vehicle not in VEHICLES:
        raise KeyError(f"no simulated vehicle {vehicle!r}: one of {', '.join(VEHICLES)}")
    train = Petrol(air_c=air_c, stop_start=stop_start) if vehicle == "sim_petrol" else Electric(air_c=air_c)
    return Car(vehicle, train, odometer_m)
