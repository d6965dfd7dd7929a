"""Who the unit is: its Ed25519 key and its certificate, and the signatures made with them.

A signature is a JWS (RFC 7515) with algorithm `Ed25519` (RFC 9864); its header names the unit's certificate
by `x5t#S256`, so that a verifier who has the chain from the retained birth knows which key is meant.
cryptography is imported when an identity is loaded: a unit without an uplink never pays for it. A signature needs no more than
that: joserfc, which makes the same bytes (a test holds it), would be 1.2 MiB for three lines. What others signed is its work.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from agent.config import ConfigError, UplinkConfig

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.x509 import Certificate

T = TypeVar("T")

ALGORITHM = "Ed25519"

UNIT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")  # one MQTT topic level without wildcards; 64: X.520's longest common name

TOO_OPEN = 0o037  # a group may read the key (root:keyoff 0640 is usual), nobody else and no more


class Identity:
    """The unit's key and certificate chain, loaded and found to belong together."""

    def __init__(
        self, unit: str, key_file: Path, certificate_file: Path, key: Ed25519PrivateKey, chain: list[Certificate]
    ) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding

        der = [certificate.public_bytes(Encoding.DER) for certificate in chain]
        self.unit = unit
        self.key_file = key_file
        self.certificate_file = certificate_file
        self.x5c = [base64.b64encode(each).decode() for each in der]
        """The chain as RFC 7515 writes it: base64 DER, the unit's own first."""
        self.x5t = thumbprint(der[0])
        self.notes = _notes(key_file)
        """What the operator should know, one line each; nothing that keeps the unit from working."""
        self._key = key
        self._header = base64url(msgspec.json.encode({"alg": ALGORITHM, "x5t#S256": self.x5t}))

    @classmethod
    def load(cls, config: UplinkConfig, base: Path, unit: str, utc_ns: int | None) -> Identity:
        """The identity named in keyoff.toml's [uplink]; relative paths start at `base`.

        `utc_ns` is now, for the certificate's dates; None where no clock is trusted yet: then they are not judged.
        Raises ConfigError, one line with file and fix.
        """
        if not UNIT_ID.fullmatch(unit):
            raise ConfigError(f"unit.id: {unit!r} cannot stand in an MQTT topic: use 1 to 64 of A–Z a–z 0–9 . _ -")
        key_file, certificate_file = base / config.key, base / config.certificate
        key = _load_key(key_file)
        chain = _load_chain(certificate_file)
        _check(chain[0], certificate_file, unit, utc_ns)
        if chain[0].public_key() != key.public_key():
            raise ConfigError(
                f"uplink.certificate: {certificate_file} is not for the key {key_file}: install the two made together"
            )
        return cls(unit, key_file, certificate_file, key, chain)

    def sign(self, payload: bytes) -> str:
        """A detached JWS (RFC 7515 appendix F, `header..signature`) over exactly these bytes."""
        return b"..".join((self._header, self._signature(base64url(payload)))).decode()

    def sign_attached(self, payload: bytes) -> bytes:
        """The payload as a compact JWS (RFC 7515 §7.1), for MQTT 3.1.1, which has no place beside the payload."""
        content = base64url(payload)
        return b".".join((self._header, content, self._signature(content)))

    def _signature(self, content: bytes) -> bytes:
        return base64url(self._key.sign(b".".join((self._header, content))))


def base64url(content: bytes) -> bytes:
    """As RFC 7515 §2 writes bytes: URL-safe, without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def thumbprint(der: bytes) -> str:
    """A certificate's `x5t#S256` (RFC 7515 §4.1.8)."""
    return base64url(hashlib.sha256(der).digest()).decode()


def read_pem(path: Path, key: str) -> bytes:
    """A file that keyoff.toml names under `key`; raises ConfigError when it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{key}: no file {path}: put it there, or correct the path in keyoff.toml") from None
    except OSError as e:
        raise ConfigError(f"{key}: {path} cannot be read ({e.strerror}): let the user that runs keyoff read it") from None


def _load_key(path: Path) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pem = read_pem(path, "uplink.key")
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise ConfigError(
            f"uplink.key: {path} is encrypted, and nobody is there to type its password: store it without one"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(f"uplink.key: {path} holds no private key in PEM form: put the unit's Ed25519 key there") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"uplink.key: {path} is not an Ed25519 key: make one with `openssl genpkey -algorithm ed25519`")
    return key


def _load_chain(path: Path) -> list[Certificate]:
    from cryptography import x509

    pem = read_pem(path, "uplink.certificate")
    return _or_refuse(
        lambda: x509.load_pem_x509_certificates(pem), f"{path} holds no certificate in PEM form: put the unit's there"
    )


def _check(certificate: Certificate, path: Path, unit: str, utc_ns: int | None) -> None:
    """That the certificate is this unit's, is valid now, and has what brokers and verifiers insist on."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    names = [name.value for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [unit]:
        raise ConfigError(
            f"uplink.certificate: {path} is for {names}, not for unit.id {unit!r}: install this unit's, or correct unit.id"
        )
    extensions = _or_refuse(lambda: certificate.extensions, f"{path} has damaged extensions: have it issued again")
    present = {extension.value.__class__: extension.value for extension in extensions}
    for wanted in (x509.SubjectAlternativeName, x509.AuthorityKeyIdentifier, x509.ExtendedKeyUsage):
        if wanted not in present:
            raise ConfigError(
                f"uplink.certificate: {path} has no {wanted.__name__}, so it will be refused: have it issued with one"
            )
    usages = present[x509.ExtendedKeyUsage]
    if isinstance(usages, x509.ExtendedKeyUsage) and ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
        raise ConfigError(f"uplink.certificate: {path} is not for clients: have it issued with extended key usage clientAuth")
    if utc_ns is not None:
        _check_dates(certificate, path, datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=utc_ns // 1000))


def _check_dates(certificate: Certificate, path: Path, now: datetime) -> None:
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > last:
        raise ConfigError(f"uplink.certificate: {path} expired on {last:%Y-%m-%d}: install a new one")
    if now < first:
        raise ConfigError(f"uplink.certificate: {path} is valid only from {first:%Y-%m-%d %H:%M} UTC: check the unit's clock")


def _or_refuse(load: Callable[[], T], refusal: str) -> T:
    try:
        return load()
    except ValueError:
        raise ConfigError(f"uplink.certificate: {refusal}") from None


def _notes(key_file: Path) -> tuple[str, ...]:
    mode = key_file.stat().st_mode & 0o777
    if mode & TOO_OPEN:
        return (f"uplink.key: {key_file} is open to others (mode {mode:04o}): chmod 600 it",)
    return ()
