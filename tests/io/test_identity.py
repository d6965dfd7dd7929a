"""The unit's identity: what it signs verifies, and what is wrong with its files is said in one line."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from agent.config import ConfigError, UplinkConfig
from agent.io.identity import Identity, thumbprint
from hil.ca import Authority

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 10**9
CONFIG = UplinkConfig(host="localhost", ca="ca.pem", certificate="sim-1.pem", key="sim-1.key")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Authority(tmp_path).client("sim-1", NOW)
    return tmp_path


def load(folder: Path, unit: str = "sim-1", utc_ns: int | None = NOW_NS) -> Identity:
    return Identity.load(CONFIG, folder, unit, utc_ns)


def public_key(folder: Path) -> OKPKey:
    key = x509.load_pem_x509_certificate((folder / "sim-1.pem").read_bytes()).public_key()
    return OKPKey.import_key(key)  # type: ignore[arg-type]


def test_a_detached_signature_covers_exactly_these_bytes(folder: Path) -> None:
    payload = b'{"id":"1","data":{}}'
    signature = load(folder).sign(payload)
    header, content, _ = signature.split(".")
    assert content == ""
    jws.deserialize_compact(signature, public_key(folder), algorithms=["Ed25519"], payload=payload)
    with pytest.raises(JoseError):
        jws.deserialize_compact(signature, public_key(folder), algorithms=["Ed25519"], payload=payload + b" ")
    der = x509.load_pem_x509_certificate((folder / "sim-1.pem").read_bytes())
    expected = base64.urlsafe_b64encode(der.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "Ed25519", "x5t#S256": expected}


def test_an_attached_signature_carries_the_payload(folder: Path) -> None:
    message = jws.deserialize_compact(load(folder).sign_attached(b"{}"), public_key(folder), algorithms=["Ed25519"])
    assert message.payload == b"{}"


@pytest.mark.parametrize("payload", [b"", b"{}", bytes(range(256)), '{"text":"Öl"}'.encode()])
def test_both_are_what_joserfc_makes_to_the_last_bit(folder: Path, payload: bytes) -> None:
    identity = load(folder)
    key = OKPKey.import_key(load_pem_private_key((folder / "sim-1.key").read_bytes(), None))  # type: ignore[arg-type]
    header = {"alg": "Ed25519", "x5t#S256": identity.x5t}
    theirs = jws.serialize_compact(header, payload, key, algorithms=["Ed25519"])
    assert identity.sign_attached(payload).decode() == theirs
    assert identity.sign(payload) == jws.detach_content(theirs)


def test_the_same_bytes_get_the_same_signature(folder: Path) -> None:
    assert load(folder).sign(b"{}") == load(folder).sign(b"{}")


def test_the_chain_starts_with_the_units_own_certificate(folder: Path) -> None:
    pem = (folder / "sim-1.pem").read_bytes()
    (folder / "sim-1.pem").write_bytes(pem + (folder / "ca.pem").read_bytes())
    assert load(folder).x5t == thumbprint(x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER))
    chain = [x509.load_der_x509_certificate(base64.b64decode(each)) for each in load(folder).x5c]
    assert chain == [x509.load_pem_x509_certificate(pem), x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())]


def test_a_key_that_others_may_read_is_noted(folder: Path) -> None:
    assert load(folder).notes == ()
    (folder / "sim-1.key").chmod(0o640)
    assert load(folder).notes == ()
    (folder / "sim-1.key").chmod(0o644)
    (note,) = load(folder).notes
    assert "0644" in note
    assert str(folder / "sim-1.key") in note


def remove_key(folder: Path) -> None:
    (folder / "sim-1.key").unlink()


def remove_certificate(folder: Path) -> None:
    (folder / "sim-1.pem").unlink()


def key_is_a_folder(folder: Path) -> None:
    (folder / "sim-1.key").unlink()
    (folder / "sim-1.key").mkdir()


def damage_key(folder: Path) -> None:
    (folder / "sim-1.key").write_bytes(b"\0\xff no key")


def damage_certificate(folder: Path) -> None:
    (folder / "sim-1.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


def empty_certificate(folder: Path) -> None:
    (folder / "sim-1.pem").write_bytes(b"")


def encrypt_key(folder: Path) -> None:
    key = load_pem_private_key((folder / "sim-1.key").read_bytes(), None)
    (folder / "sim-1.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")))


def another_kind_of_key(folder: Path) -> None:
    key = generate_private_key(SECP256R1())
    (folder / "sim-1.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def another_units_key(folder: Path) -> None:
    (folder / "sim-1.key").write_bytes(Authority(folder).client("sim-2").key.read_bytes())


def another_units_certificate(folder: Path) -> None:
    (folder / "sim-1.pem").write_bytes(Authority(folder).client("sim-2").certificate.read_bytes())


def expired(folder: Path) -> None:
    renew(folder, NOW - timedelta(days=31))


def not_yet_valid(folder: Path) -> None:
    renew(folder, NOW + timedelta(days=1))


def renew(folder: Path, begin: datetime) -> None:
    remove_key(folder)
    Authority(folder).client("sim-1", begin)


def for_servers(folder: Path) -> None:
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    names = x509.SubjectAlternativeName([x509.DNSName("sim-1")])
    issuer = x509.AuthorityKeyIdentifier(b"1", None, None)
    issue_again(folder, usage, names, issuer)


def without_extensions(folder: Path) -> None:
    issue_again(folder)


def issue_again(folder: Path, *extensions: x509.ExtensionType) -> None:
    key = load_pem_private_key((folder / "sim-1.key").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sim-1")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(days=1))
    for each in extensions:
        builder = builder.add_extension(each, critical=False)
    (folder / "sim-1.pem").write_bytes(builder.sign(key, None).public_bytes(Encoding.PEM))


@pytest.mark.parametrize(
    ("spoil", "file", "words"),
    [
        (remove_key, "sim-1.key", "no file"),
        (remove_certificate, "sim-1.pem", "no file"),
        (key_is_a_folder, "sim-1.key", "cannot be read"),
        (damage_key, "sim-1.key", "no private key"),
        (damage_certificate, "sim-1.pem", "no certificate"),
        (empty_certificate, "sim-1.pem", "no certificate"),
        (encrypt_key, "sim-1.key", "encrypted"),
        (another_kind_of_key, "sim-1.key", "not an Ed25519 key"),
        (another_units_key, "sim-1.pem", "not for the key"),
        (another_units_certificate, "sim-1.pem", "sim-2"),
        (expired, "sim-1.pem", "expired on 2026-02-28"),
        (not_yet_valid, "sim-1.pem", "clock"),
        (for_servers, "sim-1.pem", "clientAuth"),
        (without_extensions, "sim-1.pem", "SubjectAlternativeName"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_file_and_fix(
    folder: Path, spoil: Callable[[Path], None], file: str, words: str
) -> None:
    spoil(folder)
    with pytest.raises(ConfigError) as caught:
        load(folder)
    line = str(caught.value)
    assert words in line
    assert str(folder / file) in line
    assert line.startswith("uplink.")
    assert "\n" not in line


@pytest.mark.parametrize("spoil", [expired, not_yet_valid])
def test_without_a_trusted_clock_no_date_is_judged(folder: Path, spoil: Callable[[Path], None]) -> None:
    spoil(folder)
    assert load(folder, utc_ns=None).unit == "sim-1"


@pytest.mark.parametrize("unit", ["", "a/b", "a+", "#", "a b", "x" * 65])
def test_a_unit_id_that_cannot_stand_in_a_topic_is_refused(folder: Path, unit: str) -> None:
    with pytest.raises(ConfigError, match=r"unit\.id"):
        load(folder, unit)
