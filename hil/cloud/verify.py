"""Whether a unit's message is what the unit signed: certificate chain up to the CA, then the JWS over the exact bytes.

The chain is checked here and not by cryptography's verifier, which (50.0) refuses every Ed25519 certificate.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from agent.io.envelope import INT32_MAX
from agent.io.identity import ALGORITHM, thumbprint

ATTRIBUTES = {"id": str, "type": str, "epoch": str, "seq": int, "data": dict}  # what a receiver counts on


class BadSignature(Exception):
    """The message is not what a unit of ours signed; the text says why."""


class UnknownSigner(Exception):
    """No birth has shown the certificate yet that the signature names."""


class Signed(NamedTuple):
    """A message taken apart: the bytes that were signed, and the signature over them."""

    content: bytes
    header: str
    signature: str

    @property
    def detached(self) -> str:
        """The signature as a detached JWS, as it comes on MQTT 5."""
        return f"{self.header}..{self.signature}"

    @property
    def x5t(self) -> str:
        """Whose signature it claims to be: the thumbprint in its header. Raises BadSignature."""
        try:
            return str(json.loads(_decode(self.header))["x5t#S256"])
        except (ValueError, KeyError, TypeError):
            raise BadSignature("the signature's header names no certificate") from None


def take_apart(payload: bytes, detached: str | None) -> Signed:
    """MQTT 5: the payload and its `jws` property. MQTT 3.1.1: the payload is the JWS. Raises BadSignature."""
    text = detached if detached is not None else payload.decode("ascii", "replace")
    parts = text.split(".")
    if len(parts) != 3:
        raise BadSignature("no JWS")
    try:
        return Signed(payload if detached is not None else _decode(parts[1]), parts[0], parts[2])
    except ValueError:
        raise BadSignature("the JWS is damaged") from None


class Verifier:
    """Knows the CA, and learns units' certificates from their births."""

    def __init__(self, ca: Path, known: Iterable[tuple[str, bytes]] = ()) -> None:
        """`known`: units and their certificates (DER) from births that were verified before."""
        self._root = x509.load_pem_x509_certificate(ca.read_bytes())
        self._known = {(unit, thumbprint(der)): x509.load_der_x509_certificate(der) for unit, der in known}

    def birth(self, unit: str, message: Signed) -> bytes:
        """The certificate (DER) that signs for the unit from now on, by the chain in its birth; raises BadSignature."""
        try:
            content = json.loads(message.content)
            chain = [x509.load_der_x509_certificate(base64.b64decode(each)) for each in content["x5c"]]
            leaf = chain[0]
        except (ValueError, KeyError, TypeError, IndexError):
            raise BadSignature("the birth carries no certificate chain") from None
        self._check_chain(unit, chain, datetime.now(UTC))
        _check_signature(message, leaf)
        der = leaf.public_bytes(Encoding.DER)
        if message.x5t != thumbprint(der):
            raise BadSignature("signed with another certificate than it carries")
        self._known[unit, message.x5t] = leaf
        return der

    def event(self, unit: str, message: Signed) -> dict[str, Any]:
        """A CloudEvent of the unit, verified; raises BadSignature, or UnknownSigner before its birth was heard."""
        leaf = self._known.get((unit, message.x5t))
        if leaf is None:
            raise UnknownSigner(unit)
        _check_signature(message, leaf)
        event = json.loads(message.content)
        if event.get("source") != f"urn:keyoff:unit:{unit}":
            raise BadSignature(f"signed by {unit}, but its source is {event.get('source')}")
        for name, kind in ATTRIBUTES.items():
            if type(event.get(name)) is not kind:
                raise BadSignature(f"no event: its {name} is {event.get(name)!r}")
        if not 0 <= event["seq"] <= INT32_MAX:
            raise BadSignature(f"no event: its seq is {event['seq']}")
        return dict(event)

    def _check_chain(self, unit: str, chain: list[x509.Certificate], now: datetime) -> None:
        names = [name.value for name in chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if names != [unit]:
            raise BadSignature(f"the certificate is for {names}, not for {unit}")
        try:
            usage = chain[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            if ExtendedKeyUsageOID.CLIENT_AUTH not in usage:
                raise BadSignature("the certificate is not for clients")
            for child, issuer in pairwise([*chain, self._root]):
                child.verify_directly_issued_by(issuer)
                if not issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
                    raise BadSignature("a certificate in the chain is no CA's")
        except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound) as e:
            raise BadSignature(f"the chain does not lead to our CA: {e}") from None
        for each in chain:
            if not each.not_valid_before_utc <= now <= each.not_valid_after_utc:
                raise BadSignature("a certificate in the chain is out of date")


def _check_signature(message: Signed, certificate: x509.Certificate) -> None:
    try:
        key = OKPKey.import_key(certificate.public_key())  # type: ignore[arg-type]  # another kind of key fails the check
        jws.deserialize_compact(message.detached, key, algorithms=[ALGORITHM], payload=message.content)
    except (JoseError, ValueError, TypeError, AttributeError) as e:
        raise BadSignature(f"the signature does not fit: {e}") from None


def _decode(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
