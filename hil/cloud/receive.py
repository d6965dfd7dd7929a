"""What a back end has to do with what units send, in one file: the reference for whoever writes another.

A message comes at least once, perhaps late, in any order, and from anybody. So, for each:

1. believe it only if the unit signed these exact bytes: the signature names a certificate, the unit's retained birth
   carries that certificate with its chain, and the chain ends at our CA (verify.py: any X.509 and JOSE library does it);
2. drop what is here already, by the event's `id`;
3. keep it, `commit`, and only then acknowledge it to the broker (subscriber.py): who is killed in between gets it again.

And when somebody asks what is missing: `seq` counts an `epoch` (one database file of the unit) from 1 without holes. A
number that is neither here nor given up in a signed `SequenceVoided` is not here yet, or lost. (A fact may come under a
second number, from a database that was restored: the number has arrived, its content is not taken.) That the unit's newest
event is missing shows with the next one.

What rests on a consent that was taken back is emptied (consent.py), here and as it comes.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from hil.cloud import consent
from hil.cloud.verify import BadSignature, UnknownSigner, Verifier, take_apart

SCHEMA = """
CREATE TABLE IF NOT EXISTS births (unit TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS certificates (unit TEXT, x5t TEXT, der BLOB NOT NULL, PRIMARY KEY (unit, x5t));
CREATE TABLE IF NOT EXISTS events (n INTEGER PRIMARY KEY, unit TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL,
  epoch TEXT NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL, jws TEXT NOT NULL, UNIQUE (unit, id));
CREATE TABLE IF NOT EXISTS repeats (unit TEXT, epoch TEXT, seq INTEGER, PRIMARY KEY (unit, epoch, seq));
CREATE TABLE IF NOT EXISTS held (n INTEGER PRIMARY KEY, unit TEXT NOT NULL, topic TEXT NOT NULL, payload BLOB, jws TEXT);
CREATE TABLE IF NOT EXISTS refused (n INTEGER PRIMARY KEY, topic TEXT NOT NULL, why TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tally (unit TEXT, what TEXT, n INTEGER NOT NULL, PRIMARY KEY (unit, what));
"""
REFUSED_KEPT = 1_000  # the newest reasons: whoever sends rubbish must not fill the disk
VOIDED = "keyoff.SequenceVoided."

Range: TypeAlias = tuple[int, int]  # first and last, both included


class Epoch(NamedTuple):
    """How complete an epoch of a unit is, up to the highest number known."""

    name: str
    here: list[Range]
    voided: list[Range]
    missing: list[Range]
    reused: int  # numbers that came with a second event: the unit's disk went back in time, or it has a twin


class Receiver:
    """Takes messages, keeps what is true, once. Nothing is kept before `commit`. One thread at a time."""

    def __init__(self, ca: Path, file: str | Path = ":memory:") -> None:
        self.db = sqlite3.connect(file, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.execute("PRAGMA secure_delete = ON")  # what is emptied is overwritten
        self.db.executescript(SCHEMA + consent.SCHEMA)
        self._emptied: dict[tuple[str, str], dict[str, Any]] = {}
        self._verifier = Verifier(ca, self.db.execute("SELECT unit, der FROM certificates"))

    def take(self, topic: str, payload: bytes, jws: str | None) -> list[dict[str, Any]]:
        """A message on `keyoff/<unit>/birth` or `…/event/<Kind>` as it came; `jws`: its user property (MQTT 5), or None.

        The events that are new by it: none, one, or all that waited for this birth. What is wrong with a message is
        counted and noted, never raised.
        """
        _, unit, what, *_ = topic.split("/")
        if what == "event":
            self._count(unit, "received")
        return self._believe(unit, topic, payload, jws)

    def commit(self) -> dict[tuple[str, str], dict[str, Any]]:
        """(source, id) → what is left of each event that was emptied since, for who holds the event itself."""
        self.db.commit()
        emptied, self._emptied = self._emptied, {}
        if emptied:
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # nor does it stay in the log
        return emptied

    def rollback(self) -> None:
        """What was taken since the last commit was not."""
        self.db.rollback()
        self._emptied.clear()

    def refuse(self, unit: str, topic: str, why: str) -> None:
        """Note a message that is not believed."""
        self._count(unit, "bad")
        self.db.execute("INSERT INTO refused (topic, why) VALUES (?, ?)", (topic, why))
        self.db.execute("DELETE FROM refused WHERE n <= (SELECT max(n) FROM refused) - ?", (REFUSED_KEPT,))

    def _believe(self, unit: str, topic: str, payload: bytes, jws: str | None) -> list[dict[str, Any]]:
        try:
            read = self._birth if topic.endswith("/birth") else self._event
            return read(unit, topic, payload, jws)
        except (BadSignature, ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
            self.refuse(unit, topic, str(e))
            return []

    def _birth(self, unit: str, topic: str, payload: bytes, jws: str | None) -> list[dict[str, Any]]:
        signed = take_apart(payload, jws)
        der = self._verifier.birth(unit, signed)
        self.db.execute("INSERT OR REPLACE INTO births VALUES (?, ?)", (unit, signed.content))
        self.db.execute("INSERT OR REPLACE INTO certificates VALUES (?, ?, ?)", (unit, signed.x5t, der))
        held = self.db.execute("DELETE FROM held WHERE unit = ? RETURNING n, topic, payload, jws", (unit,)).fetchall()
        return [event for _, *message in sorted(held) for event in self._believe(unit, *message)]

    def _event(self, unit: str, topic: str, payload: bytes, jws: str | None) -> list[dict[str, Any]]:
        signed = take_apart(payload, jws)
        try:
            event = self._verifier.event(unit, signed)
        except UnknownSigner:  # its birth is on the way: keep the message as it is
            self.db.execute("INSERT INTO held (unit, topic, payload, jws) VALUES (?, ?, ?, ?)", (unit, topic, payload, jws))
            return []
        if event["type"].startswith(VOIDED):
            given_up(event)
        row = (unit, event["id"], event["type"], event["epoch"], event["seq"], signed.content, signed.detached)
        if self.db.execute("INSERT OR IGNORE INTO events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", row).rowcount:
            left = {(each["source"], each["id"]): each for each in consent.heed(self.db, unit, event)}
            self._emptied |= left
            return [left.get((event["source"], event["id"]), event)]
        self._count(unit, "duplicates")
        first, *number = self.db.execute("SELECT body, epoch, seq FROM events WHERE unit = ? AND id = ?", row[:2]).fetchone()
        digest = consent.emptied_sha256(self.db, unit, event["id"])
        if consent.sha256(signed.content) != (digest or consent.sha256(first)):
            self.refuse(unit, topic, f"{event['id']} came again with other content")
        if number != [event["epoch"], event["seq"]]:  # told anew from another database: its number is no hole
            self.db.execute("INSERT OR IGNORE INTO repeats VALUES (?, ?, ?)", (unit, event["epoch"], event["seq"]))
        return []

    def _count(self, unit: str, what: str) -> None:
        add = "INSERT INTO tally VALUES (?, ?, 1) ON CONFLICT (unit, what) DO UPDATE SET n = n + 1"
        self.db.execute(add, (unit, what))


def given_up(event: dict[str, Any]) -> tuple[str, list[Range]]:
    """The epoch and the ranges that a SequenceVoided gives up. Raises KeyError, TypeError or ValueError when it is none."""
    return event["data"]["epoch"], [(int(first), int(last)) for first, last in event["data"]["ranges"]]


def epochs(db: sqlite3.Connection, unit: str) -> list[Epoch]:
    """The proof of completeness: each number that the unit gave is here, voided or missing. `db`: a receiver's file."""
    here: dict[str, list[Range]] = defaultdict(list)
    voided: dict[str, list[Range]] = defaultdict(list)
    for table in ("events", "repeats"):
        for epoch, seq in db.execute(f"SELECT epoch, seq FROM {table} WHERE unit = ? ORDER BY rowid", (unit,)):
            here[epoch].append((seq, seq))
    for (body,) in db.execute("SELECT body FROM events WHERE unit = ? AND type GLOB ?", (unit, f"{VOIDED}*")):
        epoch, ranges = given_up(json.loads(body))
        voided[epoch] += ranges
    return [
        Epoch(
            name,
            here=merged(here[name]),
            voided=merged(voided[name]),
            missing=gaps(here[name] + voided[name]),
            reused=len(here[name]) - len(set(here[name])),
        )
        for name in dict.fromkeys([*here, *voided])
    ]


def merged(ranges: Iterable[Range]) -> list[Range]:
    """The same numbers in as few ranges as can be, in order."""
    out: list[Range] = []
    for first, last in sorted(ranges):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(last, out[-1][1]))
        else:
            out.append((first, last))
    return out


def gaps(ranges: Iterable[Range]) -> list[Range]:
    """The numbers from 1 to the highest that lie in none of the ranges."""
    out: list[Range] = []
    following = 1
    for first, last in merged(ranges):
        if first > following:
            out.append((following, first - 1))
        following = last + 1
    return out
