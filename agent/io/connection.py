"""One MQTT connection's life, from the look-up of the broker's name to the last byte: the only code that touches paho.

Of paho only the protocol is used, not its thread, its queue or its reconnection, for these keep messages that the
outbox also keeps: what is published while offline is queued and sent twice, an exception ends the thread while
`is_connected()` stays true, and a publish from another thread can write to the socket beside the network thread.
Here one thread of ours owns the client; orders and news pass through queues; a new connection is a new client.
ssl and paho are imported when there is something to connect to: not on the way to a unit's first frame.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from agent.config import ConfigError, UplinkConfig
from agent.io.identity import Identity, read_pem
from agent.io.link_words import explain, failure, not_spoken, refusal, refuses_us
from agent.io.patience import NO_QOS_1, NO_RETAIN, TOO_LARGE, UNSUPPORTED_VERSION

if TYPE_CHECKING:
    import ssl

SESSION_EXPIRY_S = 7 * 86_400  # a car parked for a week still finds what the broker kept for it
CONNECT_S = 15.0  # for TCP, and again for TLS: over 2G a round trip takes 2 s, and a handshake four of them
TURN_S = 1.0  # paho must look at its keepalive now and then; nothing else waits for this
RECEIVE_MAXIMUM = 20  # commands that wait for our acknowledgement: a megabyte at the most
COMMAND_PACKET_BYTES = 72_000  # MQTT 5: a broker keeps what is larger to itself; a command of 64,000 bytes, its topic, properties
PAHO_LOG_ERR = 0x08  # paho's MQTT_LOG_ERR

ONLINE = b'{"online":true}'
OFFLINE = b'{"online":false}'


class Order(NamedTuple):
    """One publish at QoS 1. `ref` is the event's id, or the topic of what is no event."""

    ref: str
    topic: str
    payload: bytes
    jws: str | None = None  # the detached signature; None where the payload is the JWS itself, or unsigned
    content_type: str = "application/json"
    retain: bool = False


class Acknowledgement(NamedTuple):
    """The PUBACK to a message that the broker delivered."""

    mid: int
    qos: int


class Subscription(NamedTuple):
    """The wish for what is published on `topic`."""

    topic: str


class Up(NamedTuple):
    """The broker has let us in."""

    receive_maximum: int  # how many unanswered publishes it takes


class Answered(NamedTuple):
    """The broker's PUBACK to one order."""

    ref: str
    code: int
    reason: str


class Received(NamedTuple):
    """A message on the topic of commands; the broker has no acknowledgement yet."""

    payload: bytes
    mid: int
    qos: int


class Subscribed(NamedTuple):
    """The broker's answer to our subscription. `refusal`: why not; None: it is granted."""

    refusal: str | None


class Lost(NamedTuple):
    """The connection is over, or never came to be; nothing follows. `words` None: it ended as it should."""

    words: str | None
    code: int | None = None  # the reason code in CONNACK or DISCONNECT; None: the broker said nothing


News: TypeAlias = Up | Answered | Received | Subscribed | Lost


