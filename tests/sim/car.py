"""A small simulated car for tests of the engine: samples as literals, each test stating only what differs from the default drive.

The default drive: ignition on, up to 54 km/h within 10 s, steady, down to a stop in the last 10 s, ignition off a second
later; one sample of each signal a second. Its length in metres is (length_s - 10) × 15.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from agent.config import Owner, Service
from agent.engine import Engine
from agent.events.trip import TripEnded, TripStarted
from agent.model import NS, Event, Sample, Setup, Value, Wall
from agent.signals import ENGINE_SPEED, IGNITION, ODOMETER, SPEED
from agent.vehicle import Ignition, OdometerProfile, Vehicle

E = TypeVar("E", bound=Event)

UTC_S = 1_793_000_000  # 2026-10-26 07:33:20 UTC, a Monday
WALL = Wall(UTC_S * NS, "synchronised")
BY_SIGNAL = Vehicle("a car that tells its ignition", ignition=Ignition("signal"), odometer=OdometerProfile(100.0))
BY_ACTIVITY = Vehicle("any car", odometer=OdometerProfile(100.0))
OWNER = Owner(timezone="Europe/Berlin")


def at(t_s: float) -> int:
    """Seconds → t_ns."""
    return round(t_s * NS)


def wall(utc_s: float, *, at_s: float = 0.0, quality: str = "synchronised") -> Wall:
    """The wall clock that says `utc_s` when the boot clock says `at_s`."""
    return Wall(at(utc_s) - at(at_s), quality)  # type: ignore[arg-type]


def every_second(start_s: float, values: Iterable[Value], signal: str = SPEED) -> list[Sample]:
    """One signal's values, a second apart."""
    return [(at(start_s + n), signal, value) for n, value in enumerate(values)]


def trapezoid(length_s: int, kmh: float = 54.0) -> list[float]:
    """Speeds of the default drive, one a second."""
    return [kmh * max(0.0, min(1.0, s / 10, (length_s - s) / 10)) for s in range(length_s + 1)]


def drive(
    start_s: float = 10.0,
    length_s: int = 300,
    *,
    kmh: float = 54.0,
    odometer_m: float | None = None,
    count_m: float = 100.0,
    rpm: Value = None,
    key: bool = True,
) -> list[Sample]:
    """The default drive; `key`: with an ignition signal; `rpm`, `odometer_m`: with an engine, an odometer counting `count_m`."""
    speeds = trapezoid(length_s, kmh)
    on_off: list[Sample] = [(at(start_s), IGNITION, "ON"), (at(start_s + length_s + 1), IGNITION, "OFF")]
    samples = on_off if key else []
    samples += every_second(start_s, speeds)
    if rpm is not None:
        samples += every_second(start_s, [rpm] * len(speeds), ENGINE_SPEED)
    if odometer_m is not None:
        samples += every_second(start_s, readings(odometer_m, speeds, count_m), ODOMETER)
    return sorted(samples, key=lambda s: s[0])


def readings(start_m: float, speeds: Sequence[float], count_m: float = 100.0) -> list[float]:
    """What an odometer shows that counts `count_m`, at speeds a second apart."""
    true_m, shown = start_m, []
    for before, now in zip([speeds[0], *speeds], speeds, strict=False):
        true_m += (before + now) / 2 / 3.6
        shown.append((true_m + 1e-6) // count_m * count_m)
    return shown


def without(samples: Iterable[Sample], from_s: float, to_s: float, signal: str | None = None) -> list[Sample]:
    """The samples without those (of one signal) in [from, to)."""
    return [s for s in samples if not (at(from_s) <= s[0] < at(to_s) and signal in (None, s[1]))]


class Bench:
    """An engine, what it raised so far, and the unit's clocks. `wall` is handed on with each wake."""

    def __init__(
        self,
        vehicle: Vehicle = BY_SIGNAL,
        *,
        owner: Owner = OWNER,
        services: tuple[Service, ...] = (),
        wall: Wall | None = WALL,
        boot_id: str = "boot-1",
    ) -> None:
        self.setup = Setup("unit-1", vehicle, owner, services)
        self.engine = Engine(self.setup, boot_id, {})
        self.events: list[Event] = []
        self.wall = wall
        self.may_fail = False  # no rule of ours throws

    def live(self, samples: Iterable[Sample]) -> Bench:
        """Time goes by with the samples: a wake each second, as the daemon does it."""
        for second, group in seconds(samples):
            self.events += self.engine.wake(second * NS, self.wall)
            self.events += self.engine.feed(group)
        assert self.may_fail or not self.engine.failures
        return self

    def until(self, t_s: float) -> Bench:
        """Nothing is heard until then."""
        self.events += self.engine.wake(at(t_s), self.wall)
        assert self.may_fail or not self.engine.failures
        return self

    def resume(self, t_s: float) -> Bench:
        """The unit was suspended until then."""
        self.events += self.engine.resumed(at(t_s))
        return self

    def restart(self, boot_id: str | None = None, *, wall: Wall | None = WALL) -> Bench:
        """The process ends, or the unit (then in another boot, with another offset of the wall clock), and comes back."""
        states = self.engine.states()
        self.engine = Engine(self.setup, boot_id or self.engine.boot_id, {})
        self.engine.restore(states)
        self.wall = wall
        return self

    def finish(self) -> Bench:
        self.events += self.engine.finish()
        return self

    def of(self, kind: type[E]) -> list[E]:
        return [e for e in self.events if isinstance(e, kind)]

    def kinds(self) -> list[str]:
        """The names of the events that leave the unit, in order."""
        return [type(e).__name__ for e in self.events if e.leaves]

    @property
    def trip(self) -> TripEnded:
        """The one trip there was."""
        (trip,) = self.of(TripEnded)
        (started,) = self.of(TripStarted)
        assert started.trip_id == trip.trip_id
        return trip


def seconds(samples: Iterable[Sample]) -> Iterator[tuple[int, list[Sample]]]:
    """Samples by the second they lie in."""
    groups: dict[int, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample[0] // NS, []).append(sample)
    yield from sorted(groups.items())
