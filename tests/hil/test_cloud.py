"""The bench cloud believes what a unit of its CA signed, once, and nothing else. Without a broker."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from agent.config import UplinkConfig
from agent.io.envelope import make_envelope
from agent.io.identity import Identity
from hil.ca import CLOUD, Authority
from hil.cloud import Cloud
from hil.cloud.__main__ import main

UNIT = "sim-1"
BIRTH, EVENT = f"keyoff/{UNIT}/birth", f"keyoff/{UNIT}/event/TripEnded"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    authority = Authority(tmp_path / "ca")
    authority.client(UNIT)
    authority.client(CLOUD)
    return authority


@pytest.fixture
def cloud(authority: Authority) -> Cloud:
    folder = authority.folder
    return Cloud("localhost", 1, folder / "ca.pem", folder / "cloud.pem", folder / "cloud.key")


@pytest.fixture
def identity(authority: Authority) -> Identity:
    return identity_of(authority, UNIT)


def identity_of(authority: Authority, name: str) -> Identity:
    authority.client(name)
    config = UplinkConfig(host="localhost", ca="ca.pem", certificate=f"{name}.pem", key=f"{name}.key")
    return Identity.load(config, authority.folder, name, None)


def birth_of(identity: Identity) -> bytes:
    return json.dumps({"unit": identity.unit, "x5c": identity.x5c}).encode()


def envelope(seq: int, unit: str = UNIT) -> bytes:
    return make_envelope(
        unit=unit, id=f"event-{seq}", kind="TripEnded", version=1, t_ns=1, boot_id="b", utc_ns=None, clock="none", epoch="e",
        seq=seq, data={},
    )  # fmt: skip


def tell(cloud: Cloud, topic: str, payload: bytes, identity: Identity) -> None:
    cloud.take(topic, payload, identity.sign(payload))


def test_what_a_unit_signed_is_believed_once(cloud: Cloud, identity: Identity) -> None:
    tell(cloud, BIRTH, birth_of(identity), identity)
    for seq in (1, 2, 1):
        tell(cloud, EVENT, envelope(seq), identity)
    assert [event["id"] for event in cloud.events] == ["event-1", "event-2"]
    assert (cloud.counts.received, cloud.counts.duplicates, cloud.counts.bad) == (3, 1, 0)


def test_on_mqtt_3_1_1_the_payload_is_the_signature(cloud: Cloud, identity: Identity) -> None:
    cloud.take(BIRTH, identity.sign_attached(birth_of(identity)), None)
    cloud.take(EVENT, identity.sign_attached(envelope(1)), None)
    assert len(cloud.events) == 1
    assert cloud.births[UNIT]["unit"] == UNIT


def test_an_event_before_its_units_birth_waits_for_it(cloud: Cloud, identity: Identity) -> None:
    cloud.take(EVENT, envelope(1)[:-1] + b" }", identity.sign(envelope(1)))  # a bad one among them spoils no other
    tell(cloud, EVENT, envelope(2), identity)
    assert (cloud.counts.waiting, cloud.events) == (2, [])
    tell(cloud, BIRTH, birth_of(identity), identity)
    assert [event["id"] for event in cloud.events] == ["event-2"]
    assert (cloud.counts.waiting, cloud.counts.bad) == (0, 1)


def changed_payload(identity: Identity, _: Authority) -> tuple[bytes, str | None]:
    return envelope(1).replace(b'"seq":1', b'"seq":2'), identity.sign(envelope(1))


def no_signature(*_: object) -> tuple[bytes, str | None]:
    return envelope(1), None


def empty_signature(*_: object) -> tuple[bytes, str | None]:
    return envelope(1), ""


def algorithm_none(identity: Identity, _: Authority) -> tuple[bytes, str | None]:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "x5t#S256": identity.x5t}).encode()).rstrip(b"=").decode()
    return envelope(1), f"{header}.."


def cut_signature(identity: Identity, _: Authority) -> tuple[bytes, str | None]:
    return envelope(1), identity.sign(envelope(1))[:-4]


def another_source(identity: Identity, _: Authority) -> tuple[bytes, str | None]:
    payload = envelope(1, "sim-2")
    return payload, identity.sign(payload)


def no_cloudevent(identity: Identity, _: Authority) -> tuple[bytes, str | None]:
    return b"[1]", identity.sign(b"[1]")


def bytes_that_are_no_text(identity: Identity, _: Authority) -> tuple[bytes, str | None]:
    return b"\xff\xfe.\0.\x80", None


@pytest.mark.parametrize(
    "forge",
    [
        changed_payload,
        no_signature,
        empty_signature,
        algorithm_none,
        cut_signature,
        another_source,
        no_cloudevent,
        bytes_that_are_no_text,
    ],
)
def test_what_does_not_verify_is_counted_and_not_believed(
    cloud: Cloud, identity: Identity, authority: Authority, forge: Callable[[Identity, Authority], tuple[bytes, str | None]]
) -> None:
    tell(cloud, BIRTH, birth_of(identity), identity)
    cloud.take(EVENT, *forge(identity, authority))
    assert cloud.events == []
    assert (cloud.counts.received, cloud.counts.bad, cloud.counts.waiting) == (1, 1, 0)
    assert cloud.refusals[0].startswith(EVENT)


def test_one_unit_cannot_speak_for_another(cloud: Cloud, authority: Authority, identity: Identity) -> None:
    other = identity_of(authority, "sim-2")
    tell(cloud, BIRTH, birth_of(other), other)  # its own good birth, on the wrong topic
    assert "not for sim-1" in cloud.refusals[0]
    tell(cloud, BIRTH, birth_of(identity), identity)
    tell(cloud, "keyoff/sim-2/birth", birth_of(other), other)
    tell(cloud, EVENT, envelope(1), other)
    assert cloud.events == []
    assert list(cloud.births) == [UNIT, "sim-2"]


def test_a_birth_of_another_ca_is_not_believed(cloud: Cloud, tmp_path: Path) -> None:
    stranger = identity_of(Authority(tmp_path / "elsewhere"), UNIT)
    tell(cloud, BIRTH, birth_of(stranger), stranger)
    tell(cloud, EVENT, envelope(1), stranger)
    assert "chain does not lead to our CA" in cloud.refusals[0]
    assert (cloud.births, cloud.events, cloud.counts.waiting) == ({}, [], 1)


def test_a_unit_is_no_ca(cloud: Cloud, authority: Authority) -> None:
    """A unit signs a certificate for a unit of its invention: that chain leads to the CA, but through one that may not issue."""
    pair = authority.client(UNIT)
    unit = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    unit_key = load_pem_private_key(pair.key.read_bytes(), None)
    assert isinstance(unit_key, Ed25519PrivateKey)
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sim-9")])
    builder = x509.CertificateBuilder(
        unit.subject, name, key.public_key(), 1, unit.not_valid_before_utc, unit.not_valid_after_utc
    )
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    forged = Identity("sim-9", pair.key, pair.certificate, key, [builder.sign(unit_key, None), unit])
    tell(cloud, "keyoff/sim-9/birth", birth_of(forged), forged)
    assert "no CA's" in cloud.refusals[0]
    assert cloud.births == {}


def test_expired_certificates_are_not_believed(cloud: Cloud, tmp_path: Path, authority: Authority) -> None:
    (authority.folder / f"{UNIT}.key").unlink()
    expired = identity_of(Authority(authority.folder, days=-0.01), UNIT)
    tell(cloud, BIRTH, birth_of(expired), expired)
    assert "out of date" in cloud.refusals[0]


def test_links_and_strange_topics(cloud: Cloud) -> None:
    cloud.take(f"keyoff/{UNIT}/link", b'{"online":true}', None)
    cloud.take("keyoff/else", b"\xff", None)
    cloud.take(f"keyoff/{UNIT}/link", b"\xff", None)
    assert cloud.links == {UNIT: True}
    assert cloud.counts.bad == 1


def test_waiting_in_vain_says_what_came_instead(cloud: Cloud) -> None:
    with pytest.raises(TimeoutError, match="0 events"):
        cloud.wait_for(1, 0.0)


def test_the_command_says_in_one_line_that_no_broker_is_there(authority: Authority) -> None:
    folder = authority.folder
    files = ["--ca", str(folder / "ca.pem"), "--cert", str(folder / "cloud.pem"), "--key", str(folder / "cloud.key")]
    result = CliRunner().invoke(main, ["--port", "1", *files])
    assert result.exit_code == 1
    assert result.output.startswith("Error: cannot subscribe at localhost:1")
    assert CliRunner().invoke(main, ["--help"]).exit_code == 0
