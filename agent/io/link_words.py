"""Why there is no connection to the broker, or no longer: in plain words, with the fix where it is ours."""

from __future__ import annotations

import socket

from agent.config import UplinkConfig


def explain(error: Exception, config: UplinkConfig) -> str:
    """Why there is no connection, in plain words, with the fix where it is ours."""
    import ssl

    where = f"{config.host}:{config.port}"
    match error:
        case ssl.SSLCertVerificationError():
            fix = f"check uplink.ca {config.ca}, uplink.host and the clock"
            return f"the certificate of {where} is not good: {error.verify_message}: {fix}"
        case socket.gaierror():
            return f"no address for {config.host}: check uplink.host and the name server"
        case ConnectionRefusedError():
            return f"nothing listens at {where}: check uplink.host and uplink.port, and that the broker runs"
        case TimeoutError():
            return f"no answer from {where}"
        case OSError():
            return failure(str(error), config)
        case _:
            return f"no connection to {where}: {error!r}"


def refuses_us(text: str) -> bool:
    """Whether an error of OpenSSL is the other side's alert about our certificate."""
    alert = text.upper()
    return "ALERT" in alert and any(word in alert for word in ("CERTIFICATE", "UNKNOWN CA", "UNKNOWN_CA", "ACCESS"))


def failure(text: str, config: UplinkConfig) -> str:
    """Why a read or a write failed; a TLS alert about our certificate as what it means."""
    if refuses_us(text):
        return (
            f"the broker refuses uplink.certificate {config.certificate}: have it issued by a CA that the broker trusts ({text})"
        )
    return f"the connection to {config.host}:{config.port} broke: {text}"


def refusal(reason: str, config: UplinkConfig, unit: str) -> str:
    """What the broker said in CONNACK or DISCONNECT, with the usual cause."""
    hints = {
        "Not authorized": f": does it know unit {unit}?",
        "Unsupported protocol version": ': set uplink.protocol = "3.1.1"',
        "Session taken over": f": another client is called {unit}: two units with one certificate?",
    }
    return f"{config.host}:{config.port} says: {reason}{hints.get(reason, '')}"


def not_spoken(config: UplinkConfig) -> str:
    """What the first answer on MQTT 3.1.1 means that is no greeting."""
    where = f"{config.host}:{config.port}"
    return f'{where} accepts no MQTT 3.1.1 (then set uplink.protocol = "5"), or is no broker (then check uplink.port)'
