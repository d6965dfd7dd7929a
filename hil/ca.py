"""A throwaway certificate authority for the bench: `python -m hil.ca FOLDER --unit ID`.

Makes `ca`, `broker` and `cloud` and one pair for each unit, each as `<name>.pem` and `<name>.key`, all Ed25519
(mosquitto 2.0.11 on OpenSSL 3.0 and Python's ssl take it for TLS in both directions), and the key pair that commands
are signed with, `command.key.pem` and `command.pub.pem`. What is there already is kept, so that a unit can be added
later. Not for the road: the CA's key lies beside everything else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import click
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BROKER = "broker"
CLOUD = "cloud"
HOSTS = ("localhost", "127.0.0.1", "::1")
DAYS = 30
CLOCK_SKEW = timedelta(hours=1)  # the certificates begin this much earlier: two machines on a bench rarely agree


class Pair(NamedTuple):
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


class CommandKey(NamedTuple):
    """What commands are signed with, and what a unit checks them by, as PEM files."""

    private: Path
    public: Path


class Authority:
    """The bench's CA, kept in a folder; `Authority(folder)` makes it there or takes the one that is there."""

    def __init__(self, folder: Path, days: float = DAYS) -> None:
        self.folder = folder
        self.days = days
        self.pair = Pair(folder / "ca.pem", folder / "ca.key")
        if not self.pair.key.exists():
            folder.mkdir(parents=True, exist_ok=True)
            self._make_root()
        self._certificate = x509.load_pem_x509_certificate(self.pair.certificate.read_bytes())
        key = load_pem_private_key(self.pair.key.read_bytes(), password=None)
        assert isinstance(key, Ed25519PrivateKey)
        self._key = key

    def broker(self, hosts: Iterable[str] = HOSTS) -> Pair:
        """The broker's pair, good for these host names and addresses."""
        return self._issue(BROKER, [_host(each) for each in hosts], ExtendedKeyUsageOID.SERVER_AUTH)

    def client(self, name: str, now: datetime | None = None) -> Pair:
        """A client's pair (a unit's, or the cloud's): `name` is its common name. Valid for `days` from `now` on."""
        source = x509.UniformResourceIdentifier(f"urn:keyoff:unit:{name}")  # as an event's `source` says it
        return self._issue(name, [source], ExtendedKeyUsageOID.CLIENT_AUTH, now)

    def command_key(self) -> CommandKey:
        """The one key that the units of this bench take commands from."""
        pair = CommandKey(self.folder / "command.key.pem", self.folder / "command.pub.pem")
        if not pair.private.exists():
            key = Ed25519PrivateKey.generate()
            pair.public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
            _write_key(pair.private, key)
        return pair

    def settings(self, unit: str, host: str, **more: int | str) -> str:
        """What binds a unit to this bench, for the end of its keyoff.toml in this folder. `more`: of [uplink]."""
        pair, command = self.client(unit), self.command_key()
        uplink = {"host": host, **more, "ca": self.pair.certificate.name}
        uplink |= {"certificate": pair.certificate.name, "key": pair.key.name}
        lines = [f"{name} = {json.dumps(value)}" for name, value in uplink.items()]
        return "\n".join(["[uplink]", *lines, "", "[commands]", f'key = "{command.public.name}"', ""])

    def _make_root(self) -> None:
        key = Ed25519PrivateKey.generate()
        name = _name("Keyoff bench CA")
        builder = self._builder(name, name, key, datetime.now(UTC))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
        _write(self.pair, builder.sign(key, None), key)

    def _issue(
        self, name: str, alternatives: list[x509.GeneralName], purpose: x509.ObjectIdentifier, now: datetime | None = None
    ) -> Pair:
        pair = Pair(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        if pair.key.exists():
            return pair
        key = Ed25519PrivateKey.generate()
        issuer = self._certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = (
            self._builder(_name(name), self._certificate.subject, key, now or datetime.now(UTC))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
        )
        _write(pair, builder.sign(self._key, None), key)
        return pair

    def _builder(self, subject: x509.Name, issuer: x509.Name, key: Ed25519PrivateKey, now: datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SKEW)
            .not_valid_after(now + timedelta(days=self.days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(pair: Pair, certificate: x509.Certificate, key: Ed25519PrivateKey) -> None:
    """Both files; the key last and 0600 from its first byte on, never over another."""
    pair.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    _write_key(pair.key, key)


def _write_key(path: Path, key: Ed25519PrivateKey) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--unit", "units", multiple=True, help="A unit's id: the common name of its certificate. Repeat for more.")
@click.option(
    "--host", "hosts", multiple=True, default=HOSTS, show_default=True, help="A name or address of the broker. Repeat for more."
)
@click.option("--days", default=DAYS, show_default=True, help="How long what is made now is valid.")
def main(folder: Path, units: tuple[str, ...], hosts: tuple[str, ...], days: int) -> None:
    """Make a bench CA in FOLDER, with pairs for the broker, the cloud, each unit, and commands. What is there is kept."""
    authority = Authority(folder, days)
    pairs = [authority.pair, authority.broker(hosts), *(authority.client(name) for name in (CLOUD, *units))]
    for pair in pairs:
        click.echo(f"{pair.certificate}  {pair.key}")
    command = authority.command_key()
    click.echo(f"{command.public}  {command.private}")
    for unit in units:
        click.echo(f"\n# {folder}/keyoff.toml of {unit}\n{authority.settings(unit, hosts[0])}", nl=False)


if __name__ == "__main__":
    main()
