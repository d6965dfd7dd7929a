"""What is believed as a command: every refusal, and that nothing but the key's own words is ever taken."""

from __future__ import annotations

import base64
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from agent.config import CommandsConfig, ConfigError
from agent.io.commands import AHEAD_S, LATEST_S, MAX_BYTES, STALE_S, Command, Commands, NotBelieved, Refused, is_canonical
from agent.model import NS

UNIT = "unit-1"
NOW_S = 1_793_000_000
KEY = Ed25519PrivateKey.generate()
CLAIMS: dict[str, Any] = {
    "aud": UNIT,
    "iat": NOW_S,
    "exp": NOW_S + 60,
    "jti": "c1",
    "kind": "PromptAnswered",
    "data": {"prompt_id": "p1", "answer": "done"},
}


def part(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def signed(content: bytes, key: Ed25519PrivateKey = KEY, algorithm: str = "Ed25519") -> bytes:
    """A compact JWS by hand: whatever `content` is, and whatever the header calls the signature."""
    first = part(json.dumps({"alg": algorithm}).encode()) + b"." + part(content)
    return first + b"." + part(key.sign(first))


def command(**claims: Any) -> bytes:
    """A valid command but for `claims`; ... leaves one out."""
    return signed(json.dumps({k: v for k, v in (CLAIMS | claims).items() if v is not ...}).encode())


@pytest.fixture
def commands() -> Commands:
    return Commands(KEY.public_key(), UNIT)


def refusal(commands: Commands, payload: bytes, now_s: int = NOW_S) -> str:
    with pytest.raises(Refused) as e:
        commands.read(payload, now_s * NS)
    assert e.value.command.id == "c1"
    assert not commands.counts
    return str(e.value)


def disbelief(commands: Commands, payload: bytes, now_s: int = NOW_S) -> str:
    """What it is counted as."""
    before = commands.counts.copy()
    with pytest.raises(NotBelieved):
        commands.read(payload, now_s * NS)
    ((what, n),) = (commands.counts - before).items()
    assert n == 1
    return what


# -- taken -------------------------------------------------------------------------------------------


def test_what_the_key_signed_for_this_unit_is_taken(commands: Commands) -> None:
    found = commands.read(command(), NOW_S * NS)
    assert found == Command("c1", "PromptAnswered", {"prompt_id": "p1", "answer": "done"}, (NOW_S + 60) * NS)
    assert not commands.counts


@pytest.mark.parametrize("exp", [NOW_S + 1, NOW_S + AHEAD_S])
def test_to_the_second(commands: Commands, exp: int) -> None:
    assert commands.read(command(exp=exp), NOW_S * NS).expires_utc_ns == exp * NS


# -- not believed ------------------------------------------------------------------------------------

VALID = command()
NOT_SIGNED = "commands not signed by the key"


@given(bit=st.integers(0, len(VALID) * 8 - 1))
def test_no_bit_flip_of_a_valid_command_is_ever_taken(bit: int) -> None:
    commands = Commands(KEY.public_key(), UNIT)
    flipped = bytearray(VALID)
    flipped[bit // 8] ^= 1 << bit % 8
    assert disbelief(commands, bytes(flipped)) == NOT_SIGNED


def test_one_command_has_one_text() -> None:
    """Whatever the library that checks the signature lets through."""
    assert is_canonical(VALID)
    last = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    texts = [VALID[:-1] + bytes([c]) for c in last]
    assert [text for text in texts if is_canonical(text)] == [VALID[:-1] + bytes([c]) for c in b"AQgw"]
    for text in (VALID + b"=", VALID + b"\n", VALID.replace(b".", b"!.", 1), b" " + VALID):
        assert not is_canonical(text)


def test_nor_is_any_of_them() -> None:
    """All of the signature's, whose last character has bits that decode to nothing."""
    commands = Commands(KEY.public_key(), UNIT)
    for byte in range(VALID.rindex(b".") - 1, len(VALID)):
        for bit in range(8):
            flipped = bytearray(VALID)
            flipped[byte] ^= 1 << bit
            assert disbelief(commands, bytes(flipped)) == NOT_SIGNED


@given(st.binary(max_size=200) | st.text(alphabet="ey.J0-_A=+/ ", max_size=60).map(str.encode))
def test_rubbish_is_counted_and_never_raises_anything_else(payload: bytes) -> None:
    assert disbelief(Commands(KEY.public_key(), UNIT), payload) == NOT_SIGNED


@example(["alg"])
@example({"alg": "Ed25519", "crit": 3})
@example({"alg": ["Ed25519"]})
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=6) | st.sampled_from(["Ed25519", "none", "EdDSA", "b64", "crit"]),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["alg", "crit", "b64", "jwk", "x"]), inner),
        max_leaves=5,
    )
)
def test_any_json_may_stand_in_the_header(header: Any) -> None:
    if header == {"alg": "Ed25519"}:
        return
    first = part(json.dumps(header).encode()) + b"." + VALID.split(b".")[1]
    assert disbelief(Commands(KEY.public_key(), UNIT), first + b"." + part(KEY.sign(first))) == NOT_SIGNED


