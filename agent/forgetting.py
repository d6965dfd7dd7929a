"""What a person takes back while it waits for the link leaves the unit no more.

| waits             | rests on                       | taken back, it                                                        |
|-------------------|--------------------------------|-----------------------------------------------------------------------|
| ReportReady       | `report` of its driver         | goes: its number is voided as `forgotten`                             |
| ReportReady       | what others agreed to show     | is left without that (agent/report/without.py)                        |
| PromptReleased    | `report`, where it brings one  | goes; one that says more, which must arrive, is left without that part |
| FitShared         | `fit`; of the whole car, anybody's | goes                                                              |
| AppointmentChosen | `workshop`                     | is left without the facts: the workshop needs the rest                |

What was handed out once has its bytes for good: it goes, but it is never another. What so stays, and what was under way at that
moment, may arrive as it was: the far side empties it by the ConsentChanged, which goes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

from agent.events.household import ConsentChanged
from agent.io.retention import Shed, numbers
from agent.io.store import Store
from agent.model import Event
from agent.report.without import without

Data: TypeAlias = Mapping[str, Any]


def taken_back(events: Iterable[Event], store: Store) -> Shed | None:
    """What waits in the store and rests on a consent that `events` take back. Raises StoreError."""
    words = [e for e in events if isinstance(e, ConsentChanged) and not e.granted]
    gone: dict[int, bytes | None] = {}
    left: dict[int, bytes] = {}
    for row in store.unsent_of(LEFT) if words else ():
        data = _read(row["body"])
        rest = _left(row["kind"], data, words)
        if rest is None:
            gone[row["seq"]] = row["envelope"]
        elif rest is not data and row["envelope"] is None:
            left[row["seq"]] = msgspec.json.encode(rest)
    if not gone and not left:
        return None
    return Shed(store.epoch, rows=tuple(sorted(gone)), left=left, voided=numbers(store.epoch, gone.items()), why="forgotten")


def _read(body: bytes) -> Data:
    """Nothing of what cannot be read."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def _left(kind: str, data: Data, words: Iterable[ConsentChanged]) -> Data | None:
    """What may still leave; None: nothing. Of a report that is not as it was written, nothing: nobody agreed to that."""
    rest: Data | None = data
    try:
        for word in words:
            rest = None if rest is None else LEFT[kind](rest, word)
    except (KeyError, TypeError, AttributeError):
        return None
    return rest


def _of_report(data: Data, word: ConsentChanged) -> Data | None:
    if (word.purpose, word.driver) == ("report", data["driver"]):
        return None
    body = without(data["body"], word.driver, word.purpose, word.whom)
    return data if body is data["body"] else {**data, "body": body}


def _of_message(data: Data, word: ConsentChanged) -> Data | None:
    if (word.purpose, word.driver) != ("report", data.get("driver")):
        return data
    parts = [part for part in data["parts"] if not part.get("report")]
    return data if len(parts) == len(data["parts"]) else {**data, "parts": parts} if parts else None


def _of_match(data: Data, word: ConsentChanged) -> Data | None:
    return None if word.purpose == "fit" and data.get("driver") in (None, word.driver) else data


def _of_appointment(data: Data, word: ConsentChanged) -> Data | None:
    if word.purpose != "workshop" or data.get("person") not in (word.person, word.driver) or "facts" not in data:
        return data
    return {name: value for name, value in data.items() if name != "facts"}


LEFT: Mapping[str, Callable[[Data, ConsentChanged], Data | None]] = {
    "ReportReady": _of_report,
    "PromptReleased": _of_message,
    "FitShared": _of_match,
    "AppointmentChosen": _of_appointment,
}
"""Kind of event → what is left of its data after a word."""
