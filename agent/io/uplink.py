"""Outbox → MQTT over TLS → acknowledged, over a link that comes and goes.

Here is decided what is published, what counts as done and when to try again; `connection.py` does it. This half
lives in the thread that owns the store and moves only in `pump(now_ns)`, so that it can be tested without waiting.

Done is an event whose own PUBACK says so. MQTT 5 says when a publish is refused (reason code ≥ 128): the event is
kept and tried again later. MQTT 3.1.1 cannot say it: a broker that refuses there acknowledges all the same, and
the event counts as done; use MQTT 5 where the broker has it.

What was in flight when a connection broke is published again on the next, from the outbox: same bytes, new packet
identifier. (MQTT 5 §4.4 asks for the old identifier, which would need paho's memory to outlive the process; at
QoS 1 it makes no difference to a broker, and receivers drop duplicates by the event's id.)

Topics: `keyoff/<unit>/event/<Kind>`; retained `keyoff/<unit>/birth` (who the unit is, with its certificate chain)
and `keyoff/<unit>/link` (`{"online":true}`, false by the tidy stop or the last will; unsigned: a hint, no fact).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from agent.config import ConfigError, UplinkConfig
from agent.io.connection import OFFLINE, ONLINE, Answered, Connection, Lost, Order, Up, tls_context
from agent.io.envelope import CONTENT_TYPE
from agent.io.identity import Identity
from agent.model import NS

if TYPE_CHECKING:
    import ssl

WINDOW = 20  # in flight at most: mosquitto's own limit, and a bound on what is sent twice after a lost link
BACKOFF_CAP_S = 60.0  # a car that passes through a minute of coverage must not sleep through it
REFUSED_CAP_S = 600.0  # whoever mends the broker's rules waits no longer than this for what they refused
KEEPALIVE_MIN_S = 5  # it is also how long an answer may take; 2G needs seconds, and 0 would switch both watches off
KEEPALIVE_MAX_S = 65_535  # MQTT has two bytes for it
REFUSED = 128  # MQTT 5 §2.4: from here on reason codes are failures; 16, "no matching subscribers", is none


class Outgoing(NamedTuple):
    """One event that has no acknowledgement yet."""

    seq: int
    id: str
    kind: str  # the last level of its topic: "TripEnded"
    payload: bytes  # the frozen CloudEvents JSON


class Outbox(Protocol):
    """The store as the uplink sees it; called in `pump` and `stop` only, in their caller's thread."""

    def waiting(self, limit: int, excluding: Collection[str]) -> list[Outgoing]:
        """Up to `limit` unacknowledged events whose id is not in `excluding`, by importance, then age."""

    def acknowledged(self, id: str) -> None:
        """The broker has this event: it is done."""


class UplinkState(msgspec.Struct, kw_only=True):
    """What the status tells. The counts run from the start of the process."""

    connected: bool = False
    in_flight: int = 0
    last_ack_ns: int | None = None  # boot clock; None: nothing was acknowledged yet
    last_error: str | None = None  # in plain words; None: nothing is wrong now
    published: int = 0  # events handed to the broker, repeats included
    acknowledged: int = 0
    refused: int = 0
    connections: int = 0
    losses: int = 0  # connections that broke, and attempts that failed


class PutOff(NamedTuple):
    """What was refused is not tried again before this time."""

    until_ns: int
    times: int


