"""What a person enters, in the tests' words."""

from __future__ import annotations

from agent.daemon import Daemon
from agent.io.requests import new_ref


def set_odometer(daemon: Daemon, reading_m: float) -> None:
    daemon.enter("OdometerRead", {"reading_m": reading_m}, new_ref())


def name_driver(daemon: Daemon, driver: str) -> None:
    """The household says who drove the last trip: somebody with a profile."""
    if driver != "unknown":
        daemon.enter("DriverSaved", {"driver": {"id": driver}}, driver)
    trip_id = daemon.store.trips()[-1]["id"]
    daemon.enter("TripAttributed", {"trip_id": trip_id, "driver": driver}, f"{trip_id} {driver}")
