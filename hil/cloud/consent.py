"""What rests on a person's consent, and what is left of it once they took the consent back.

| purpose  | rests on it       | whose                                        | left of `data`     |
|----------|-------------------|----------------------------------------------|--------------------|
| report   | ReportReady       | the driver's                                 | `driver`, `month`  |
| report   | PromptReleased    | the driver's, where a part brings a report   | all but that part's `title`, `text` |
| fit      | FitShared         | the driver's; of the whole car, everybody's  | `driver`, `source` |
| workshop | AppointmentChosen | all of the unit's: it names a person, and ConsentChanged a driver | all but `facts` |

What came before the word, by the unit's own count (epoch, seq), is emptied, whether it is here or comes later: ConsentChanged
goes first. The row stays, with its id, type, epoch, seq, signature and the SHA-256 of what was signed, so that completeness is
still proved and a repeat still known; that the unit signed it is proved no more. What a mail has carried off is not here.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import Any, NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS emptied (unit TEXT, id TEXT, sha256 TEXT NOT NULL, PRIMARY KEY (unit, id));
"""
CHANGED = "keyoff.ConsentChanged."


MESSAGE = "PromptReleased"


class Resting(NamedTuple):
    """`is_theirs`: only the driver's own, and what names no driver.
    `left`: fields that stay; None: all but `facts`, or the words about a report."""

    kind: str
    is_theirs: bool
    left: tuple[str, ...] | None


RESTS_ON = {
    "report": (Resting("ReportReady", True, ("driver", "month")), Resting(MESSAGE, True, None)),
    "fit": (Resting("FitShared", True, ("driver", "source")),),
    "workshop": (Resting("AppointmentChosen", False, None),),
}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def emptied_sha256(db: sqlite3.Connection, unit: str, id: str) -> str | None:
    """The digest of what an emptied event was; None for one that is whole, or not here."""
    row = db.execute("SELECT sha256 FROM emptied WHERE unit = ? AND id = ?", (unit, id)).fetchone()
    return str(row[0]) if row else None


def heed(db: sqlite3.Connection, unit: str, event: dict[str, Any]) -> list[dict[str, Any]]:
    """Empty what falls with `event`, which was just kept: itself, or what a consent taken back was for. What is left of each."""
    if event["type"].startswith(CHANGED):
        if event["data"].get("granted") is not False:
            return []
        left = []
        for resting in RESTS_ON.get(str(event["data"].get("purpose")), ()):
            kept = db.execute("SELECT body FROM events WHERE unit = ? AND type GLOB ?", (unit, f"keyoff.{resting.kind}.*"))
            found = [json.loads(body) for (body,) in kept.fetchall()]
            left += [_empty(db, unit, each, resting) for each in found if _falls(db, unit, each, event, resting)]
        return left
    for purpose, resting in ((purpose, each) for purpose, all_of_it in RESTS_ON.items() for each in all_of_it):
        if event["type"].startswith(f"keyoff.{resting.kind}."):
            words = _taken_back(db, unit, purpose)
            return [_empty(db, unit, event, resting)] if any(_falls(db, unit, event, w, resting) for w in words) else []
    return []


def _taken_back(db: sqlite3.Connection, unit: str, purpose: str) -> list[dict[str, Any]]:
    rows = db.execute("SELECT body FROM events WHERE unit = ? AND type GLOB ?", (unit, f"{CHANGED}*")).fetchall()
    words = [json.loads(body) for (body,) in rows]
    return [word for word in words if (word["data"].get("purpose"), word["data"].get("granted")) == (purpose, False)]


def _falls(db: sqlite3.Connection, unit: str, event: dict[str, Any], word: dict[str, Any], resting: Resting) -> bool:
    """Whether `word`, a consent taken back, means `event`."""
    is_whose = not resting.is_theirs or event["data"].get("driver") in (None, word["data"].get("driver"))
    if resting.kind == MESSAGE and not any(part.get("report") for part in event["data"].get("parts", ())):
        return False
    return is_whose and _place(db, unit, event) < _place(db, unit, word)


def _place(db: sqlite3.Connection, unit: str, event: dict[str, Any]) -> tuple[int, int]:
    """Where it stands in the unit's count; epochs in the order in which they were first heard of."""
    (first,) = db.execute("SELECT min(n) FROM events WHERE unit = ? AND epoch = ?", (unit, event["epoch"])).fetchone()
    return first, event["seq"]


def _empty(db: sqlite3.Connection, unit: str, event: dict[str, Any], resting: Resting) -> dict[str, Any]:
    data = event["data"]
    left = {k: v for k, v in data.items() if (k != "facts" if resting.left is None else k in resting.left)}
    if resting.kind == MESSAGE:
        left["parts"] = [part | {"title": "", "text": ""} if part.get("report") else part for part in data["parts"]]
    rest = event | {"data": left}
    row = db.execute("SELECT body FROM events WHERE unit = ? AND id = ?", (unit, event["id"])).fetchone()
    db.execute("INSERT OR IGNORE INTO emptied VALUES (?, ?, ?)", (unit, event["id"], sha256(row[0])))
    body = json.dumps(rest, ensure_ascii=False, separators=(",", ":")).encode()
    db.execute("UPDATE events SET body = ? WHERE unit = ? AND id = ?", (body, unit, event["id"]))
    return rest
