"""Commands from the far side: what is believed, and what it asks for.

A command is a compact JWS (RFC 7515), `Ed25519` (RFC 9864) and no other algorithm, by the one key that keyoff.toml names,
over these claims (RFC 7519):

    aud   this unit's id         jti   1 to 64 printable ASCII characters: the command works once under it
    exp   seconds UTC, at most   iat   seconds UTC: when it was made, for who reads it
          30 days ahead          kind, data   what to do: as `keyoff` enters it, see agent/entries/entering.py

| it is …                                                   | then                                            |
|-----------------------------------------------------------|-------------------------------------------------|
| larger than MAX_BYTES, not signed by the key, without jti | not believed: counted, nobody is answered       |
| out of date by more than a day                            | counted: it may have been answered long ago     |
| known by its jti                                          | nothing (agent/daemon.py asks the store)        |
| malformed, for another unit, out of date, too far ahead   | refused: CommandTaken says why                  |
| all right                                                 | done, or refused for what it asks (entering.py) |

Whether it is out of date can be told by a trusted clock alone: until there is one, nothing is looked at (inbox.py keeps it).
cryptography is imported when a key is loaded, joserfc with the first command: who has none never pays for them.
"""

from __future__ import annotations

import base64
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from agent.config import CommandsConfig, ConfigError
from agent.io.identity import ALGORITHM, base64url, read_pem
from agent.model import NS

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_BYTES = 64_000  # a profile or ten recalls are a few thousand; twenty of these must find room in a unit's memory
AHEAD_S = 30 * 86_400  # what is meant for later than that is sent later
STALE_S = 86_400  # so long after its end a command is still known (agent/io/taken.py), and so still answered once
LATEST_S = 1 << 33  # the year 2242: later is no date, and in ns would not fit an SQLite integer

Id = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[!-~]+\Z")]  # printable ASCII: it stands in logs and in a table


class Command(NamedTuple):
    """One signed command. `expires_utc_ns`: it is known until a day after."""

    id: str
    kind: str
    data: dict[str, Any]
    expires_utc_ns: int


class NotBelieved(Exception):
    """Nobody is answered; the text is what it is counted as."""


class Refused(Exception):
    """Signed by the key, and not to be done; the text says why. `command` has its id."""

    def __init__(self, command: Command, why: str) -> None:
        super().__init__(why)
        self.command = command


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An unknown claim may narrow what the command means: it is refused."""

    aud: str
    exp: Annotated[int, msgspec.Meta(ge=0, lt=LATEST_S)]
    iat: int
    jti: Id
    kind: Id
    data: dict[str, Any]


class Named(msgspec.Struct, frozen=True):
    """By what a command is answered, whatever else is wrong with it."""

    jti: Id
    kind: Any = None
    exp: Any = None


class Commands:
    """Reads what came as a command; `counts`: of what was not believed, by why."""

    def __init__(self, key: Ed25519PublicKey, unit: str) -> None:
        self.counts: Counter[str] = Counter()
        self._key = key
        self._unit = unit

    @classmethod
    def load(cls, config: CommandsConfig, base: Path, unit: str) -> Commands:
        """With the key that keyoff.toml's [commands] names; a relative path starts at `base`. Raises ConfigError."""
        return cls(load_key(base / config.key), unit)

    def read(self, payload: bytes, utc_ns: int) -> Command:
        """The command that `payload` is, `utc_ns` being now by a trusted clock. Raises NotBelieved, counted; Refused."""
        try:
            return self._judged(self._content(payload), utc_ns)
        except NotBelieved as e:
            self.counts[f"commands {e}"] += 1
            raise

    def _content(self, payload: bytes) -> bytes:
        """What the key has signed. Raises NotBelieved."""
        from joserfc import jws
        from joserfc.errors import JoseError
        from joserfc.jwk import OKPKey

        if len(payload) > MAX_BYTES:
            raise NotBelieved("too large")
        if not is_canonical(payload):
            raise NotBelieved("not signed by the key")
        try:
            return jws.deserialize_compact(payload, OKPKey.import_key(self._key), algorithms=[ALGORITHM]).payload
        except (JoseError, ValueError, TypeError, RecursionError):  # its header is anybody's JSON
            raise NotBelieved("not signed by the key") from None

    def _judged(self, content: bytes, utc_ns: int) -> Command:
        try:
            named = msgspec.json.decode(content, type=Named)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise NotBelieved("without an id") from None
        expires_s = named.exp if type(named.exp) is int and 0 <= named.exp < LATEST_S else utc_ns // NS
        command = Command(named.jti, named.kind if isinstance(named.kind, str) else "", {}, expires_s * NS)
        if command.expires_utc_ns < utc_ns - STALE_S * NS:
            raise NotBelieved("long out of date")
        try:
            claims = msgspec.json.decode(content, type=Claims)
        except msgspec.MsgspecError as e:
            raise Refused(command, str(e)) from None
        if claims.aud != self._unit:
            raise Refused(command, "it is not for this unit")
        if command.expires_utc_ns <= utc_ns:
            raise Refused(command, "it has expired")
        if command.expires_utc_ns > utc_ns + AHEAD_S * NS:
            raise Refused(command, "it expires more than 30 days ahead: send it later")
        return command._replace(data=claims.data)


def is_canonical(payload: bytes) -> bool:
    """Whether each part of a compact JWS is base64url as it is written, so that no two texts are the same command."""
    try:
        return all(base64url(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))) == part for part in payload.split(b"."))
    except ValueError:
        return False


def load_key(path: Path) -> Ed25519PublicKey:
    """The public key in a PEM file. Raises ConfigError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    pem = read_pem(path, "commands.key")
    if b"PRIVATE KEY" in pem:
        raise ConfigError(f"commands.key: {path} holds a private key, which must not be in a car: put its public half there")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(f"commands.key: {path} holds no public key in PEM form: put the sender's Ed25519 key there") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"commands.key: {path} is not an Ed25519 key: make one with `openssl genpkey -algorithm ed25519`")
    return key
