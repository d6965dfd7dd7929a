"""The bench CA: what it makes does TLS both ways, keys are private, what is there is kept."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from agent.io.commands import load_key
from hil.ca import HOSTS, Authority, main


def shake_hands(folder: Path, host: str, ca: Path) -> ssl.SSLObject:
    """A TLS handshake in memory between the broker's pair and the unit's; the server's side, when it is through."""
    server, client = (
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(ca)),
        ssl.create_default_context(cafile=str(ca)),
    )
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(folder / "broker.pem", folder / "broker.key")
    client.load_cert_chain(folder / "sim-1.pem", folder / "sim-1.key")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    unit = client.wrap_bio(to_client, to_server, server_hostname=host)
    broker = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (unit, broker, unit, broker):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return broker


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    authority = Authority(tmp_path)
    authority.broker()
    authority.client("sim-1")
    return tmp_path


@pytest.mark.parametrize("host", HOSTS)
def test_unit_and_broker_accept_each_other(folder: Path, host: str) -> None:
    certificate = shake_hands(folder, host, folder / "ca.pem").getpeercert()
    assert certificate is not None
    assert certificate["subject"] == ((("commonName", "sim-1"),),)


def test_another_ca_or_another_host_is_refused(folder: Path, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(folder, "localhost", other.pair.certificate)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(folder, "broker.example", folder / "ca.pem")


def test_a_clients_certificate_has_what_verifiers_insist_on(folder: Path) -> None:
    extensions = x509.load_pem_x509_certificate((folder / "sim-1.pem").read_bytes()).extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:keyoff:unit:sim-1"]
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_keys_are_private(folder: Path) -> None:
    keys = sorted(folder.glob("*.key"))
    assert [key.name for key in keys] == ["broker.key", "ca.key", "sim-1.key"]
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}


def test_what_is_there_is_kept(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    authority = Authority(folder)
    authority.broker()
    authority.client("sim-1")
    authority.client("sim-2")
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert (folder / "sim-2.pem").exists()


def test_the_command_makes_all_and_says_what_goes_into_keyoff_toml(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [str(tmp_path / "new"), "--unit", "sim-1"])
    assert result.exit_code == 0, result.output
    made = sorted(path.name for path in (tmp_path / "new").glob("*.pem"))
    assert made == ["broker.pem", "ca.pem", "cloud.pem", "command.key.pem", "command.pub.pem", "sim-1.pem"]
    assert 'certificate = "sim-1.pem"' in result.output


def test_the_command_key_is_kept_and_private(tmp_path: Path) -> None:
    pair = Authority(tmp_path).command_key()
    before = pair.private.read_bytes()
    assert Authority(tmp_path).command_key() == pair
    assert pair.private.read_bytes() == before
    assert pair.private.stat().st_mode & 0o777 == 0o600
    load_key(pair.public)
