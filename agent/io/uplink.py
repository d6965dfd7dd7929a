"""Outbox → MQTT over TLS → acknowledged, over a link that comes and goes.

Here is decided what is published, what counts as done and when to try again; `connection.py` does it, `patience.py`
knows how long to wait and whom to blame. This half lives in the thread that owns the store and moves only in
`pump(now_ns)`, so that it can be tested without waiting.

Done is an event whose own PUBACK says so. MQTT 5 says when a publish is refused (reason code ≥ 0x80): the event is
kept and tried again later. MQTT 3.1.1 cannot say it: a broker that refuses there acknowledges all the same, and
the event counts as done; use MQTT 5 where the broker has it. Nothing is ever dropped here, and nothing is tried
twice within a second:

    said in     reason code                               reaction
    PUBACK      below 0x80, 0x10 (no subscribers) too     done
                0x97 quota exceeded                       no event's fault: all wait, 1…10 s to a minute, then one goes as a probe
                0x90 topic, 0x95 too large, 0x99 payload  set aside: the others go on; tried again alone after 1 to 10 min
                0x87 not authorized, any other            put off: likewise, after 1…10 s, doubling to 10 min; a probe comes first
    CONNACK     0x84–0x87 0x8A 0x8C 0x90 0x9A–0x9D        a person has to mend it: backoff, doubling to 10 min
                0x89 busy, 0x97 quota, 0x9F rate          backoff, at its cap at once
                0x88 unavailable, any other               backoff
    DISCONNECT  0x8E session taken over                   another client has our name: 1 to 10 min at once
                0x9C 0x9D use another server              never followed: as for a person to mend
                0x89, 0x96 message rate, 0x97, 0x9F       backoff, at its cap at once
                0x88, 0x8B shutting down, 0x8D keep-alive
                timeout, 0x98 administrator, 0xA0 time    backoff
                any other; no word: it broke or stalled   backoff, and suspicion

Backoff: between a tenth and all of 10 s, which doubles up to a minute. So a fleet whose broker restarts comes back spread
over 1 to 10 s. It starts over with an event's acknowledgement, or a connection that lasted a minute.
Suspicion: when two connections in a row broke before an event was through, events go one at a time; the one that was
alone in flight twice when it broke is put off, so that it cannot keep the others back (a 3.1.1 broker just hangs up on
what is too large for it). What is larger than CONNACK's maximum packet size is not sent at all, and set aside.
Stalled is a link on which nothing was acknowledged for `keepalive_s` while something was in flight, or that did not
come to be in that time; an idle one is found out by PINGREQ within twice that.

What was in flight when a connection broke is published again on the next, from the outbox: same bytes, new packet
identifier. (MQTT 5 §4.4 asks for the old identifier, which would need paho's memory to outlive the process; at
QoS 1 it makes no difference to a broker, and receivers drop duplicates by the event's id.)

Topics: `keyoff/<unit>/event/<Kind>`; retained `keyoff/<unit>/birth` (who the unit is, with its certificate chain)
and `keyoff/<unit>/link` (`{"online":true}`, false by the tidy stop or the last will; unsigned: a hint, no fact).
Commands come down on `keyoff/<unit>/command`, subscribed to at each connection; a broker that refuses that is told in the
status, and the events go on.
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
from agent.io.connection import (
    OFFLINE,
    ONLINE,
    Answered,
    Connection,
    Lost,
    Order,
    Received,
    Subscribed,
    Up,
    tls_context,
)
from agent.io.envelope import CONTENT_TYPE
from agent.io.identity import Identity
from agent.io.inbox import Inbox
from agent.io.patience import (
    CAP_S,
    NOT_AUTHORIZED,
    QUOTA,
    REFUSED,
    UNSENDABLE,
    Refusals,
    Suspicion,
    delay_ns,
    reaction,
)
from agent.model import NS

if TYPE_CHECKING:
    import ssl

WINDOW = 20  # in flight at most: mosquitto's own limit, and a bound on what is sent twice after a lost link
KEEPALIVE_MIN_S = 5  # it is also how long an answer may take; 2G needs seconds, and 0 would switch both watches off
KEEPALIVE_MAX_S = 65_535  # MQTT has two bytes for it


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
    set_aside: int = 0  # events that wait for another try because the broker would not take them
    commands_left: int = 0  # commands for which there was no room: the broker has them, and sends them again
    connections: int = 0
    losses: int = 0  # connections that broke, and attempts that failed


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
        takes_commands: bool = False,
        chance: random.Random | None = None,
        connect: Callable[[UplinkConfig, ssl.SSLContext, str, threading.Event], Connection] = Connection,
    ) -> None:
        """`base`: where the relative paths in `config` start. `birth`: what the retained birth says beside unit,
        protocol and chain. `takes_commands`: whether to subscribe to them. `chance`: for the jitter. `connect`: tests
        put another kind of connection here."""
        self.state = UplinkState()
        self._config = config
        self._base = base
        self._unit = unit
        self._identity = identity
        self._outbox = outbox
        self._birth = birth
        self._inbox = Inbox(config.host, unit, takes_commands)
        self._chance = chance or random.Random()
        self._connect = connect
        self._told = threading.Event()
        self._tls: ssl.SSLContext | None = None
        self._line: Connection | None = None
        self._window = WINDOW
        self._greetings: dict[str, Order] = {}  # by ref; what this connection still has to say first
        self._in_flight: set[str] = set()  # refs
        self._refusals = Refusals(self._chance)
        self._suspicion = Suspicion()
        self._failures = 0  # of connections, in a row
        self._probes = 0  # events refused, in a row
        self._connect_ns = 0  # not before
        self._publish_ns = 0  # events, not before
        self._link_error: str | None = None
        self._quota_error: str | None = None
        self._opened_ns = 0  # when the connection was begun
        self._up_ns = 0  # when the broker let us in
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
        if self._line is not None and (words := self._stalled(now_ns)):
            self._line.abandon()
            self._lose(Lost(words))
        elif self._line is not None and self.state.connected:
            self._fill(self._line)
        self._show()

    def commands(self, limit: int) -> list[bytes]:
        """The oldest of what came as commands; each stays until `took`, or until its connection is gone."""
        return self._inbox.waiting(limit)

    def took(self, payload: bytes) -> None:
        """What this command asked for is committed, or it asked for nothing: the broker may forget it."""
        self._inbox.took(payload)

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
        self._lose(Lost(None))
        self._show()

    def _open(self, tls: ssl.SSLContext) -> None:
        self._opened_ns = self._now_ns
        try:
            line = self._connect(self._config, tls, self._unit, self._told)
            line.start()
        except (OSError, RuntimeError) as e:  # no file descriptor, no thread left: the trip goes on being recorded
            self._lose(Lost(f"no connection could be begun: {e}"))
        else:
            self._line = line

    def _stalled(self, now_ns: int) -> str | None:
        """What there is no answer to; None while there is hope."""
        patience_ns = self._config.keepalive_s * NS
        if not self.state.connected:
            hopeless, what = now_ns - self._opened_ns > patience_ns, "has not let us in"
        else:
            hopeless, what = bool(self._in_flight) and now_ns - self._progress_ns > patience_ns, "has acknowledged nothing"
        return f"{self._config.host} {what} for {self._config.keepalive_s} s" if hopeless else None

    def _show(self) -> None:
        self.state.in_flight = len(self._in_flight)
        self.state.commands_left = self._inbox.left
        self.state.set_aside = len(self._refusals.all - self._greetings.keys())
        errors = (self._link_error, self._inbox.trouble, self._quota_error, self._refusals.words)
        self.state.last_error = "; ".join(filter(None, errors)) or None

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
                    self._inbox.begin(self._line)
                case Answered():
                    self._answer(news)
                case Received() | Subscribed():
                    self._inbox.hear(news)
                case Lost():
                    self._lose(news)

    def _greet(self, up: Up) -> None:
        self.state.connected = True
        self.state.connections += 1
        self._link_error = None
        self._up_ns = self._now_ns
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
        self._refusals.forget([answer.ref])
        is_event = self._greetings.pop(answer.ref, None) is None
        self._suspicion.acquit(answer.ref, is_event=is_event)
        if is_event:
            self._failures = self._probes = 0
            self._quota_error = None
            self.state.acknowledged += 1
            self._outbox.acknowledged(answer.ref)

    def _refuse(self, answer: Answered) -> None:
        """Keep it. This outlives the connection: mosquitto 2.0.11 hangs up on whom it refuses, and would so never let
        the events behind it through."""
        self.state.refused += 1
        if answer.code in QUOTA and answer.ref not in self._greetings:
            self._quota_error = f"{self._config.host} says: {answer.reason}: all events wait"
        else:
            doubt = f": may {self._unit} publish below keyoff/{self._unit}?" if answer.code == NOT_AUTHORIZED else ""
            why = f"the broker refuses {answer.ref}: {answer.reason}{doubt}"
            self._refusals.put_off(answer.ref, why, self._now_ns, hopeless=answer.code in UNSENDABLE)
        if answer.ref not in self._greetings and answer.code not in UNSENDABLE:
            self._probes += 1
            self._publish_ns = self._now_ns + delay_ns(self._probes, CAP_S, self._chance)

    def _lose(self, lost: Lost) -> None:
        self._line = None
        self._inbox.end()
        in_flight, self._in_flight = self._in_flight, set()
        was_up, self.state.connected = self.state.connected, False
        if lost.words is None:
            return
        self.state.losses += 1
        self._link_error = lost.words
        answer = reaction(lost.code, was_up)
        if was_up and self._now_ns - self._up_ns >= CAP_S * NS:
            self._failures = 0
        self._failures = max(self._failures + 1, answer.step)
        self._connect_ns = self._now_ns + delay_ns(self._failures, answer.cap_s, self._chance)
        if answer.suspects and (ref := self._suspicion.broke(in_flight)):
            self._refusals.put_off(ref, f"connections break when {ref} is sent: {lost.words}", self._now_ns)

    def _fill(self, line: Connection) -> None:
        """What is retained first, then events; in flight are never more than the window."""
        window = 1 if self._suspicion.careful else self._window
        free = window - len(self._in_flight)
        not_now = self._in_flight | self._refusals.not_yet(self._now_ns)
        orders = [order for ref, order in self._greetings.items() if ref not in not_now][: max(free, 0)]
        for each in self._events(min(free - len(orders), self._allowance())):
            self.state.published += 1
            orders.append(self._order(each.id, f"event/{each.kind}", each.payload, CONTENT_TYPE))
        if not self._in_flight:
            self._progress_ns = self._now_ns
        for order in orders:
            self._in_flight.add(order.ref)
            line.publish(order)

    def _allowance(self) -> int:
        """How many events may be tried now; one at a time, and ever more seldom, while the broker refuses all of them."""
        if not self._probes:
            return WINDOW
        return int(not self._in_flight and self._now_ns >= self._publish_ns)

    def _events(self, room: int) -> list[Outgoing]:
        """Up to `room` events that were never refused; when none is left and nothing in flight, one that was."""
        if room <= 0:
            return []
        refused = self._refusals.all
        fresh = self._outbox.waiting(room, self._in_flight | refused)
        if fresh or self._in_flight or not refused:
            return fresh
        not_yet = self._refusals.not_yet(self._now_ns)
        again = self._outbox.waiting(1, not_yet)
        if not again:
            self._refusals.forget(refused - not_yet - self._greetings.keys())  # they have left the outbox
        return again

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
