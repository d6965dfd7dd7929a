"""What a vehicle's profile says (`dbc/<vehicle>.toml`): typed and frozen. Pure: the shell hands in the text."""

from __future__ import annotations

from typing import Literal

from agent.config import Section


class BusProfile(Section):
    bitrate: int  # bit/s
    data_bitrate: int | None = None  # bit/s, CAN FD only


class SignalMap(Section):
    """Where a VSS signal comes from, for a DBC that is not ours (ours carry VssPath themselves)."""

    source: str | None = None  # "MESSAGE.SIGNAL"
    mean: tuple[str, ...] = ()  # several signals of one message, averaged
    scale: float = 1.0  # the DBC's unit × scale + offset = the VSS unit
    offset: float = 0.0
    values: dict[str, str | bool | int | float] = {}  # the DBC's choice or raw number → the VSS value
    why: str = ""  # why this source and not another


class MessageProfile(Section):
    """What a DBC does not say about a message."""

    period_ms: float | None = None  # its own period; stale after ten of them
    checksum: str | None = None  # "SIGNAL:algorithm"
    counter: str | None = None  # the signal that counts up


class Ignition(Section):
    source: Literal["signal", "activity"] = "activity"
    on: tuple[str, ...] = ("ON", "START")  # values of Vehicle.LowVoltageSystemState


class TripProfile(Section):
    gap_s: float = 110.0
    """The silence that ends a trip. Default: above the 76 s seen missing inside a drive, below the 149 s
    seen as the shortest stop between two (28 recorded drives of one car)."""
    why: str = ""


class Harsh(Section):
    """From when on braking or accelerating counts as harsh."""

    brake_ms2: float = 3.1  # insurers' 3.13: field practice, no standard exists
    accel_ms2: float = 3.1
    hold_s: float = 0.5  # shorter peaks are potholes and noise
    above_kmh: float = 10.0  # parking manoeuvres do not count
    hysteresis: float = 0.17  # over when below 83 % of the threshold


class Fuel(Section):
    type: Literal["petrol", "diesel", "electric", "unknown"] = "unknown"
    density_g_l: float = 745.0  # petrol E5/E10 at 15 °C lies at 720–775 (EN 228)
    tank_l: float | None = None


class OdometerProfile(Section):
    resolution_m: float = 1000.0  # what one count is worth


class ObdProfile(Section):
    """Service-01 answers that another tester asks for; the unit itself sends nothing."""

    listen: bool = True
    bus: str | None = None  # None: every bus


class Vehicle(Section):
    name: str
    dbc: tuple[str, ...] = ()  # file names beside the profile
    bus: dict[str, BusProfile] = {}
    signals: dict[str, SignalMap] = {}  # by VSS path
    messages: dict[str, MessageProfile] = {}  # by the DBC's message name
    ignition: Ignition = Ignition()
    trip: TripProfile = TripProfile()
    harsh: Harsh = Harsh()
    fuel: Fuel = Fuel()
    odometer: OdometerProfile = OdometerProfile()
    obd: ObdProfile | None = None
