"""What rests on a person's consent, and what is left of it once they took the consent back.

| purpose             | rests on it       | whose                                            | left of `data`              |
|---------------------|-------------------|--------------------------------------------------|-----------------------------|
| report              | ReportReady       | the driver's                                     | `driver`, `month`           |
| report              | PromptReleased    | the driver's, where a part brings a report       | all but its `title`, `text` |
| compare, guardian,  | ReportReady       | others', where it shows theirs                   | as agent/report/without.py  |
| report              |                   |                                                  | has it                      |
| fit                 | FitShared         | the driver's; of the whole car, everybody's      | `driver`, `source`          |
| workshop            | AppointmentChosen | the person's; all of the unit's by a word of     | all but `facts`             |
|                     |                   | before version 2, which did not say whose it was |                             |

What came before the word, by the unit's own count (epoch, seq), is emptied, whether it is here or comes later: ConsentChanged
goes first. Of an epoch that was heard of only after the word's nobody knows whether it is older: a person's own is taken to be,
unless they agreed again since. The row stays, with its id, type, epoch, seq, signature and the SHA-256 of what was signed, so
that completeness is still proved and a repeat still known; that the unit signed it is proved no more. What a mail has carried
off is not here.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from agent.report.without import without

SCHEMA = """
CREATE TABLE IF NOT EXISTS emptied (unit TEXT, id TEXT, sha256 TEXT NOT NULL, PRIMARY KEY (unit, id));
"""
CHANGED = "ConsentChanged"

Data: TypeAlias = Mapping[str, Any]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def emptied_sha256(db: sqlite3.Connection, unit: str, id: str) -> str | None:
    """The digest of what an emptied event was; None for one that is whole, or not here."""
    row = db.execute("SELECT sha256 FROM emptied WHERE unit = ? AND id = ?", (unit, id)).fetchone()
    return str(row[0]) if row else None


def heed(db: sqlite3.Connection, unit: str, event: dict[str, Any]) -> list[dict[str, Any]]:
    """Empty what falls with `event`, which was just kept: itself, or what a consent taken back was for. What is left of each."""
    if _kind(event) != CHANGED:
        words = (
            [each for each in _kept(db, unit, CHANGED) if each["data"].get("granted") is False] if _kind(event) in LEFT else []
        )
        found = [event]
    elif event["data"].get("granted") is False:
        words, found = [event], [each for kind in LEFT for each in _kept(db, unit, kind)]
    else:
        return []
    pairs = [(each, _left(db, unit, each, words)) for each in found]
    return [_empty(db, unit, each, data) for each, data in pairs if data is not each["data"]]


def _kind(event: dict[str, Any]) -> str:
    return str(event["type"]).removeprefix("keyoff.").partition(".")[0]


def _kept(db: sqlite3.Connection, unit: str, kind: str) -> list[dict[str, Any]]:
    rows = db.execute("SELECT body FROM events WHERE unit = ? AND type GLOB ?", (unit, f"keyoff.{kind}.*"))
    return [json.loads(body) for (body,) in rows.fetchall()]


def _left(db: sqlite3.Connection, unit: str, event: dict[str, Any], words: list[dict[str, Any]]) -> Data:
    """Of its data, the same object when nothing falls; what is of another make is left as it is."""
    data: Data = event["data"]
    for word in words:
        try:
            rest = LEFT[_kind(event)](data, word["data"])
        except (KeyError, TypeError, AttributeError):
            continue
        if rest is not data and _is_older(db, unit, event, word):
            data = rest
    return data


def _is_older(db: sqlite3.Connection, unit: str, event: dict[str, Any], word: dict[str, Any]) -> bool:
    """Than `word`, a consent taken back; see the module."""
    said = _place(db, unit, word)
    if event["epoch"] == word["epoch"] or _place(db, unit, event) < said:
        return _place(db, unit, event) < said
    whose = word["data"].get("driver"), word["data"].get("purpose")
    again = [
        each
        for each in _kept(db, unit, CHANGED)
        if each["data"].get("granted") is True and (each["data"].get("driver"), each["data"].get("purpose")) == whose
    ]
    is_own = event["data"].get("driver") in (None, whose[0])
    return is_own and all(_place(db, unit, each) < said for each in again)


def _place(db: sqlite3.Connection, unit: str, event: dict[str, Any]) -> tuple[int, int]:
    """Where it stands in the unit's count; epochs in the order in which they were first heard of."""
    (first,) = db.execute("SELECT min(n) FROM events WHERE unit = ? AND epoch = ?", (unit, event["epoch"])).fetchone()
    return first, event["seq"]


def _empty(db: sqlite3.Connection, unit: str, event: dict[str, Any], left: Data) -> dict[str, Any]:
    rest = event | {"data": left}
    row = db.execute("SELECT body FROM events WHERE unit = ? AND id = ?", (unit, event["id"])).fetchone()
    db.execute("INSERT OR IGNORE INTO emptied VALUES (?, ?, ?)", (unit, event["id"], sha256(row[0])))
    body = json.dumps(rest, ensure_ascii=False, separators=(",", ":")).encode()
    db.execute("UPDATE events SET body = ? WHERE unit = ? AND id = ?", (body, unit, event["id"]))
    return rest


# -- what is left of an event's data after a word; the same object when the word does not mean it ----------


def _of_report(data: Data, word: Data) -> Data:
    if (word["purpose"], word["driver"]) == ("report", data["driver"]):
        return _only(data, "driver", "month")
    body = without(data["body"], word["driver"], word["purpose"], word.get("whom"))
    return data if body is data["body"] else {**data, "body": body}


def _of_message(data: Data, word: Data) -> Data:
    if (word["purpose"], word["driver"]) != ("report", data["driver"]) or not any(p.get("report") for p in data["parts"]):
        return data
    return {**data, "parts": [p | {"title": "", "text": ""} if p.get("report") else p for p in data["parts"]]}


def _of_match(data: Data, word: Data) -> Data:
    is_theirs = word["purpose"] == "fit" and data.get("driver") in (None, word["driver"])
    return _only(data, "driver", "source") if is_theirs else data


def _of_appointment(data: Data, word: Data) -> Data:
    is_theirs = "person" not in word or data["person"] in (word["person"], word["driver"])
    return _only(data, *(data.keys() - {"facts"})) if word["purpose"] == "workshop" and is_theirs else data


def _only(data: Data, *names: str) -> Data:
    return data if data.keys() <= {*names} else {name: value for name, value in data.items() if name in names}


LEFT: Mapping[str, Callable[[Data, Data], Data]] = {
    "ReportReady": _of_report,
    "PromptReleased": _of_message,
    "FitShared": _of_match,
    "AppointmentChosen": _of_appointment,
}
