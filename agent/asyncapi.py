"""The page for whoever writes a back end: topics, messages, delivery and signature of a unit, as an AsyncAPI 3.0.0 document.

Pure. Sources: AsyncAPI 3.0.0 with its MQTT bindings 0.2.0; agent/io/uplink.py and agent/io/connection.py, which a test holds
against this page.
"""

from __future__ import annotations

import inspect

from agent import __version__
from agent.io.envelope import CONTENT_TYPE
from agent.model import Event
from agent.schema import (
    COMMAND,
    COMMAND_VERSION,
    UNIT_PATTERN,
    Schema,
    command_schema,
    event_schema,
    file_name,
    first_line,
    leaving,
)

MQTT_BINDINGS = "0.2.0"

ABOUT = """\
What a Keyoff unit tells about the car it is in, and what it can be told, over MQTT with TLS and client certificates.

**Delivery.** QoS 1, so at least once: drop an event whose (`source`, `id`) you have. An event is published again with the same
bytes. All of an epoch is there when `seq` has no hole other than those that a SequenceVoided names. Events come by importance,
then age: not in the order of `seq`.

**Signature.** Birth and events are signed, a JWS (RFC 7515) with algorithm Ed25519 (RFC 9864). Its header is
`{"alg":"Ed25519","x5t#S256":…}`, which names the unit's certificate; the retained birth carries the chain to it.
On MQTT 5 the payload is the plain JSON and the user property `jws` holds the detached signature `header..signature` over exactly
these bytes. On MQTT 3.1.1, which has no place beside a payload, the payload is the compact JWS `header.payload.signature`.

**Commands.** A unit whose keyoff.toml names a key takes commands that this key has signed, and no others: a compact JWS,
`{"alg":"Ed25519"}`, the same on both versions of MQTT, over the claims of `command.v1.json`. It answers with CommandTaken,
whose `command` is the `jti`: send the same again until it has; it works once. Without a clock to be trusted it waits. What the
key has not signed, what is too large, has no `jti` or expired more than a day ago gets no answer.

**Units.** A number's name ends in its unit: `_m` metres, `_s` seconds, `_l` litres, `_kwh`, `_percent`. `_utc_ns` is nanoseconds
since 1970 UTC, any other `_ns` nanoseconds of the unit's boot clock: read them as 64-bit integers, a double does not hold them.

**Versions.** The type says the version, `keyoff.<Kind>.v<version>`; the schema of a version stays as it is, but for new metrics.
What is not known is absent; a property with a `default` is absent when it has that value."""

JWS: Schema = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$",
    "description": "header.payload.signature, each in base64url.",
}
USER_PROPERTIES: Schema = {
    "type": "object",
    "description": "MQTT 5 user properties.",
    "properties": {
        "jws": {
            "type": "string",
            "pattern": r"^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+$",
            "description": "header..signature: the detached JWS over the bytes of the payload.",
        }
    },
    "required": ["jws"],
}
BIRTH: Schema = {
    "type": "object",
    "description": "Who the unit is. May say more than is listed here.",
    "properties": {
        "unit": {"type": "string", "pattern": f"^{UNIT_PATTERN}$"},
        "software": {"type": "string", "description": "The version of Keyoff that the unit runs."},
        "vehicle": {"type": "string", "description": "The name in the vehicle's profile."},
        "protocol": {"enum": ["5", "3.1.1"], "description": "The MQTT in use: where the signature is to be found."},
        "x5c": {
            "type": "array",
            "items": {"type": "string", "contentEncoding": "base64"},
            "minItems": 1,
            "description": "The certificate chain as RFC 7515 §4.1.6 has it: base64 of DER, the unit's own first.",
        },
    },
    "required": ["unit", "software", "vehicle", "protocol", "x5c"],
}
LINK: Schema = {
    "type": "object",
    "description": "Whether the unit is connected. Not signed: the broker says it in the unit's name. A hint, no fact.",
    "properties": {"online": {"type": "boolean"}},
    "required": ["online"],
}
COMMAND_BYTES = 64_000
COMMAND_JWS = JWS | {"maxLength": COMMAND_BYTES, "contentMediaType": "application/jose"}
COMMAND_FILE = f"{COMMAND}.v{COMMAND_VERSION}.json"
WILL = {"topic": "keyoff/{unit}/link", "qos": 1, "message": '{"online":false}', "retain": True}
SESSION = {"clientId": "{unit}", "cleanSession": False, "lastWill": WILL, "keepAlive": 60}
SESSION_EXPIRY_S = 604_800


def documents() -> dict[str, Schema]:
    """file name → document, of all that is published."""
    events = {file_name(record): event_schema(record) for record in leaving().values()}
    return events | {COMMAND_FILE: command_schema(), "asyncapi.json": asyncapi()}


