"""What a vehicle's profile says (`dbc/<vehicle>.toml`): typed and frozen. Pure: the shell hands in the text."""

from __future__ import annotations

from typing import Literal

from agent.config import Section


class BusProfile(Section, frozen=True):
    bitrate: int  # bit/s
    data_bitrate: int | None = None  # bit/s, CAN FD only
    dbc: tuple[str, ...] = ()  # DBC files of this bus alone; the vehicle's own `dbc` holds on whichever bus a message comes


class SignalMap(Section, frozen=True):
    """Where a VSS signal comes from, for a DBC that is not ours (ours carry VssPath themselves).

    What it leaves out holds as a DBC of ours says it; where both name a source, this one is taken. A DBC is ours
    when it defines the attribute VssPath: its [min|max] are then kept to, and what lies outside is unknown. Those of
    other DBCs are often wrong, so they only tell that all bits set means "not available" where max excludes it.
    """

    source: str | None = None  # "MESSAGE.SIGNAL"
    mean: tuple[str, ...] = ()  # several signals of one message, averaged; unknown when one of them is
    scale: float = 1.0  # the DBC's unit × scale + offset = the VSS unit
    offset: float = 0.0
    values: dict[str, str | bool | int | float] = {}  # the DBC's choice or raw number → the VSS value; all others: unknown
    trust_range: bool = False  # the [min|max] of this DBC, not ours, has been checked: what lies outside is unknown
    why: str = ""  # why this source and not another


class MessageProfile(Section, frozen=True):
    """What a DBC does not say about a message. Checksum and counter are always named here, also for a DBC of ours."""

    period_ms: float | None = None  # its own period; stale after ten of them; before the DBC's GenMsgCycleTime
    checksum: str | None = None  # "SIGNAL:algorithm", one of agent.checksums; the signal is one whole byte
    counter: str | None = None  # the signal that counts up by one


class Ignition(Section, frozen=True):
    source: Literal["signal", "activity"] = "activity"
    on: tuple[str, ...] = ("ON", "START")  # values of Vehicle.LowVoltageSystemState


class TripProfile(Section, frozen=True):
    gap_s: float = 110.0
    """The silence that ends a trip. Default: above the 76 s seen missing inside a drive, below the 149 s
    seen as the shortest stop between two (28 recorded drives of one car)."""
    why: str = ""


class Harsh(Section, frozen=True):
    """From when on braking or accelerating counts as harsh."""

    brake_ms2: float = 3.1  # insurers' 3.13: field practice, no standard exists
    accel_ms2: float = 3.1
    hold_s: float = 0.5  # shorter peaks are potholes and noise
    above_kmh: float = 10.0  # parking manoeuvres do not count
    hysteresis: float = 0.17  # over when below 83 % of the threshold


class Fuel(Section, frozen=True):
    type: Literal["petrol", "diesel", "electric", "unknown"] = "unknown"
    density_g_l: float | None = None  # None: what the type usually has (agent/metrics/fuel_l.py)
    tank_l: float | None = None


class OdometerProfile(Section, frozen=True):
    resolution_m: float = 1000.0  # what one count is worth


class ObdProfile(Section, frozen=True):
    """Service-01 answers that another tester asks for; the unit itself sends nothing."""

    listen: bool = True
    bus: str | None = None  # None: every bus


class Vehicle(Section, frozen=True):
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
