"""Random histories of an odometer about a round reading: it is told exactly once, or not at all where nobody drove over it.

Power is cut and the process restarted, with what was not committed lost; samples come twice; single readings jump over the mark;
the odometer is not heard for a while; another cluster goes on from elsewhere, below the mark or beyond it.
"""

from __future__ import annotations

import os
import random
from multiprocessing import get_context

from agent.config import Owner
from agent.engine import Engine
from agent.events.clock import Clock
from agent.events.habits import HabitsRule
from agent.events.milestone import Milestone, MilestoneReached
from agent.events.odometer import Odometer
from agent.events.trip import Trip
from agent.model import NS, Event, Sample, Setup, Wall
from agent.signals import IGNITION, ODOMETER, SPEED
from agent.vehicle import Ignition, OdometerProfile, Vehicle
from hil.bench.figures import Figure, Group, Place, exactly, progress

HISTORIES, PIECE = 10_000, 250
RULES = (Clock, HabitsRule, Milestone, Odometer, Trip)
MARK_M = 100_000_000.0
SPEED_MS = 30.0
STEP_S = 2  # between two samples
COMMIT_NS = 10 * NS
REBASED_S = 200  # of steady readings, after which another cluster's are believed: twice what the rule wants
WALL = Wall(1_793_000_000 * NS, "synchronised")


class History:
    """One car's. `shown_m`: what its odometer shows; `told`: the marks that were committed, by event id."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        resolution_m = self.rng.choice((100.0, 1000.0))
        vehicle = Vehicle("a car", ignition=Ignition("signal"), odometer=OdometerProfile(resolution_m))
        self.setup, self.resolution_m = Setup("unit-1", vehicle, Owner()), resolution_m
        self.true_m = MARK_M - self.rng.uniform(3_000, 9_000)
        self.t_s, self.boot_s, self.boot_n = 10, 0, 0
        self.told: list[str] = []
        self.is_due = False  # it was driven over the mark
        self.may_be = False  # nobody can tell whether it was
        self.pending: list[Event] = []
        self.engine = Engine(self.setup, "boot-0", {}, RULES)
        self.saved = self.engine.states()
        self.committed_s = 0

    def live(self) -> list[str]:
        """What did not hold."""
        self.drive(60)
        for _ in range(self.rng.randint(4, 9)):
            self.rng.choice((self.drive, self.drive, self.again, self.glitch, self.restart, self.cut, self.unheard, self.swap))()
        self.drive(max(0, int((MARK_M - self.true_m) / SPEED_MS) + 60))
        self.commit()
        least, most = int(self.is_due), int(self.is_due or self.may_be)
        wrong = [] if least <= len(self.told) <= most else [f"told {len(self.told)} times, not {most}"]
        return wrong + [f"rule failed: {name}" for name in self.engine.failures]

    def shown_m(self) -> float:
        return self.true_m // self.resolution_m * self.resolution_m

    def feed(self, samples: list[Sample]) -> None:
        self.pending += self.engine.wake(
            (self.t_s - self.boot_s) * NS, WALL._replace(offset_ns=WALL.offset_ns + self.boot_s * NS)
        )
        self.pending += self.engine.feed(samples)
        if any(e.urgent for e in self.pending) or self.t_s - self.committed_s >= COMMIT_NS // NS:
            self.commit()

    def commit(self) -> None:
        self.told += [e.id for e in self.pending if isinstance(e, MilestoneReached)]
        self.pending, self.saved, self.committed_s = [], self.engine.states(), self.t_s

    def step(self, *, reading_m: float | None = None, is_heard: bool = True) -> None:
        before_m, self.true_m = self.true_m, self.true_m + SPEED_MS * STEP_S
        self.is_due |= before_m < MARK_M <= self.true_m
        self.t_s += STEP_S
        if is_heard:
            t_ns = (self.t_s - self.boot_s) * NS
            shown_m = self.shown_m() if reading_m is None else reading_m
            self.feed([(t_ns, IGNITION, "ON"), (t_ns, SPEED, SPEED_MS * 3.6), (t_ns, ODOMETER, shown_m)])

    def drive(self, seconds: int | None = None) -> None:
        for _ in range((self.rng.randint(20, 120) if seconds is None else seconds) // STEP_S + 1):
            self.step()

    def again(self) -> None:
        """A bus that plays what it played before: late, or at the wrong time."""
        t_ns, back_s = (self.t_s - self.boot_s) * NS, self.rng.randint(2, 60)
        readings = [(n, self.true_m - SPEED_MS * (back_s - n)) for n in range(back_s)]
        self.feed([(t_ns - (back_s - n) * NS, ODOMETER, m // self.resolution_m * self.resolution_m) for n, m in readings])

    def glitch(self) -> None:
        for _ in range(self.rng.randint(1, 2)):
            self.step(reading_m=self.rng.choice((MARK_M + self.rng.uniform(0, 50_000), 0.0, MARK_M - 1_000.0, 4.2e9, MARK_M)))
            self.drive(self.rng.randint(4, 20))

    def restart(self, *, is_cut: bool = False) -> None:
        if not is_cut:
            self.commit()
        self.pending = []
        self.t_s += self.rng.choice((1, 30, 3000))
        if is_cut:
            self.boot_n, self.boot_s = self.boot_n + 1, self.t_s - 5
        self.engine = Engine(self.setup, f"boot-{self.boot_n}", {}, RULES)
        self.engine.restore(self.saved)

    def cut(self) -> None:
        self.restart(is_cut=True)

    def unheard(self) -> None:
        """Driven while the unit is off, or its bus unplugged."""
        for _ in range(self.rng.randint(5, 60)):
            self.step(is_heard=False)
        self.restart(is_cut=self.rng.random() < 0.5)
        self.drive(REBASED_S)

    def swap(self) -> None:
        """Another cluster; its readings are believed before it comes to the mark.

        One that shows more, seen first after a pause of unknown length, may be the same that was driven on: then it passed the
        mark unseen.
        """
        by_m = self.rng.choice((-60_000, -30_000, -20_000, 15_000, 400_000)) + self.rng.uniform(-2_000, 2_000)
        before_m, self.true_m = self.true_m, MARK_M + by_m
        self.may_be |= before_m < MARK_M <= self.true_m
        self.drive(REBASED_S)


def faults(seeds: range) -> list[tuple[int, str]]:
    return [(seed, fault) for seed in seeds for fault in History(seed).live()]


def measure(place: Place, histories: int = HISTORIES) -> list[Figure]:
    pieces = [range(first, min(first + PIECE, histories)) for first in range(0, histories, PIECE)]
    with get_context("spawn").Pool(os.cpu_count()) as pool:
        found = [fault for each in progress("Histories", list(pool.imap_unordered(faults, pieces))) for fault in each]
    note = f"of {histories:,} random histories; exactly once, or never where nobody drove over it"
    return [Figure("milestone_not_exactly_once", len(found), "histories", exactly(0), f"{note}{found[:1] or ''}")]


GROUP = Group("histories", ("milestone_not_exactly_once",), measure)
