"""What leaves the vehicle, described for whoever receives it: a JSON Schema for each kind of event.

Generated from the records themselves, so that they cannot disagree. Pure; of the shell it knows the envelope alone, which is
bytes from a record and nothing else.

The words of JSON Schema 2020-12 used here mean the same in draft 7, which is what AsyncAPI tools read a schema as.
A published schema changes only with the `version` of its record (tests/test_schema.py), but that its metrics may grow.
Beside them lies what a unit takes: the claims of a command, with the `data` of each kind that can be entered (command_schema).
Sources: JSON Schema 2020-12; CloudEvents 1.0.2.
"""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any, TypeAlias, get_type_hints

import msgspec

from agent.entries.entering import SPECIAL, data_of, enterable
from agent.events import kinds
from agent.io.envelope import INT32_MAX, Envelope
from agent.metrics import discover
from agent.model import Event, Metric

Schema: TypeAlias = dict[str, Any]

NULL: Schema = {"type": "null"}
DIALECT = "https://json-schema.org/draft/2020-12/schema"
UNIT_PATTERN = "[A-Za-z0-9._-]{1,64}"

ATTRIBUTES: dict[str, Schema] = {
    "specversion": {"const": "1.0"},
    "id": {"pattern": "^[0-9a-f]{32}$", "description": "The same fact always has the same id: drop what you have already."},
    "source": {"pattern": f"^urn:keyoff:unit:{UNIT_PATTERN}$", "description": "The unit."},
    "time": {"format": "date-time", "description": "When it became true, UTC; absent when the unit did not know."},
    "datacontenttype": {"const": "application/json"},
    "epoch": {"description": "Names the database on the unit in which `seq` counts."},
    "seq": {
        "minimum": 0,
        "maximum": INT32_MAX,
        "description": "Counts the events of an epoch: a hole has not arrived yet, or a SequenceVoided names it.",
    },
    "bootid": {"description": "Names the run of the unit whose boot clock `tns` is read from."},
    "tns": {
        "pattern": "^-?[0-9]+$",
        "description": "Nanoseconds of the boot clock, which never steps, as text: CloudEvents' integers have 32 bits.",
    },
    "clock": {
        "description": "How `time` is known. synchronised: by NTP or GNSS; recorded: by a recording; "
        "unsure: the unit's own word; none: not at all."
    },
}
"""What the types of `Envelope` do not say."""

COMMAND = "command"
COMMAND_VERSION = 1
COMMAND_ABOUT = (
    "The claims of a signed command: what the compact JWS on `keyoff/<unit>/command` has as its content. Closed, and so is "
    "`data`: a unit refuses a claim or a field that it does not know, and newer software may know more than older. "
    "Beside its form a command has to make sense as things stand (there is such a driver, prompt, slot, item): else the unit "
    "refuses it, and CommandTaken says why."
)
CLAIMS: dict[str, Schema] = {
    "aud": {"type": "string", "pattern": f"^{UNIT_PATTERN}$", "description": "The unit that it is for; no list."},
    "exp": {
        "type": "integer",
        "minimum": 0,
        "maximum": (1 << 33) - 1,
        "description": "Seconds since 1970 UTC: from then on it is refused. At most 30 days ahead.",
    },
    "iat": {"type": "integer", "description": "Seconds since 1970 UTC: when it was made."},
    "jti": {
        "type": "string",
        "pattern": "^[!-~]{1,64}$",
        "description": "Its name: it works once under it, and CommandTaken carries it as `command`.",
    },
}
"""RFC 7519; a test holds them against agent/io/commands.py."""

METRICS = (
    "What a trip adds up to, or several of them. What is not known is absent, never 0. Closed, so that a wrong name is noticed; "
    "newer software may know more metrics than this file: have the file of what the unit runs (`software` in its birth)."
)
AMOUNT: Schema = {"anyOf": [{"type": "number"}, {"type": "object", "additionalProperties": {"$ref": "#/$defs/Amount"}}]}


def leaving() -> dict[str, type[Event]]:
    """name → record of every kind of event that leaves the vehicle."""
    return {name: record for name, record in kinds().items() if record.leaves}


def file_name(record: type[Event]) -> str:
    """Where the schema of this version of a kind is published."""
    return f"{record.__name__}.v{record.version}.json"