class Connection(threading.Thread):
    """A connection: orders go in through `publish`, `subscribe` and `acknowledge`, `news` come out, `told` is set with each.

    The last news is always Lost, whatever happens.
    """

    def __init__(self, config: UplinkConfig, tls: ssl.SSLContext, unit: str, told: threading.Event) -> None:
        super().__init__(name="uplink", daemon=True)
        self.news: SimpleQueue[News] = SimpleQueue()
        self._config = config
        self._tls = tls
        self._unit = unit
        self._told = told
        self._orders: SimpleQueue[Order | Subscription | Acknowledgement] = SimpleQueue()
        self._bell, self._button = socket.socketpair()  # an order must end the thread's wait for the network
        self._bell.setblocking(False)
        self._button.setblocking(False)
        self._is_5 = config.protocol == "5"
        self._greeted = False
        self._finishing = False
        self._abandoned = False
        self._refs: dict[int, str] = {}  # packet identifier → ref, while unanswered
        self._largest_bytes: int | None = None  # the packet that the broker takes
        self._why: str | None = None  # the first thing that went wrong: the rest follows from it
        self._code: int | None = None

    def publish(self, order: Order) -> None:
        self._put(order)

    def subscribe(self) -> None:
        """To commands, at QoS 1; what comes is news, and stays unacknowledged until `acknowledge`."""
        self._put(Subscription(command_topic(self._unit)))

    def acknowledge(self, message: Received) -> None:
        """The broker may forget this message."""
        self._put(Acknowledgement(message.mid, message.qos))

    def finish(self) -> None:
        """Send what was ordered, wait for the answers, disconnect; the thread then ends."""
        self._finishing = True
        self._ring()

    def abandon(self) -> None:
        """Drop the connection without a word: the broker publishes the last will."""
        self._abandoned = True
        self._ring()

    def run(self) -> None:
        client = None
        try:
            client = self._client()
            session = {"clean_start": False, "properties": _session()} if self._is_5 else {}
            client.connect(self._config.host, self._config.port, self._config.keepalive_s, **session)
            self._live(client)
        except Exception as e:  # noqa: BLE001 — whatever it was, the daemon is told and goes on
            self._blame(explain(e, self._config))
        finally:
            if client is not None and client.socket() is not None:
                client.socket().close()
            self._bell.close()
            self._button.close()
            self._tell(Lost(self._verdict(), self._code))

    def _live(self, client: Any) -> None:
        """Turn until the socket is gone: closed by paho after a loss, or after it has written a DISCONNECT."""
        disconnecting = False
        while not self._abandoned and (sock := client.socket()) is not None:
            self._send_orders(client)
            if self._finishing and not self._refs and not disconnecting:
                disconnecting = True
                client.disconnect()
            else:
                _turn(client, sock, self._bell)

    def _send_orders(self, client: Any) -> None:
        with contextlib.suppress(Empty):
            while True:
                match self._orders.get_nowait():
                    case Order() as order:
                        self._publish(client, order)
                    case Subscription(topic):
                        client.subscribe(topic, qos=1)
                    case Acknowledgement(mid, qos):
                        client.ack(mid, qos)

    def _publish(self, client: Any, order: Order) -> None:
        properties = beside(order) if self._is_5 else None
        size = packet_bytes(order, len(properties.pack()) if properties else 0)
        if self._largest_bytes is not None and size > self._largest_bytes:
            words = f"Packet too large: {size} bytes, and the broker takes {self._largest_bytes}"
            self._tell(Answered(order.ref, TOO_LARGE, words))
            return
        info = client.publish(order.topic, order.payload, qos=1, retain=order.retain, properties=properties)
        self._refs[info.mid] = order.ref

    def _client(self) -> Any:
        from paho.mqtt import client as paho

        protocol, session = (paho.MQTTv5, {}) if self._is_5 else (paho.MQTTv311, {"clean_session": False})
        client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            self._unit,
            protocol=protocol,
            reconnect_on_failure=False,
            manual_ack=True,
            **session,
        )
        client.connect_timeout = CONNECT_S
        client.tls_set_context(self._tls)
        client.will_set(f"keyoff/{self._unit}/link", OFFLINE, qos=1, retain=True)
        client.on_socket_open = self._on_socket_open  # unguarded: it ends the attempt by raising
        client.on_connect = self._guarded(self._on_connect)
        client.on_publish = self._guarded(self._on_publish)
        client.on_subscribe = self._guarded(self._on_subscribe)
        client.on_message = self._guarded(self._on_message)
        client.on_disconnect = self._guarded(self._on_disconnect)
        client.on_log = self._guarded(self._on_log)
        return client

    def _guarded(self, callback: Callable[..., None]) -> Callable[..., None]:
        def call(*args: Any) -> None:
            try:
                callback(*args)
            except Exception as e:  # noqa: BLE001 — one bad packet costs this connection, not the uplink
                self._blame(f"an answer of the broker was not understood: {e!r}")
                self._abandoned = True

        return call

    def _on_socket_open(self, _client: Any, _data: Any, _sock: Any) -> None:
        """TLS stands, and CONNECT comes next: given up in the meantime, it would throw out the connection that came after us."""
        if self._abandoned:
            raise ConnectionAbortedError("given up")

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._refused(reason)
        elif getattr(properties, "MaximumQoS", 1) < 1:
            self._unfit("QoS 1", NO_QOS_1)
        elif not getattr(properties, "RetainAvailable", 1):
            self._unfit("retained messages", NO_RETAIN)
        else:
            self._greeted = True
            self._largest_bytes = getattr(properties, "MaximumPacketSize", None)
            self._tell(Up(getattr(properties, "ReceiveMaximum", 65_535)))  # MQTT 5 §3.2.2.3.3: the default

    def _on_publish(self, _client: Any, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        self._tell(Answered(self._refs.pop(mid), reason.value, str(reason)))

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: list[Any], _properties: Any) -> None:
        self._tell(Subscribed(next((str(reason) for reason in reasons if reason.is_failure), None)))

    def _on_message(self, client: Any, _data: Any, message: Any) -> None:
        """From a session that the broker kept it may come before we subscribe. amqtt 0.12 brings retained messages of others."""
        with contextlib.suppress(UnicodeDecodeError):  # a topic that is no text is none of ours
            if message.topic == command_topic(self._unit):
                self._tell(Received(bytes(message.payload), message.mid, message.qos))
                return
        client.ack(message.mid, message.qos)

    def _on_disconnect(self, _client: Any, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if flags.is_disconnect_packet_from_server:
            self._refused(reason)
        elif not self._is_5 and not self._greeted and str(reason) == "Protocol error":  # all that paho says of code 1 in CONNACK
            self._blame(not_spoken(self._config), UNSUPPORTED_VERSION)

    def _refused(self, reason: Any) -> None:
        self._blame(refusal(str(reason), self._config, self._unit), reason.value)

    def _unfit(self, what: str, code: int) -> None:
        where = f"{self._config.host}:{self._config.port}"
        self._blame(f"{where} offers no {what}, which Keyoff needs: set uplink.host to a broker that does", code)
        self._abandoned = True

    def _on_log(self, _client: Any, _data: Any, level: int, text: str) -> None:
        if level == PAHO_LOG_ERR and (self._greeted or refuses_us(text)):  # an end before the greeting: see _verdict
            self._blame(failure(text, self._config))

    def _blame(self, words: str, code: int | None = None) -> None:
        if self._why is None:
            self._why, self._code = words, code

    def _verdict(self) -> str | None:
        if self._why or self._abandoned or (self._finishing and not self._refs):
            return self._why
        where = f"{self._config.host}:{self._config.port}"
        if self._greeted:
            return f"the connection to {where} was lost"
        doubt = ' or speak no MQTT 5 (then set uplink.protocol = "3.1.1")' if self._is_5 else ""
        return (
            f"{where} hung up without a greeting, as brokers do that refuse uplink.certificate {self._config.certificate}{doubt}"
        )

    def _put(self, order: Order | Subscription | Acknowledgement) -> None:
        self._orders.put(order)
        self._ring()

    def _tell(self, news: News) -> None:
        self.news.put(news)
        self._told.set()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # full: it rings already; closed: nobody waits any more
            self._button.send(b"\0")


def tls_context(config: UplinkConfig, base: Path, identity: Identity) -> ssl.SSLContext:
    """The broker checked against the CA file and by name, always; ourselves by certificate. Raises ConfigError."""
    import ssl

    ca = base / config.ca
    pem = read_pem(ca, "uplink.ca")
    try:
        context = ssl.create_default_context(cadata=pem.decode("ascii"))
    except (ssl.SSLError, ValueError):
        raise ConfigError(
            f"uplink.ca: {ca} holds no certificate in PEM form: put that of the CA there that signed the broker's"
        ) from None
    try:
        context.load_cert_chain(identity.certificate_file, identity.key_file)
    except (ssl.SSLError, OSError) as e:
        raise ConfigError(
            f"uplink.certificate: {identity.certificate_file} is no use for TLS ({e}): install a new pair"
        ) from None
    return context


def command_topic(unit: str) -> str:
    return f"keyoff/{unit}/command"


def _turn(client: Any, sock: Any, bell: socket.socket) -> None:
    """Wait for the network or the bell, then let paho do what there is to do."""
    pending = sock.pending() > 0  # TLS may have read more than was asked for, which select does not see
    readable, writable, _ = select.select([sock, bell], [sock] if client.want_write() else [], [], 0 if pending else TURN_S)
    if bell in readable:
        bell.recv(4096)
    if pending or sock in readable:
        client.loop_read()
    if sock in writable:
        client.loop_write()
    client.loop_misc()


def packet_bytes(order: Order, properties_bytes: int) -> int:
    """The size of an order's PUBLISH packet at QoS 1 (MQTT 5 §3.3; on 3.1.1 there are no properties)."""
    rest = 2 + len(order.topic.encode()) + 2 + properties_bytes + len(order.payload)
    return 1 + (1 if rest < 1 << 7 else 2 if rest < 1 << 14 else 3 if rest < 1 << 21 else 4) + rest


def _session() -> Any:
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = SESSION_EXPIRY_S
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    properties.MaximumPacketSize = COMMAND_PACKET_BYTES
    return properties


def beside(order: Order) -> Any:
    """What MQTT 5 carries beside the payload."""
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    properties = Properties(PacketTypes.PUBLISH)
    properties.ContentType = order.content_type
    if order.jws is not None:
        properties.UserProperty = ("jws", order.jws)
    return properties
