"""The AsyncAPI page against what the uplink really does, on both versions of MQTT."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from agent import __version__
from agent.asyncapi import JWS, USER_PROPERTIES, asyncapi, documents
from agent.config import UplinkConfig
from agent.io.commands import MAX_BYTES
from agent.io.connection import OFFLINE, SESSION_EXPIRY_S, Connection, Order, Up, command_topic
from agent.io.envelope import make_envelope
from agent.io.identity import ALGORITHM, UNIT_ID, Identity
from agent.io.uplink import Outgoing, Uplink
from agent.model import derive_id
from agent.schema import UNIT_PATTERN, Schema, leaving
from hil.ca import Authority
from hil.cloud.command import Commander

UNIT = "sim-1"
PAGE = asyncapi()


# -- the page by itself ------------------------------------------------------------------------------


def references(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        yield from (value for key, value in tree.items() if key == "$ref")
    for each in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from references(each)


def resolved(reference: str) -> Schema:
    """What a reference on the page means: a part of it, or a file beside it."""
    if reference.startswith("./"):
        return documents()[reference.removeprefix("./")]
    part: Any = PAGE
    for step in reference.removeprefix("#/").split("/"):
        part = part[step]
    found: Schema = part
    return found


def test_every_reference_leads_somewhere() -> None:
    found = set(references(PAGE))
    assert len(found) > 30
    for reference in found:
        assert resolved(reference)


def test_each_kind_of_event_has_its_topic_its_message_and_its_operation() -> None:
    assert set(PAGE["channels"]) == {*leaving(), "birth", "link", "command"}
    assert {operation["channel"]["$ref"] for operation in PAGE["operations"].values()} == {
        f"#/channels/{c}" for c in PAGE["channels"]
    }
    for kind, record in leaving().items():
        assert PAGE["channels"][kind]["address"] == f"keyoff/{{unit}}/event/{kind}"
        assert PAGE["components"]["messages"][kind]["name"] == f"keyoff.{kind}.v{record.version}"


def test_it_says_whose_it_is() -> None:
    assert (PAGE["asyncapi"], PAGE["info"]["version"]) == ("3.0.0", __version__)
    assert set(documents()) == {f"{kind}.v{record.version}.json" for kind, record in leaving().items()} | {
        "asyncapi.json",
        "command.v1.json",
    }


# -- the page against the uplink -----------------------------------------------------------------------


class Line(Connection):
    """A connection to nowhere that keeps its orders."""

    orders: list[Order]

    def start(self) -> None:
        self.orders = []
        self.news.put(Up(20))

    def publish(self, order: Order) -> None:
        self.orders.append(order)


class OneTrip:
    """An outbox with one event."""

    def waiting(self, limit: int, excluding: Collection[str]) -> list[Outgoing]:
        id = derive_id(UNIT, "TripStarted", "t1")
        payload = make_envelope(
            unit=UNIT,
            id=id,
            kind="TripStarted",
            version=leaving()["TripStarted"].version,
            t_ns=5,
            boot_id="b1",
            utc_ns=None,
            clock="none",
            epoch="e1",
            seq=1,
            data={"trip_id": "t1"},
        )
        return [] if id in excluding else [Outgoing(1, id, "TripStarted", payload)]

    def acknowledged(self, id: str) -> None:
        """Nothing is."""


Protocol = Literal["5", "3.1.1"]


def published(folder: Path, protocol: Protocol) -> dict[str, Order]:
    """What a unit publishes with one event in its outbox, by topic."""
    Authority(folder).client(UNIT)
    config = UplinkConfig(host="broker", protocol=protocol, ca="ca.pem", certificate=f"{UNIT}.pem", key=f"{UNIT}.key")
    lines: list[Line] = []

    def connect(*settings: Any) -> Line:
        lines.append(Line(*settings))
        return lines[-1]

    birth = {"software": __version__, "vehicle": "a car"}
    identity = Identity.load(config, folder, UNIT, None)
    uplink = Uplink(config, folder, UNIT, identity, OneTrip(), birth, connect=connect)
    uplink.start()
    uplink.pump(0)
    uplink.pump(1)
    return {order.topic: order for order in lines[0].orders}


@pytest.mark.parametrize("protocol", get_args(Protocol))
def test_what_is_published_is_what_the_page_says(tmp_path: Path, protocol: Protocol) -> None:
    orders = published(tmp_path, protocol)
    channels = {name: PAGE["channels"][name] for name in ("TripStarted", "birth", "link")}
    assert set(orders) == {channel["address"].format(unit=UNIT) for channel in channels.values()}
    for name, channel in channels.items():
        order = orders[channel["address"].format(unit=UNIT)]
        assert PAGE["operations"][f"send_{name}"]["bindings"]["mqtt"]["retain"] == order.retain
        assert faults(order, channel, resolved(channel["messages"][name]["$ref"]), protocol) == []


def faults(order: Order, channel: Schema, message: Schema, protocol: Protocol) -> list[str]:
    """Where an order is not what its channel and message say."""
    content, found = order.payload, []
    if protocol == "5":
        assert order.content_type == message["contentType"] == message["bindings"]["mqtt"]["contentType"]
        assert ("headers" in message) == (order.jws is not None)
        if order.jws is not None:
            found += errors(USER_PROPERTIES, {"jws": order.jws})
    elif "jws" in channel["messages"]:
        found += errors(JWS, order.payload.decode())
        content = decoded(order.payload.decode().split(".")[1])
    return found + errors(resolved(message["payload"]["$ref"]), json.loads(content))


def errors(schema: Schema, value: object) -> list[str]:
    return [error.message for error in Draft202012Validator(schema).iter_errors(value)]


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_the_signatures_header_is_what_the_page_says(tmp_path: Path) -> None:
    for protocol in get_args(Protocol):
        order = published(tmp_path / protocol, protocol)[f"keyoff/{UNIT}/event/TripStarted"]
        header = decoded((order.jws or order.payload.decode()).split(".")[0]).decode()
        assert re.fullmatch(r'\{"alg":"Ed25519","x5t#S256":"[A-Za-z0-9_-]{43}"\}', header)
    assert '{"alg":"Ed25519","x5t#S256":…}' in PAGE["info"]["description"]
    assert ALGORITHM == "Ed25519"


def test_the_session_is_what_the_page_says() -> None:
    defaults = UplinkConfig(host="broker", ca="ca.pem", certificate="c.pem", key="k.pem")
    for name, version in (("mqtt5", "5"), ("mqtt311", "3.1.1")):
        server = PAGE["servers"][name]
        session = server["bindings"]["mqtt"]
        assert server["protocolVersion"] == version
        assert server["variables"]["port"]["default"] == str(defaults.port)
        assert session["keepAlive"] == defaults.keepalive_s
        assert session.get("sessionExpiryInterval") == (SESSION_EXPIRY_S if version == "5" else None)
        assert session["lastWill"]["message"].encode() == OFFLINE
    assert UNIT_ID.pattern == UNIT_PATTERN


# -- the page against what a unit takes ----------------------------------------------------------------


def test_commands_come_on_their_own_channel_and_are_answered(tmp_path: Path) -> None:
    (operation,) = (each for each in PAGE["operations"].values() if each["action"] == "receive")
    channel = resolved(operation["channel"]["$ref"])
    assert channel["address"].format(unit=UNIT) == command_topic(UNIT)
    assert operation["reply"]["channel"] == {"$ref": "#/channels/CommandTaken"}
    assert "CommandTaken" in PAGE["channels"]
    (message,) = (resolved(each["$ref"]) for each in channel["messages"].values())
    sent = Commander(Authority(tmp_path).command_key().private).sign(UNIT, "DriverRemoved", {"driver": "ana"})
    assert errors(resolved(message["payload"]["$ref"]), sent) == []
    assert resolved(message["payload"]["$ref"])["maxLength"] == MAX_BYTES
    claims = json.loads(decoded(sent.split(".")[1]))
    assert errors(resolved(resolved(message["x-claims"]["$ref"])["$ref"]), claims) == []
    assert json.loads(decoded(sent.split(".")[0])) == {"alg": "Ed25519"}
    assert '`{"alg":"Ed25519"}`' in PAGE["info"]["description"]