def test_deep_nesting_is_only_rubbish(commands: Commands) -> None:
    deep = b"[" * 40_000
    assert disbelief(commands, part(deep) + b"." + b".".join(VALID.split(b".")[1:])) == NOT_SIGNED
    assert disbelief(commands, signed(deep)) == "commands without an id"
    whole = json.dumps(CLAIMS | {"data": {"x": 0}}).encode().replace(b'"x": 0', b'"x": ' + deep[:20_000] + b"]" * 20_000)
    assert disbelief(commands, signed(whole)) == "commands without an id"


def test_another_key_s_command_is_not_believed(commands: Commands) -> None:
    assert disbelief(commands, signed(json.dumps(CLAIMS).encode(), Ed25519PrivateKey.generate())) == NOT_SIGNED


@pytest.mark.parametrize("name", ["none", "HS256", "EdDSA"])
def test_no_other_algorithm_will_do(commands: Commands, name: str) -> None:
    """Not even with the public key's bytes as a shared secret, nor EdDSA's own name for the same signature."""
    content = json.dumps(CLAIMS).encode()
    first = part(json.dumps({"alg": name}).encode()) + b"." + part(content)
    public = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signatures = {"none": b"", "HS256": hmac.digest(public, first, "sha256"), "EdDSA": KEY.sign(first)}
    assert disbelief(commands, first + b"." + part(signatures[name])) == NOT_SIGNED
    assert commands.read(signed(content), NOW_S * NS).id == "c1", "but for the name it is right"


def test_what_is_too_large_is_not_even_looked_at(commands: Commands) -> None:
    overhead = len(command(data={"x": ""}))
    fits = (MAX_BYTES - overhead) * 3 // 4 - 4
    assert commands.read(command(data={"x": "a" * fits}), NOW_S * NS).id == "c1"
    assert disbelief(commands, command(data={"x": "a" * (fits + 12)})) == "commands too large"
    assert disbelief(commands, b"." * (MAX_BYTES + 1)) == "commands too large"


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\xff", b'{"jti":""}', b'{"jti":3}', b'{"jti":"a b"}', b'{"jti":"a\\n"}']
)
def test_what_has_no_id_cannot_be_answered(commands: Commands, content: bytes) -> None:
    assert disbelief(commands, signed(content)) == "commands without an id"


def test_a_jti_has_64_characters_at_most(commands: Commands) -> None:
    assert commands.read(command(jti="j" * 64), NOW_S * NS).id == "j" * 64
    assert disbelief(commands, command(jti="j" * 65)) == "commands without an id"


def test_what_is_long_out_of_date_may_have_been_answered_long_ago(commands: Commands) -> None:
    assert refusal(commands, command(exp=NOW_S - STALE_S)) == "it has expired"
    assert disbelief(commands, command(exp=NOW_S - STALE_S - 1)) == "commands long out of date"


# -- refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"aud": "unit-2"}, "it is not for this unit"),
        ({"aud": "UNIT-1"}, "it is not for this unit"),
        ({"aud": [UNIT]}, "Expected `str`, got `array` - at `$.aud`"),
        ({"aud": ...}, "missing required field `aud`"),
        ({"exp": NOW_S}, "it has expired"),
        ({"exp": NOW_S + AHEAD_S + 1}, "it expires more than 30 days ahead"),
        ({"exp": ...}, "missing required field `exp`"),
        ({"exp": NOW_S + 0.5}, "Expected `int`, got `float` - at `$.exp`"),
        ({"exp": LATEST_S}, "at `$.exp`"),
        ({"exp": 1 << 70}, "at `$.exp`"),
        ({"iat": ...}, "missing required field `iat`"),
        ({"iat": "now"}, "at `$.iat`"),
        ({"kind": ...}, "missing required field `kind`"),
        ({"kind": "k" * 65}, "at `$.kind`"),
        ({"data": ...}, "missing required field `data`"),
        ({"data": []}, "Expected `object`, got `array` - at `$.data`"),
        ({"nbf": NOW_S + 30}, "unknown field `nbf`"),
    ],
)
def test_what_was_signed_and_is_wrong_is_told_why(commands: Commands, claims: dict[str, Any], words: str) -> None:
    assert words in refusal(commands, command(**claims))


def test_a_refused_command_is_known_until_it_can_do_no_harm(commands: Commands) -> None:
    for claims, until_s in (({"aud": "unit-2"}, NOW_S + 60), ({"exp": ...}, NOW_S), ({"exp": LATEST_S - 1}, LATEST_S - 1)):
        with pytest.raises(Refused) as e:
            commands.read(command(**claims), NOW_S * NS)
        assert e.value.command.expires_utc_ns == until_s * NS < 1 << 63


# -- the key -----------------------------------------------------------------------------------------


def test_the_key_is_read_from_beside_the_config(tmp_path: Path) -> None:
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "command.pub.pem").write_bytes(pem)
    commands = Commands.load(CommandsConfig("command.pub.pem"), tmp_path, UNIT)
    assert commands.read(command(), NOW_S * NS).id == "c1"


def test_a_wrong_key_file_names_itself_and_the_fix(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat

    other = generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secret = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content, words in (
        (None, "no file"),
        (b"hello", "holds no public key in PEM form"),
        (other, "is not an Ed25519 key"),
        (secret, "holds a private key, which must not be in a car"),
    ):
        if content is not None:
            (tmp_path / "k.pem").write_bytes(content)
        with pytest.raises(ConfigError, match=rf"^commands\.key: .*{words}") as e:
            Commands.load(CommandsConfig("k.pem"), tmp_path, UNIT)
        assert "k.pem" in str(e.value)