def asyncapi() -> Schema:
    """The AsyncAPI document of a unit; it refers to the schemas that lie beside it."""
    events = leaving()
    channels = {name: _channel(f"event/{name}", name, first_line(record)) for name, record in events.items()}
    channels["birth"] = _channel("birth", "birth", "Said at each connection, and retained.")
    channels["link"] = _channel("link", "link", "Said at each connection and at its end, and retained.", is_signed=False)
    sent = {f"send_{name}": _operation(name, is_retained=name not in events) for name in channels}
    channels[COMMAND] = _channel(COMMAND, COMMAND, "What the unit is told; it answers with CommandTaken.", is_signed=False)
    return {
        "asyncapi": "3.0.0",
        "id": "urn:keyoff:unit",
        "info": {"title": "Keyoff", "version": __version__, "description": ABOUT, "license": {"name": "Apache-2.0"}},
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "mqtt5": _server("5", SESSION | {"sessionExpiryInterval": SESSION_EXPIRY_S}),
            "mqtt311": _server("3.1.1", SESSION),
        },
        "channels": channels,
        "operations": sent | {f"receive_{COMMAND}": _receiving()},
        "components": {
            "messages": {name: _event_message(record) for name, record in events.items()} | _other_messages(),
            "schemas": {
                "birth": BIRTH,
                "link": LINK,
                "jws": JWS,
                "commandJws": COMMAND_JWS,
                "command": {"$ref": f"./{COMMAND_FILE}"},
                "userProperties": USER_PROPERTIES,
            },
            "parameters": {"unit": {"description": "`unit.id` in keyoff.toml: letters, digits, `.`, `_`, `-`; at most 64."}},
            "securitySchemes": {"certificate": {"type": "X509", "description": "The unit's own; its common name is `unit.id`."}},
        },
    }


def _server(version: str, session: Schema) -> Schema:
    return {
        "host": "{host}:{port}",
        "protocol": "secure-mqtt",
        "protocolVersion": version,
        "description": f'With `protocol = "{version}"` in the [uplink] of keyoff.toml.',
        "variables": {"host": {"description": "`uplink.host`."}, "port": {"default": "8883", "description": "`uplink.port`."}},
        "security": [_ref("components/securitySchemes/certificate")],
        "bindings": {"mqtt": session | {"bindingVersion": MQTT_BINDINGS}},
    }


def _channel(level: str, message: str, summary: str, is_signed: bool = True) -> Schema:
    """The topic `keyoff/<unit>/<level>`; what is signed is on MQTT 3.1.1 another message than on 5."""
    messages = (message, "jws") if is_signed else (message,)
    return {
        "address": f"keyoff/{{unit}}/{level}",
        "summary": summary,
        "parameters": {"unit": _ref("components/parameters/unit")},
        "messages": {each: _ref(f"components/messages/{each}") for each in messages},
    }


def _operation(channel: str, is_retained: bool) -> Schema:
    binding = {"qos": 1, "retain": is_retained, "bindingVersion": MQTT_BINDINGS}
    return {"action": "send", "channel": _ref(f"channels/{channel}"), "bindings": {"mqtt": binding}}


def _event_message(record: type[Event]) -> Schema:
    name = f"keyoff.{record.__name__}.v{record.version}"
    return _message(name, f"./{file_name(record)}", CONTENT_TYPE) | {"description": inspect.getdoc(record)}


def _other_messages() -> dict[str, Schema]:
    birth = _message("birth", "#/components/schemas/birth", "application/json")
    link = _message("link", "#/components/schemas/link", "application/json")
    del link["headers"]
    jws = {
        "name": "jws",
        "description": "On MQTT 3.1.1 in place of the channel's other message, whose bytes are its middle part.",
        "contentType": "application/jose",
        "payload": _ref("components/schemas/jws"),
    }
    return {"birth": birth, "link": link, "jws": jws, COMMAND: _command_message()}


def _receiving() -> Schema:
    """Commands, and the channel of the answer."""
    binding = {"qos": 1, "retain": False, "bindingVersion": MQTT_BINDINGS}
    reply = {"channel": _ref("channels/CommandTaken")}
    return {"action": "receive", "channel": _ref(f"channels/{COMMAND}"), "reply": reply, "bindings": {"mqtt": binding}}


def _command_message() -> Schema:
    """A JWS on both versions of MQTT; AsyncAPI has no word for what lies inside it, so an extension names that."""
    about = f"Its middle part is JSON as ./{COMMAND_FILE} describes it: claims, and which `kind` has which `data`."
    return {
        "name": COMMAND,
        "description": about,
        "contentType": "application/jose",
        "payload": _ref("components/schemas/commandJws"),
        "x-claims": _ref(f"components/schemas/{COMMAND}"),
    }


def _message(name: str, schema: str, content_type: str) -> Schema:
    """As on MQTT 5: plain JSON, the signature beside it."""
    return {
        "name": name,
        "contentType": content_type,
        "headers": _ref("components/schemas/userProperties"),
        "payload": {"$ref": schema},
        "bindings": {"mqtt": {"contentType": content_type, "bindingVersion": MQTT_BINDINGS}},
    }


def _ref(path: str) -> Schema:
    return {"$ref": f"#/{path}"}