class Uplink:
    """Publishes what the outbox holds and tells it what is done. Every call from the thread that owns the outbox."""

    def __init__(
        self,
        config: UplinkConfig,
        base: Path,
        unit: str,
        identity: Identity,
        outbox: Outbox,
        birth: dict[str, Any],
        *,
        chance: random.Random | None = None,
        connect: Callable[[UplinkConfig, ssl.SSLContext, str, threading.Event], Connection] = Connection,
    ) -> None:
        """`base`: where the relative paths in `config` start. `birth`: what the retained birth says beside unit,
        protocol and chain. `chance`: for the jitter. `connect`: tests put another kind of connection here."""
        self.state = UplinkState()
        self._config = config
        self._base = base
        self._unit = unit
        self._identity = identity
        self._outbox = outbox
        self._birth = birth
        self._chance = chance or random.Random()
        self._connect = connect
        self._told = threading.Event()
        self._tls: ssl.SSLContext | None = None
        self._line: Connection | None = None
        self._window = WINDOW
        self._greetings: dict[str, Order] = {}  # by ref; what this connection still has to say first
        self._in_flight: set[str] = set()  # refs
        self._put_off: dict[str, PutOff] = {}  # by ref
        self._failures = 0  # of connections, in a row
        self._refusals = 0  # of events, in a row
        self._connect_ns = 0  # not before
        self._publish_ns = 0  # events, not before
        self._link_error: str | None = None
        self._refusal: str | None = None
        self._progress_ns = 0  # the last answer, or the publish that began to wait for one
        self._now_ns = 0

    def start(self) -> None:
        """Read the CA file; the next `pump` connects. Raises ConfigError."""
        if not KEEPALIVE_MIN_S <= self._config.keepalive_s <= KEEPALIVE_MAX_S:
            raise ConfigError(
                f"uplink.keepalive_s: {self._config.keepalive_s}: set {KEEPALIVE_MIN_S} to {KEEPALIVE_MAX_S} seconds"
            )
        self._tls = tls_context(self._config, self._base, self._identity)

    def pump(self, now_ns: int) -> None:
        """Hear what the connection has to tell, connect when it is time, publish what there is room for.

        Never blocks on the network. `now_ns` is the unit's own boot clock, in a replay too: the broker does not live
        in recorded time. Raises only what the outbox raises.
        """
        self._now_ns = now_ns
        self._hear()
        if self._line is None and self._tls is not None and now_ns >= self._connect_ns:
            self._open(self._tls)
        if self._line is not None and self.state.connected:
            if self._in_flight and now_ns - self._progress_ns > self._config.keepalive_s * NS:
                self._line.abandon()  # a half-open link: paho would notice after two keepalives
                self._lose(f"{self._config.host} has acknowledged nothing for {self._config.keepalive_s} s")
            else:
                self._fill(self._line)
        self._show()

    def wait(self, timeout_s: float) -> bool:
        """Block until the connection has something to tell: for a caller that has nothing else to do. False: it had not."""
        return self._told.wait(timeout_s)

    def stop(self, timeout_s: float) -> None:
        """Say offline, take in the answers that come within `timeout_s`, disconnect. What is unanswered stays in the outbox."""
        line, self._tls = self._line, None
        if line is None:
            return
        if self.state.connected:
            line.publish(Order(self._topic("link"), self._topic("link"), OFFLINE, retain=True))
            line.finish()
            line.join(timeout_s)
        line.abandon()
        self._hear()
        self._lose(None)
        self._show()

    def _open(self, tls: ssl.SSLContext) -> None:
        try:
            line = self._connect(self._config, tls, self._unit, self._told)
            line.start()
        except (OSError, RuntimeError) as e:  # no file descriptor, no thread left: the trip goes on being recorded
            self._lose(f"no connection could be begun: {e}")
        else:
            self._line = line

    def _show(self) -> None:
        self.state.in_flight = len(self._in_flight)
        self.state.last_error = "; ".join(filter(None, (self._link_error, self._refusal))) or None

    def _hear(self) -> None:
        self._told.clear()
        while self._line is not None:
            try:
                news = self._line.news.get_nowait()
            except Empty:
                return
            match news:
                case Up():
                    self._greet(news)
                case Answered():
                    self._answer(news)
                case Lost():
                    self._lose(news.words)

    def _greet(self, up: Up) -> None:
        self.state.connected = True
        self.state.connections += 1
        self._link_error = None
        self._window = min(WINDOW, up.receive_maximum)
        self._greetings = {order.ref: order for order in (self._birth_order(), self._online_order())}

    def _answer(self, answer: Answered) -> None:
        self._progress_ns = self._now_ns
        if answer.ref not in self._in_flight:
            return
        self._in_flight.remove(answer.ref)
        if answer.code >= REFUSED:
            self._refuse(answer)
            return
        self.state.last_ack_ns = self._now_ns
        self._failures = 0
        self._put_off.pop(answer.ref, None)
        if self._greetings.pop(answer.ref, None) is None:
            self._refusals = 0
            self.state.acknowledged += 1
            self._outbox.acknowledged(answer.ref)

    def _refuse(self, answer: Answered) -> None:
        """Keep it and put it off. This outlives the connection, and it is tried again only when nothing else is under
        way: mosquitto 2.0.11 hangs up on whom it refuses, and would so never let the events behind it through."""
        self.state.refused += 1
        self._refusal = f"the broker refuses {answer.ref}: {answer.reason}: may {self._unit} publish below keyoff/{self._unit}?"
        times = self._put_off[answer.ref].times + 1 if answer.ref in self._put_off else 1
        self._put_off[answer.ref] = PutOff(self._now_ns + self._delay_ns(times, REFUSED_CAP_S), times)
        if answer.ref not in self._greetings:
            self._refusals += 1
            self._publish_ns = self._now_ns + self._delay_ns(self._refusals, BACKOFF_CAP_S)

    def _lose(self, words: str | None) -> None:
        self._line = None
        self._in_flight.clear()
        self.state.connected = False
        if words is not None:
            self.state.losses += 1
            self._link_error = words
            self._failures += 1
            self._connect_ns = self._now_ns + self._delay_ns(self._failures, BACKOFF_CAP_S)

    def _delay_ns(self, times: int, cap_s: float) -> int:
        """1 s, doubling up to the cap; of that between half and all, so that a fleet does not come back at one moment."""
        longest_s = min(cap_s, 2.0 ** min(times - 1, 30))
        return int(longest_s * self._chance.uniform(0.5, 1.0) * NS)

    def _fill(self, line: Connection) -> None:
        """What is retained first, then events; in flight are never more than the window."""
        put_off = self._still_put_off()
        free = self._window - len(self._in_flight)
        orders = [order for ref, order in self._greetings.items() if ref not in self._in_flight | put_off][:free]
        for each in self._events(min(free - len(orders), self._allowance()), put_off):
            self.state.published += 1
            orders.append(self._order(each.id, f"event/{each.kind}", each.payload, CONTENT_TYPE))
        if not self._in_flight:
            self._progress_ns = self._now_ns
        for order in orders:
            self._in_flight.add(order.ref)
            line.publish(order)

    def _allowance(self) -> int:
        """How many events may be tried now; one at a time, and ever more seldom, while the broker refuses all of them."""
        if not self._refusals:
            return WINDOW
        return int(not self._in_flight and self._now_ns >= self._publish_ns)

    def _events(self, room: int, put_off: set[str]) -> list[Outgoing]:
        """Up to `room` events that were never refused; when none is left and nothing in flight, one that was."""
        if room <= 0:
            return []
        fresh = self._outbox.waiting(room, self._in_flight | self._put_off.keys())
        if fresh or self._in_flight or not self._put_off:
            return fresh
        return self._outbox.waiting(1, put_off)

    def _still_put_off(self) -> set[str]:
        forgotten = [ref for ref, off in self._put_off.items() if self._now_ns - off.until_ns > REFUSED_CAP_S * NS]
        for ref in forgotten:  # no longer in the outbox, else it would have been tried
            del self._put_off[ref]
        if not self._put_off:
            self._refusal = None
        return {ref for ref, off in self._put_off.items() if off.until_ns > self._now_ns}

    def _topic(self, level: str) -> str:
        return f"keyoff/{self._unit}/{level}"

    def _order(self, ref: str, level: str, payload: bytes, content_type: str, *, retain: bool = False) -> Order:
        """A signed publish: the signature beside the payload, or on MQTT 3.1.1 around it."""
        if self._config.protocol == "5":
            return Order(ref, self._topic(level), payload, self._identity.sign(payload), content_type, retain)
        return Order(ref, self._topic(level), self._identity.sign_attached(payload), retain=retain)

    def _birth_order(self) -> Order:
        birth = {**self._birth, "unit": self._unit, "protocol": self._config.protocol, "x5c": self._identity.x5c}
        payload = msgspec.json.encode(birth, order="deterministic")
        return self._order(self._topic("birth"), "birth", payload, "application/json", retain=True)

    def _online_order(self) -> Order:
        return Order(self._topic("link"), self._topic("link"), ONLINE, retain=True)