def first_line(thing: object) -> str:
    """The first line of a docstring; "" where there is none."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def text(document: Schema) -> str:
    """A document as it is published."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def event_schema(record: type[Event]) -> Schema:
    """The JSON Schema of an event as it is published: the CloudEvent with its data.

    `data` is closed; the attributes around it are open, for a broker may add its own (CloudEvents 1.0.2 §3.3).
    What all events have (`Event`'s own fields) stands in the envelope, not in `data`.
    """
    kind = record.__name__
    envelope, _ = _object(Envelope)
    data, parts = _object(record, without=Event.__struct_fields__)
    if "metrics" in data["properties"]:
        data["properties"]["metrics"] = {"$ref": "#/$defs/Metrics"}
        parts |= {"Metrics": metrics_schema(), "Amount": AMOUNT}
    attributes = {name: schema | ATTRIBUTES.get(name, {}) for name, schema in envelope["properties"].items()}
    return {
        "$schema": DIALECT,
        "$id": f"urn:keyoff:schema:{kind}.v{record.version}",
        "title": kind,
        "description": inspect.getdoc(record),
        "type": "object",
        "properties": attributes | {"type": {"const": f"keyoff.{kind}.v{record.version}"}, "data": data},
        "required": envelope["required"],
    } | ({"$defs": parts} if parts else {})


def command_schema() -> Schema:
    """The JSON Schema of a command's claims: of its `kind` depends what `data` is."""
    parts: dict[str, Schema] = {}
    for kind in enterable():
        special = SPECIAL.get(kind)
        data, inner = _object(special or data_of(kinds()[kind]))
        parts |= inner | {kind: {"description": inspect.getdoc(special or kinds()[kind])} | data}
    return {
        "$schema": DIALECT,
        "$id": f"urn:keyoff:schema:{COMMAND}.v{COMMAND_VERSION}",
        "title": COMMAND,
        "description": COMMAND_ABOUT,
        "type": "object",
        "properties": CLAIMS | {"kind": {"enum": enterable()}, "data": {"type": "object"}},
        "required": [*CLAIMS, "kind", "data"],
        "additionalProperties": False,
        "oneOf": [{"properties": {"kind": {"const": k}, "data": {"$ref": f"#/$defs/{k}"}}} for k in enterable()],
        "$defs": parts,
    }


def metrics_schema() -> Schema:
    """All metrics that there are, each of them optional."""
    properties = {name: _metric(metric) for name, metric in discover().items()}
    return {"description": METRICS, "type": "object", "properties": properties, "additionalProperties": False}


def _metric(metric: type[Metric]) -> Schema:
    """A number, or an object whose keys are told by the docstring that begins with a brace, its own or its family's."""
    schema = _known(msgspec.json.schema(get_type_hints(metric.result)["return"]))
    words = [first_line(sys.modules[metric.__module__])]
    if schema.get("type") == "object":
        schema.setdefault("additionalProperties", {"$ref": "#/$defs/Amount"})
        words += [doc for doc in map(inspect.getdoc, metric.__mro__) if doc and doc.startswith("{")][:1]
    return schema | {"description": " ".join(words)}


def _object(record: type[msgspec.Struct], without: tuple[str, ...] = ()) -> tuple[Schema, dict[str, Schema]]:
    """The schema of a record that is written without its defaults, and those of the records inside it."""
    _, parts = msgspec.json.schema_components([record], ref_template="#/$defs/{name}")
    parts = {name: _described(_plain(part)) for name, part in parts.items()}
    whole = parts.pop(record.__name__)
    properties = {name: schema for name, schema in whole["properties"].items() if name not in without}
    return {
        "type": "object",
        "properties": {name: _known(s) if s.get("default", 0) is None else s for name, s in properties.items()},
        "required": [name for name in whole["required"] if name not in without],
        "additionalProperties": False,
    }, parts


def _described(part: Schema) -> Schema:
    """With its record's docstring as people read it: Python 3.13 takes the indent out of it by itself, 3.12 does not."""
    return part | {"description": inspect.cleandoc(part["description"])} if "description" in part else part


def _plain(schema: Any) -> Any:
    """msgspec's schema with tuples of one type as arrays of a length (draft 7 has no prefixItems), and objects closed.

    null goes last: in which order msgspec has the parts of a union depends on what was typed before.
    """
    if isinstance(schema, (list, tuple)):  # a field's default may be a tuple
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: _plain(each) for key, each in schema.items()}
    each, *others = out.get("prefixItems", [None])
    if each is not None and all(other == each for other in others):
        del out["prefixItems"]
        out["items"] = each
    if "anyOf" in out:
        out["anyOf"] = sorted(out["anyOf"], key=lambda part: part == NULL)
    return out | ({"additionalProperties": False} if "properties" in out else {})


def _known(schema: Schema) -> Schema:
    """The schema without its null: what is not known is absent."""
    kept = [each for each in schema.get("anyOf", [schema]) if each != NULL]
    return {key: each for key, each in kept[0].items() if key != "default"} if len(kept) == 1 else {"anyOf": kept}
