"""Commands down to a unit, from the bench: `python -m hil.cloud.command FOLDER UNIT KIND DATA` signs and sends one.

What a back end has to do: make the claims, sign them as a compact JWS with the one key that the unit knows, publish that at
QoS 1 on `keyoff/<unit>/command`, and look for the CommandTaken whose `command` is its `jti`. Without an answer send the same
again: it works once. FOLDER is hil.ca's.
"""

from __future__ import annotations

import json
import secrets
import ssl
import time
from pathlib import Path
from typing import Any, Literal

import click
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jws
from joserfc.jwk import OKPKey
from paho.mqtt import client as paho

from agent.io.commands import MAX_BYTES
from agent.io.identity import ALGORITHM
from hil.ca import CLOUD, Authority, Pair

HOUR_S = 3_600
ANSWER_S = 20.0  # the bench's broker is on this machine
CLIENT = f"{CLOUD}-commands"  # beside `cloud`, which the receiver is called


class Commander:
    """Signs commands with the key in a PEM file, and sends them."""

    def __init__(self, key: Path) -> None:
        self._key = OKPKey.import_key(load_pem_private_key(key.read_bytes(), password=None))  # type: ignore[arg-type]

    def sign(
        self,
        unit: str,
        kind: str,
        data: dict[str, Any],
        expires_s: float = HOUR_S,
        *,
        now_s: float | None = None,
        jti: str | None = None,
        **claims: Any,
    ) -> str:
        """A command as it is published. `now_s`: seconds UTC, None for this machine's. `claims`: others, or in place of these.

        Raises ValueError for one that is larger than a unit takes."""
        now = int(time.time() if now_s is None else now_s)
        times = {"iat": now, "exp": int(now + expires_s)}
        whole = {"aud": unit, **times, "jti": jti or secrets.token_hex(8), "kind": kind, "data": data} | claims
        payload = json.dumps(whole, separators=(",", ":")).encode()
        signed = jws.serialize_compact({"alg": ALGORITHM}, payload, self._key, algorithms=[ALGORITHM])
        if len(signed) > MAX_BYTES:
            raise ValueError(f"{len(signed)} bytes; a unit takes {MAX_BYTES}")
        return signed

    def send(
        self,
        command: str | bytes,
        unit: str,
        address: tuple[str, int],
        ca: Path,
        pair: Pair,
        protocol: Literal["5", "3.1.1"] = "5",
    ) -> None:
        """Publish it; done once the broker has it. Raises OSError, or ConnectionError with what the broker says."""
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, CLIENT, protocol=paho.MQTTv5 if protocol == "5" else paho.MQTTv311)
        tls = ssl.create_default_context(cafile=str(ca))
        tls.load_cert_chain(pair.certificate, pair.key)
        client.tls_set_context(tls)
        answers: list[Any] = []
        client.on_publish = lambda _client, _data, _mid, reason, _properties: answers.append(reason)
        client.connect(*address)
        client.loop_start()
        try:
            client.publish(f"keyoff/{unit}/command", command, qos=1).wait_for_publish(ANSWER_S)
        finally:
            client.disconnect()
            client.loop_stop()
        if not answers or answers[0].is_failure:
            raise ConnectionError(f"the broker does not take it: {answers[0] if answers else 'no answer'}")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("unit")
@click.argument("kind")
@click.argument("data", default="{}")
@click.option("--expires-s", default=HOUR_S, show_default=True, help="How long from now it may be done.")
@click.option("--id", "jti", help="To send the same again. Default: a new one.")
@click.option("--host", default="localhost", show_default=True, help="The broker.")
@click.option("--port", default=8883, show_default=True)
@click.option("--protocol", type=click.Choice(["5", "3.1.1"]), default="5", show_default=True)
@click.option("--print", "only_print", is_flag=True, help="Print it, send nothing.")
def main(
    folder: Path,
    unit: str,
    kind: str,
    data: str,
    *,
    expires_s: int,
    jti: str | None,
    host: str,
    port: int,
    protocol: Literal["5", "3.1.1"],
    only_print: bool,
) -> None:
    """Sign a command for UNIT with FOLDER's command key and send it: KIND, and DATA as JSON.

    \b
      python -m hil.cloud.command bench sim-1 OdometerRead '{"reading_m": 84210000}'
      python -m hil.cloud.command bench sim-1 PromptAnswered '{"prompt_id": "…", "answer": "done"}'

    The unit's answer is its event CommandTaken (python -m hil.cloud shows it).
    """
    authority = Authority(folder)
    commander = Commander(authority.command_key().private)
    jti = jti or secrets.token_hex(8)
    try:
        command = commander.sign(unit, kind, json.loads(data), expires_s, jti=jti)
    except ValueError as e:
        raise click.ClickException(f"DATA: {e}") from None
    if only_print:
        click.echo(command)
        return
    try:
        commander.send(command, unit, (host, port), authority.pair.certificate, authority.client(CLOUD), protocol)
    except OSError as e:
        raise click.ClickException(f"not sent to {host}:{port}: {e}") from None
    click.echo(f"{jti} is at the broker; the unit answers with CommandTaken")


if __name__ == "__main__":
    main()
