"""amqtt as a broker process of its own, where there is no mosquitto: hil/broker.py runs it.

MQTT 3.1.1 only. Whoever has a certificate of the CA is let in, and may read and write everything. What a client has not
acknowledged within 5 s, or before its connection broke, is forgotten (0.12.1), where MQTT asks for it to be sent again.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from typing import Any

from amqtt.broker import Broker
from amqtt.plugins.base import BaseAuthPlugin


class ByCertificate(BaseAuthPlugin):  # type: ignore[misc]  # amqtt has no types
    """TLS has checked who it is. With amqtt's own anonymous plugin nothing would be kept for a client that is away."""

    async def authenticate(self, *, session: Any) -> bool:
        return True


class WithCertificates(Broker):  # type: ignore[misc]
    """amqtt asks for a client certificate but takes clients that have none."""

    @staticmethod
    def _create_ssl_context(listener: Any) -> ssl.SSLContext:
        context: ssl.SSLContext = Broker._create_ssl_context(listener)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


async def serve(address: str, port: str, ca: str, certificate: str, key: str) -> None:
    """Until the process is ended from outside."""
    listener = {"type": "tcp", "bind": f"{address}:{port}", "ssl": True, "cafile": ca, "certfile": certificate, "keyfile": key}
    broker = WithCertificates({"listeners": {"default": listener}, "plugins": {"hil.embedded.ByCertificate": {}}})
    await broker.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
