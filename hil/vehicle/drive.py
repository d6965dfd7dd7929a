"""A drive: a car taken from its parking place over a trace to the next one, simulated second by second.

    unlock, door open, belt off … ACC … ON … START … engine runs, P … D … [the trace] … P … OFF, door … bus asleep

The speed of each second IS the trace: the cars have the power for every published cycle, so nothing is clipped.
Between two points of the trace speed is linear and distance exact; power, fuel and heat are means over the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from agent.model import NS, Sample, Value
from agent.signals import FUEL_LEVEL, IGNITION, KEY_FOB, ODOMETER, SEAT_MEMORY, SPEED, STATE_OF_CHARGE
from hil.vehicle import second as names
from hil.vehicle.car import Car
from hil.vehicle.electric import KWH_J
from hil.vehicle.pattern import pattern
from hil.vehicle.road import demand
from hil.vehicle.second import DRIVE, PARK, WHEELS, Cabin, Second
from hil.vehicle.trace import KMH, Trace
from hil.vehicle.truth import Tally, Truth, harsh

GETTING_IN = (
    Cabin("OFF", ready=False, selected_gear=PARK, belted=False, door_open=True),
    Cabin("OFF", ready=False, selected_gear=PARK, belted=False, door_open=True),
    Cabin("OFF", ready=False, selected_gear=PARK, belted=False, door_open=False),
    Cabin("ACC", ready=False, selected_gear=PARK, belted=False, door_open=False),
    Cabin("ON", ready=False, selected_gear=PARK, belted=False, door_open=False),
    Cabin("ON", ready=False, selected_gear=PARK, belted=True, door_open=False),
    Cabin("START", ready=False, selected_gear=PARK, belted=True, door_open=False),
    Cabin("ON", ready=True, selected_gear=PARK, belted=True, door_open=False),
    Cabin("ON", ready=True, selected_gear=PARK, belted=True, door_open=False),
    Cabin("ON", ready=True, selected_gear=DRIVE, belted=True, door_open=False),
)
UNDER_WAY = Cabin("ON", ready=True, selected_gear=DRIVE, belted=True, door_open=False)
GETTING_OUT = (
    Cabin("ON", ready=True, selected_gear=DRIVE, belted=True, door_open=False),
    Cabin("ON", ready=True, selected_gear=PARK, belted=True, door_open=False),
    Cabin("OFF", ready=False, selected_gear=PARK, belted=True, door_open=False),
    Cabin("OFF", ready=False, selected_gear=PARK, belted=False, door_open=True),
    Cabin("OFF", ready=False, selected_gear=PARK, belted=False, door_open=True),
    Cabin("OFF", ready=False, selected_gear=PARK, belted=False, door_open=False),
    Cabin("OFF", ready=False, selected_gear=PARK, belted=False, door_open=False),
)
IGNITION_ON_S = next(i for i, cabin in enumerate(GETTING_IN) if cabin.ignition == "ON")
IGNITION_OFF_S = next(i for i, cabin in enumerate(GETTING_OUT) if cabin.ignition == "OFF")  # after the trace

LEVELS = (FUEL_LEVEL, STATE_OF_CHARGE)
LEVELS_KNOWN_S = 4  # a cluster that has just woken does not know its levels: not before ON
BRAKE_FROM_W = 300.0  # less than this is lifting off
LIT_BELOW_MS2 = -1.3  # UN R13-H: from here on the brake light is on, though only the motor brakes
BRAKE_FULL_W = 120_000.0  # pedal all the way down
BRAKE_HELD_PERCENT = 15.0  # at a stand, in gear


class Drive:
    """One drive of a car, simulated when it is made; the car is left where and as the drive ends."""

    def __init__(self, car: Car, trace: Trace) -> None:
        self.vehicle = car.vehicle
        self.trace = trace
        self.odometer_resolution_m = car.odometer_resolution_m
        self.diagnostics = car.diagnostics
        car.train.tally = Tally()
        self._road_j = self._brake_j = 0.0
        self._run_s = 0
        start = car.odometer_m, car.train.level_percent, car.train.coolant_c
        self.seconds = [self._second(car, i, *moment) for i, moment in enumerate(_timeline(trace))]
        self.truth = self._truth(car, *start)

    @property
    def duration_s(self) -> int:
        """From the bus waking to its falling asleep."""
        return len(self.seconds)

    def samples(self, t0_ns: int = 0, hz: Mapping[str, int] | None = None, default_hz: int = 1) -> Iterator[Sample]:
        """The drive as samples in order of time, without frames; t0_ns is when the bus wakes.

        hz: whole samples a second by VSS path, 0 leaves a signal out; `default_hz` is for all others.
        Values are exact, but for the odometer, which counts whole units as the car's does; None: not known yet.
        """
        rates = {path: (hz or {}).get(path, default_hz) for path in (*self.seconds[0].ramps, *self.seconds[0].held)}
        slots = [(at_ns, path, at_ns / NS) for at_ns, path in pattern({p: NS // n for p, n in rates.items() if n > 0})]
        for second in self.seconds:
            start_ns = t0_ns + second.offset_s * NS
            for at_ns, path, share in slots:
                yield start_ns + at_ns, path, self._value(second, path, share)

    def _value(self, second: Second, path: str, share: float) -> Value:
        if path not in second.ramps:
            return second.held[path]
        first, last = second.ramps[path]
        value = first + (last - first) * share
        return value // self.odometer_resolution_m * self.odometer_resolution_m if path == ODOMETER else value

    def _second(self, car: Car, index: int, cabin: Cabin, v0_kmh: float, v1_kmh: float) -> Second:
        v0_ms, v1_ms = v0_kmh / KMH, v1_kmh / KMH
        need = demand(car.train.body, v0_ms, v1_ms)
        held, ramps, brake_w = car.train.second(cabin, need, v0_ms, v1_ms)
        self._road_j += need.road_w
        self._brake_j += brake_w
        self._run_s += cabin.ready
        start_m = car.odometer_m
        car.odometer_m += (v0_ms + v1_ms) / 2
        ramps |= dict.fromkeys((SPEED, *WHEELS), (v0_kmh, v1_kmh))
        ramps[ODOMETER] = (start_m, car.odometer_m)
        held |= _cabin(cabin) | _brake(brake_w, v1_ms - v0_ms, v0_ms == v1_ms == 0 and cabin.selected_gear == DRIVE)
        if car.tells_keys:
            held |= {KEY_FOB: car.key_fob, SEAT_MEMORY: car.key_fob}
        held[names.ACCELERATION] = v1_ms - v0_ms
        held[names.AIR] = car.train.air_c
        held[names.RUN_TIME] = self._run_s
        if index < LEVELS_KNOWN_S:
            held |= dict.fromkeys([path for path in LEVELS if path in held])
        return Second(index, held, ramps)

    def _truth(self, car: Car, odometer_m: float, level_percent: float, coolant_c: float | None) -> Truth:
        speeds = self.trace.speeds_kmh
        moving_s = sum(a > 0 or b > 0 for a, b in pairwise(speeds))
        ignition_off_s = len(GETTING_IN) + self.trace.duration_s + IGNITION_OFF_S
        tally = car.train.tally
        return Truth(
            vehicle=self.vehicle,
            ignition_on_s=IGNITION_ON_S,
            moves_off_s=len(GETTING_IN),
            ignition_off_s=ignition_off_s,
            ends_s=self.duration_s,
            distance_m=self.trace.distance_m,
            odometer_start_m=odometer_m,
            odometer_end_m=car.odometer_m,
            moving_s=moving_s,
            standing_s=ignition_off_s - IGNITION_ON_S - moving_s,
            max_speed_kmh=max(speeds),
            harsh_brakes_s=harsh(self.seconds, -1),
            harsh_accels_s=harsh(self.seconds, 1),
            level_start_percent=level_percent,
            level_end_percent=car.train.level_percent,
            road_kwh=self._road_j / KWH_J,
            brake_kwh=self._brake_j / KWH_J,
            engine_s=tally.engine_s,
            idle_s=tally.idle_s,
            fuel_l=tally.fuel_l,
            coolant_start_c=coolant_c,
            drawn_kwh=tally.drawn_j / KWH_J,
            regenerated_kwh=tally.regenerated_j / KWH_J,
            losses_kwh=tally.lost_j / KWH_J,
            auxiliaries_kwh=tally.auxiliaries_j / KWH_J,
        )


def _timeline(trace: Trace) -> Iterator[tuple[Cabin, float, float]]:
    """What each second of a drive begins with: the cabin, and the speeds at its two ends, km/h."""
    yield from ((cabin, 0.0, 0.0) for cabin in GETTING_IN)
    yield from ((UNDER_WAY, v0, v1) for v0, v1 in pairwise(trace.speeds_kmh))
    yield from ((cabin, 0.0, 0.0) for cabin in GETTING_OUT)


def _cabin(cabin: Cabin) -> dict[str, Value]:
    return {
        IGNITION: cabin.ignition,
        names.SELECTED_GEAR: cabin.selected_gear,
        names.BELT: cabin.belted,
        names.DOOR: cabin.door_open,
    }


def _brake(brake_w: float, gain_ms2: float, holding: bool) -> dict[str, Value]:
    braking = holding or brake_w > BRAKE_FROM_W
    lit = braking or gain_ms2 < LIT_BELOW_MS2
    pressed = 8 + 92 * brake_w / BRAKE_FULL_W if brake_w > BRAKE_FROM_W else BRAKE_HELD_PERCENT  # 8 %: free travel
    return {names.BRAKE_LIGHT: "ACTIVE" if lit else "INACTIVE", names.BRAKE_PEDAL: min(100.0, pressed) if braking else 0.0}
