"""Cars as the desk hears them: numbered events, made by hand. And people who have them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from agent.localtime import DAY_NS, MINUTE_NS
from agent.model import NS
from agent.report.driving import Driving
from agent.report.report import CHECKS, CarTotals, Check, Gaps, Notices, Report
from hil.cloud.inbox.heard import Heard
from hil.cloud.inbox.people import Book, Person
from hil.cloud.receive import SCHEMA

BERLIN = ZoneInfo("Europe/Berlin")
HOUR_NS = 60 * MINUTE_NS
EVENING_NS = 1_795_456_800 * NS  # 2026-11-23 19:00 in Berlin, a Monday
CLOSING = "This message is automatic and comes from your car; no person wrote it. You can stop messages of this kind below."
PLACE = "Bench Garage, Hauptstraße 1"
SLOTS = [
    {"id": "s1", "start": "2026-11-26T08:00:00+01:00", "end": "2026-11-26T09:00:00+01:00", "place": PLACE},
    {"id": "s2", "start": "2026-11-27T10:30:00+01:00", "end": "2026-11-27T11:30:00+01:00", "place": PLACE},
    {"id": "s3", "start": "2026-12-01T16:00:00+01:00", "end": "2026-12-01T17:00:00+01:00", "place": PLACE},
]
CARS = {"rav4": "Toyota RAV4", "golf": "VW Golf", "zoe": "Renault Zoe"}
ANA = Person(id="ana", mail="ana@example.org", timezone="Europe/Berlin", cars=CARS)
BEN = Person(id="ben", mail="ben@example.org", timezone="Europe/Berlin", cars={"rav4": "Toyota RAV4"})


def book() -> Book:
    return Book((ANA, BEN))


class Car:
    """A unit: each event has the next number. `at_ns`: what its clock shows."""

    def __init__(self, unit: str = "rav4", epoch: str = "e1") -> None:
        self.unit, self.epoch, self.seq = unit, epoch, 0

    def says(self, kind: str, data: dict[str, Any], *, version: int = 1, at_ns: int = EVENING_NS) -> Heard:
        self.seq += 1
        id = f"{self.unit}-{self.epoch}-{self.seq}"
        return Heard(self.unit, id, kind, version, self.epoch, self.seq, at_ns, self.seq, "boot", data)

    def releases(
        self,
        *parts: dict[str, Any],
        person: str = "ana",
        urgency: str = "usual",
        channel: str = "mail",
        language: str = "en",
        from_ns: int | None = EVENING_NS,
        to_ns: int | None = EVENING_NS + 2 * HOUR_NS,
        at_ns: int = EVENING_NS - HOUR_NS,
    ) -> Heard:
        data: dict[str, Any] = {
            "person": person, "driver": person, "channel": channel, "language": language, "urgency": urgency,
            "parts": list(parts), "closing": CLOSING, "released_ns": 1,
        }  # fmt: skip
        window = {"not_before_utc_ns": from_ns, "not_after_utc_ns": to_ns}
        return self.says("PromptReleased", data | {k: v for k, v in window.items() if v is not None}, version=2, at_ns=at_ns)

    def withdraws(self, prompt_id: str, why: str, revision: int = 0) -> Heard:
        return self.says("PromptWithdrawn", {"prompt_id": prompt_id, "revision": revision, "why": why})

    def starts(self, trip: str = "t1", at_ns: int | None = EVENING_NS) -> Heard:
        data: dict[str, Any] = {"trip_id": trip} | ({"start_utc_ns": at_ns} if at_ns is not None else {})
        return self.says("TripStarted", data)

    def parks(self, trip: str = "t1", at_ns: int = EVENING_NS + HOUR_NS) -> Heard:
        return self.says("TripEnded", {"trip_id": trip, "end_utc_ns": at_ns})

    def hears(self, prompt_id: str, answer: str, **more: Any) -> Heard:
        """The answer comes back as an event."""
        return self.says("PromptAnswered", {"prompt_id": prompt_id, "answer": answer, **more})


def part(prompt_id: str = "p1", revision: int = 0, kind: str = "service", **more: Any) -> dict[str, Any]:
    words = {
        "title": "Oil change is due",
        "text": "The odometer stands at 20,001 km. The next oil change is due.",
    }
    fixed = {"prompt_id": prompt_id, "revision": revision, "topic": f"{kind} {prompt_id}", "kind": kind, "rests_on": ["e"]}
    return fixed | words | {"raised_ns": 1, "held_ns": 1} | more


def bookable(prompt_id: str = "p1", **more: Any) -> dict[str, Any]:
    return part(prompt_id, slots=SLOTS, bookable="oil change", **more)


class EventsFile:
    """A receiver's file that is written by hand."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.db = sqlite3.connect(file)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.executescript(SCHEMA)

    def add(self, *events: Heard) -> None:
        for e in events:
            body = {
                "id": e.id, "type": f"keyoff.{e.kind}.v{e.version}", "epoch": e.epoch, "seq": e.seq, "bootid": e.boot_id,
                "tns": str(e.t_ns), "data": e.data,
            }  # fmt: skip
            row = (e.unit, e.id, body["type"], e.epoch, e.seq, json.dumps(body).encode(), "jws")
            self.db.execute("INSERT INTO events (unit, id, type, epoch, seq, body, jws) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        self.db.commit()


def day(n: float) -> int:
    """So many days after EVENING_NS."""
    return EVENING_NS + round(n * DAY_NS)


def report(driver: str = "ana") -> dict[str, Any]:
    """What a ReportReady carries, of a month with one trip."""
    made = Report(
        month="2026-10",
        driver=driver,
        made_day="2026-11-01",
        timezone="Europe/Berlin",
        language="en",
        counts="km",
        economy="l/100km",
        limit_kmh=130.0,
        vehicle="Toyota RAV4",
        now=Driving(trips=31, distance_m=842_000.0, duration_s=52_000.0, moving_s=46_000.0, fuel_l=47.9, fuel_l_100km=5.7),
        before=Driving(trips=28, distance_m=790_000.0, fuel_l=46.6, fuel_l_100km=5.9),
        car=CarTotals(distance_m=1_204_000.0, fuel_l=70.1),
        checks=[Check(what, is_checked=False) for what in CHECKS],
        notices=Notices(),
        gaps=Gaps(),
        days_m=[842_000.0 / 31] * 31,
    )
    built: dict[str, Any] = msgspec.to_builtins(made)
    return {"month": "2026-10", "driver": driver, "person": driver, "body": built}
