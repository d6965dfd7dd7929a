"""The two simulated cars: what stays in them from drive to drive."""

from __future__ import annotations

from typing import TypeAlias

from hil.vehicle.diagnostics import Diagnostics
from hil.vehicle.electric import Electric
from hil.vehicle.petrol import Petrol

Train: TypeAlias = Petrol | Electric

VEHICLES = ("sim_petrol", "sim_ev")
VINS = {"sim_petrol": "0KYPETRL2TA000001", "sim_ev": "0KYELECT2TA000002"}  # no region begins with 0; the check digits are right
CALIBRATIONS = {"sim_petrol": ("SIM-ENGINE-0100", "SIM-GEARS-0042"), "sim_ev": ("SIM-MOTOR-0007",)}
TELLS_KEYS = ("sim_petrol",)  # the other's bus says nothing of who is in it
ODOMETER_M = {"sim_petrol": 100.0, "sim_ev": 1000.0}  # one count: as PID 0xA6 has it; as most clusters have it
FIRST_READING_M = 48_210_300.0  # any reading will do; not round, so that no milestone is near unless asked for


class Car:
    """A car between its drives. `train` and `odometer_m` change with each drive, `diagnostics` and `key_fob` in between."""

    def __init__(self, vehicle: str, train: Train, odometer_m: float) -> None:
        self.vehicle = vehicle
        self.train = train
        self.odometer_m = odometer_m
        self.odometer_resolution_m = ODOMETER_M[vehicle]
        self.diagnostics = Diagnostics(VINS[vehicle], CALIBRATIONS[vehicle])
        self.key_fob = "1"  # the key in use, which the driver's seat follows
        self.tells_keys = vehicle in TELLS_KEYS


def car(vehicle: str, *, odometer_m: float = FIRST_READING_M, air_c: float = 15.0, stop_start: bool = False) -> Car:
    """A simulated car by its profile's name, cold, about three quarters full. Raises KeyError for an unknown name.

    stop_start: the petrol engine stops at a stand once it is warm (no meaning for the electric car).
    """
    if vehicle not in VEHICLES:
        raise KeyError(f"no simulated vehicle {vehicle!r}: one of {', '.join(VEHICLES)}")
    train = Petrol(air_c=air_c, stop_start=stop_start) if vehicle == "sim_petrol" else Electric(air_c=air_c)
    return Car(vehicle, train, odometer_m)
