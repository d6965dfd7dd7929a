"""How long the uplink waits and whom it blames: backoff, what a broker refused, what breaks connections.

Pure but for the dice it is handed; which reason code has which reaction stands as a table in uplink.py.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from typing import NamedTuple

from agent.model import NS

FIRST_S = 10.0  # a broker that restarts gets its units back over ten seconds: 200 of them are 20 handshakes a second
LEAST = 0.1  # of a wait's longest: spread widely, for a broker's end is the one moment that a whole fleet shares
CAP_S = 60.0  # a car that passes through a minute of coverage must not sleep through it
MEND_CAP_S = 600.0  # whoever mends the broker's rules waits no longer than this for what they refused
FRUITLESS = 2  # connections in a row that broke before an event was through: two may be a tunnel; then one event at a time
ALONE = 2  # times alone in flight when the connection broke: then it is the event

REFUSED = 128  # MQTT 5 §2.4: from here on reason codes are failures; 16, "no matching subscribers", is none
UNSUPPORTED_VERSION = 0x84  # CONNACK on MQTT 3.1.1 (§3.2.2.3): 1
NOT_AUTHORIZED = 0x87
TOO_LARGE = 0x95
NO_RETAIN = 0x9A
NO_QOS_1 = 0x9B

QUOTA = frozenset({0x97})  # PUBACK: quota exceeded
UNSENDABLE = frozenset({0x90, TOO_LARGE, 0x99})  # PUBACK: topic name, packet too large, payload format


class Reaction(NamedTuple):
    """What follows the end of a connection: the backoff's least step, its cap, and whether what was in flight is suspected."""

    step: int
    cap_s: float
    suspects: bool


BROKE = Reaction(1, CAP_S, suspects=True)
AGAIN = Reaction(1, CAP_S, suspects=False)
BUSY = Reaction(4, CAP_S, suspects=False)
MEND = Reaction(1, MEND_CAP_S, suspects=False)
TAKEN_OVER = Reaction(7, MEND_CAP_S, suspects=False)

AT_CONNACK = (
    dict.fromkeys(
        (UNSUPPORTED_VERSION, 0x85, 0x86, 0x87, 0x8A, 0x8C), MEND
    )  # version, client id, password, authority, ban, method
    | dict.fromkeys((0x90, NO_RETAIN, NO_QOS_1, 0x9C, 0x9D), MEND)  # the will's topic, what it lacks, another server
    | dict.fromkeys((0x89, 0x97, 0x9F), BUSY)  # busy, quota, connection rate
)
AT_DISCONNECT = (
    {0x8E: TAKEN_OVER, 0x9C: MEND, 0x9D: MEND}
    | dict.fromkeys((0x89, 0x96, 0x97, 0x9F), BUSY)  # busy, message rate, quota, connection rate
    | dict.fromkeys((0x88, 0x8B, 0x8D, 0x98, 0xA0), AGAIN)  # unavailable, shutting down, keep-alive, administrator, time
)


def reaction(code: int | None, greeted: bool) -> Reaction:
    """What the end of a connection asks for. `code`: what the broker said, None where it said nothing; `greeted`: whether
    it had let us in (a DISCONNECT then), or not (a CONNACK)."""
    if greeted:
        return AT_DISCONNECT.get(code or 0, BROKE)
    return AT_CONNACK.get(code or 0, AGAIN)


def delay_ns(times: int, cap_s: float, chance: random.Random) -> int:
    """How long to wait after so many failures in a row: FIRST_S, doubling up to the cap; of that between LEAST and all."""
    longest_s = min(cap_s, FIRST_S * 2.0 ** min(times - 1, 30))
    return int(longest_s * chance.uniform(LEAST, 1.0) * NS)


class PutOff(NamedTuple):
    """What was refused is not tried again before this time; `why` in plain words."""

    until_ns: int
    times: int
    why: str


class Refusals:
    """What the broker would not take, by ref (an event's id, or a topic). It is tried again last, alone, ever more seldom."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._refs: dict[str, PutOff] = {}

    def put_off(self, ref: str, why: str, now_ns: int, *, hopeless: bool = False) -> None:
        """Not before 1 to 10 s, doubling to ten minutes; `hopeless`: that much at once."""
        times = max(self._refs[ref].times + 1 if ref in self._refs else 1, TAKEN_OVER.step if hopeless else 1)
        self._refs[ref] = PutOff(now_ns + delay_ns(times, MEND_CAP_S, self._chance), times, why)

    def forget(self, refs: Collection[str]) -> None:
        """They were taken after all, or are no longer there."""
        for ref in refs:
            self._refs.pop(ref, None)

    @property
    def all(self) -> frozenset[str]:
        return frozenset(self._refs)

    def not_yet(self, now_ns: int) -> frozenset[str]:
        """Those whose time has not come."""
        return frozenset(ref for ref, off in self._refs.items() if off.until_ns > now_ns)

    @property
    def words(self) -> str | None:
        """The first of them, and how many more there are; None when there is none."""
        if not self._refs:
            return None
        more = f" (and {len(self._refs) - 1} more)" if len(self._refs) > 1 else ""
        return f"{next(iter(self._refs.values())).why}{more}"


class Suspicion:
    """Finds the publish that breaks connections, where the broker does not name it (MQTT 3.1.1 cannot)."""

    def __init__(self) -> None:
        self._fruitless = 0
        self._alone: dict[str, int] = {}

    @property
    def careful(self) -> bool:
        """Whether to send one at a time, to learn which it is."""
        return self._fruitless >= FRUITLESS

    def broke(self, in_flight: Collection[str]) -> str | None:
        """A connection broke with these unanswered; the ref that is to blame, once that is clear."""
        if not in_flight:
            return None
        self._fruitless += 1
        if len(in_flight) > 1:
            return None
        (ref,) = in_flight
        self._alone[ref] = self._alone.get(ref, 0) + 1
        return ref if self._alone[ref] >= ALONE else None

    def acquit(self, ref: str, *, is_event: bool) -> None:
        """It was answered. (That the greetings pass says nothing of the events behind them.)"""
        self._alone.pop(ref, None)
        if is_event:
            self._fruitless = 0
