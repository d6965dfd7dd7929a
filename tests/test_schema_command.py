"""The published schema of commands against what a unit takes: the same in form; and a sender of today is understood tomorrow."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator  # type: ignore[import-untyped]

from agent.entries.entering import SPECIAL, EntryRefused, data_of, enterable, entry_of
from agent.events import kinds
from agent.io.commands import LATEST_S, Claims
from agent.model import Context
from agent.schema import CLAIMS, COMMAND, COMMAND_VERSION, Schema, command_schema, text
from tests.conftest import ROOT
from tests.sim.records import values

SCHEMA = command_schema()
VALIDATORS = [dialect(SCHEMA) for dialect in (Draft202012Validator, Draft7Validator)]
PUBLISHED = ROOT / "tests" / "golden" / "schema" / COMMAND / f"v{COMMAND_VERSION}.json"
CTX = Context(5, None, "unit-1", "boot-1", None)
GOOD = {"aud": "sim-1", "exp": 1, "iat": 0, "jti": "c1", "kind": "DriverRemoved", "data": {"driver": "ana"}}
METRES = st.floats(0, 1e10)
BOUNDED: dict[tuple[str, str], st.SearchStrategy[Any]] = {
    ("OdometerRead", "reading_m"): METRES,
    ("ServiceReported", "reading_m"): METRES,
    ("ServiceReported", "day"): st.dates().map(str),
    ("TripAttributed", "driver"): st.text(min_size=1, max_size=64),
}
"""Fields whose types have bounds."""


def fits(claims: dict[str, Any]) -> bool:
    first, second = (each.is_valid(claims) for each in VALIDATORS)
    assert first == second, "both dialects"
    return bool(first)


# -- what a unit takes ---------------------------------------------------------------------------------


def test_it_is_a_schema_and_each_kind_is_described() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["kind"]["enum"] == enterable()
    assert all(SCHEMA["$defs"][kind]["description"] for kind in enterable())


@pytest.mark.parametrize("kind", enterable())
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_what_a_unit_takes_fits(kind: str, data: st.DataObject) -> None:
    """And what does not fit for want of a field, or for one too many, it does not take."""
    record = SPECIAL.get(kind) or data_of(kinds()[kind])
    held = {
        f.name: BOUNDED[kind, f.name] if (kind, f.name) in BOUNDED else values(f.type) for f in msgspec.structs.fields(record)
    }
    drawn = json.loads(msgspec.json.encode(data.draw(st.fixed_dictionaries(held))))
    plain = {name: value for name, value in drawn.items() if value is not None}
    assert fits(GOOD | {"kind": kind, "data": plain})
    assert not fits(GOOD | {"kind": kind, "data": plain | {"x": 1}})
    assert not taken(kind, plain | {"x": 1})
    for name in [f.name for f in msgspec.structs.fields(record) if f.required]:
        less = {key: value for key, value in plain.items() if key != name}
        assert not fits(GOOD | {"kind": kind, "data": less})
        assert not taken(kind, less)


def taken(kind: str, data: dict[str, Any]) -> bool:
    try:
        entry_of(kind, data, "c1", CTX)
    except EntryRefused:
        return False
    return True


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"aud": "a/b"},
        {"aud": ["sim-1"]},
        {"exp": "1"},
        {"exp": -1},
        {"exp": LATEST_S},
        {"exp": LATEST_S - 1},
        {"iat": 0.5},
        {"jti": ""},
        {"jti": "x" * 65},
        {"jti": "ä"},
        {"jti": "a b"},
        {"data": []},
        {"nbf": 1},
        {"kind": None},
    ],
)
def test_its_claims_are_those_that_are_read(change: dict[str, Any]) -> None:
    claims = GOOD | change
    try:
        msgspec.json.decode(json.dumps(claims), type=Claims)
    except msgspec.ValidationError:
        is_read = False
    else:
        is_read = claims["aud"] != "a/b"  # no unit is called so
    assert fits(claims) == is_read


@pytest.mark.parametrize("claim", [*CLAIMS, "kind", "data"])
def test_no_claim_may_be_missing(claim: str) -> None:
    assert not fits({name: value for name, value in GOOD.items() if name != claim})


def test_what_a_kind_has_no_other_has() -> None:
    assert not fits(GOOD | {"kind": "TripEnded", "data": {}})
    assert not fits(GOOD | {"kind": "OdometerRead"})
    assert fits(GOOD | {"kind": "OdometerRead", "data": {"reading_m": 84_210_000}})


# -- what was published stays --------------------------------------------------------------------------


def broken(published: Schema, current: Schema) -> list[str]:
    """What a sender that keeps to `published` may send and `current` does not take."""
    was, now = published["$defs"], current["$defs"]
    found = [f"{name} is gone" for name in was if name not in now]
    for name in was.keys() & now.keys():
        before, after = was[name], now[name]
        found += [f"{name}: {each} is needed" for each in set(after["required"]) - set(before["required"])]
        for field, schema in before["properties"].items():
            if not takes_all(plain(after["properties"].get(field)), plain(schema)):
                found.append(f"{name}.{field} is another")
    claims = [name for name in published["properties"] if name != "kind"]
    return found + [name for name in claims if plain(published["properties"][name]) != plain(current["properties"].get(name))]


def takes_all(now: Any, was: Any) -> bool:
    """The same, or an enumeration that has more words."""
    if now == was or not (isinstance(now, dict) and isinstance(was, dict)):
        return bool(now == was)
    is_wider = "enum" in was and {*was["enum"]} <= {*now.get("enum", ())}
    return is_wider and now | {"enum": was["enum"]} == was


def plain(schema: Any) -> Any:
    return {key: each for key, each in schema.items() if key != "description"} if isinstance(schema, dict) else schema


def test_commands_change_only_with_their_version(request: pytest.FixtureRequest) -> None:
    published = json.loads(PUBLISHED.read_text(encoding="utf-8")) if PUBLISHED.exists() else None
    lost = broken(published, SCHEMA) if published else []
    if lost:
        pytest.fail(
            f"senders would be refused ({', '.join(lost)}): set COMMAND_VERSION = {COMMAND_VERSION + 1} in agent/schema.py"
        )
    if published != SCHEMA and request.config.getoption("--update-golden"):
        PUBLISHED.parent.mkdir(parents=True, exist_ok=True)
        PUBLISHED.write_text(text(SCHEMA), encoding="utf-8")
    elif published != SCHEMA:
        pytest.fail(
            f"{PUBLISHED.relative_to(ROOT)} does not have all of this yet: run pytest --update-golden and read what it wrote"
        )


def add(tree: Schema) -> None:
    tree["$defs"]["Driver"]["properties"]["shoe_size"] = {"type": "integer"}
    tree["$defs"]["Driver"]["description"] = "Other words."
    tree["$defs"]["New"] = {"properties": {}, "required": []}


def widen(tree: Schema) -> None:
    tree["$defs"]["AppointmentChanged"]["properties"]["change"]["enum"].append("forgotten")


def shorten(tree: Schema) -> None:
    tree["$defs"]["AppointmentChanged"]["properties"]["change"]["enum"].pop()


def rename(tree: Schema) -> None:
    tree["$defs"]["Driver"]["properties"]["nickname"] = tree["$defs"]["Driver"]["properties"].pop("name")


def require(tree: Schema) -> None:
    tree["$defs"]["ConsentChanged"]["required"].append("witness")


def drop(tree: Schema) -> None:
    del tree["$defs"]["OdometerRead"]


def narrow(tree: Schema) -> None:
    tree["properties"]["jti"] = {"type": "string", "pattern": "^[0-9]+$"}


@pytest.mark.parametrize(
    ("alter", "is_broken"),
    [(add, False), (widen, False), (shorten, True), (rename, True), (require, True), (drop, True), (narrow, True)],
)
def test_it_may_grow_and_nothing_else(alter: Callable[[Schema], None], is_broken: bool) -> None:
    current = copy.deepcopy(SCHEMA)
    alter(current)
    assert bool(broken(SCHEMA, current)) == is_broken
