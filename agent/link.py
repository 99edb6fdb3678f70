"""One MQTT 5 connection over TLS (§4). The only module that knows the MQTT library.

A link lives for one connection: what it could not deliver is healed by the next hello, never by the library.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from agent.loop import Loop, Timer
from mqtt.contract.limits import PAYLOAD_MAX, SESSION_EXPIRY_S, WILL_DELAY_S

log = logging.getLogger("agent.link")
CONNECT_TIMEOUT_S = 20.0
RECEIVE_MAXIMUM = 64
MAXIMUM_PACKET = 262_144
LAST_WORD_S = 2.0
FAILED = 0x80
"""Reason given to `done` callbacks when the connection ends before the answer."""
TURNED_AWAY = frozenset({0x87, 0x8B, 0x98})
"""Reasons (MQTT 5, 2.4) of a broker that will not have this phone: not authorised, shutting down, an administrator."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, as whom; `keep_alive` in seconds."""

    host: str
    port: int
    device_id: str
    keep_alive: int


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says when the phone falls silent."""

    topic: str
    payload: bytes


class Watcher:
    """What a link tells its owner; each call comes on the loop's thread."""

    def link_up(self, link: Link, *, session_present: bool) -> None:
        """CONNACK with success."""

    def link_down(self, link: Link, reason: str, *, refused: bool) -> None:
        """The end, once: `refused` when TLS or the broker turned the phone away."""

    def link_message(self, link: Link, topic: str, payload: bytes) -> None:
        """A message; it is acknowledged when this returns."""


Done = Callable[[int], object]


class Link:
    """One connection; made on the loop's thread, used there alone."""

    def __init__(self, loop: Loop, target: Target, context: ssl.SSLContext, will: Will, watcher: Watcher) -> None:
        self._loop = loop
        self._target = target
        self._watcher = watcher
        self._waiting: dict[int, Done] = {}
        self._sock: socket.socket | None = None
        self._writing = False
        self._delivering = False
        self._ended: bool = False
        self._greeted = False
        self._timer: Timer | None = None
        self._client = self._make(context, will)

    def _make(self, context: ssl.SSLContext, will: Will) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._target.device_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.tls_set_context(context)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(RECEIVE_MAXIMUM)
        properties = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
        properties.WillDelayInterval = WILL_DELAY_S
        client.will_set(will.topic, will.payload, qos=1, retain=False, properties=properties)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_codes
        client.on_unsubscribe = self._on_codes
        return client

    @property
    def alive(self) -> bool:
        """Between CONNACK and the end."""
        return self._greeted and not self._ended

    def open(self) -> None:
        """Begin; the TLS handshake blocks, so a pool thread does it."""
        self._loop.submit_connect(self._connect, self._connected)

    def _connect(self) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        properties.MaximumPacketSize = MAXIMUM_PACKET
        self._client.connect(
            self._target.host,
            self._target.port,
            keepalive=self._target.keep_alive,
            clean_start=False,
            properties=properties,
        )

    def _connected(self, outcome: object) -> None:
        if isinstance(outcome, Exception):
            refused = isinstance(outcome, ssl.SSLError) and not isinstance(outcome, ssl.SSLCertVerificationError)
            self._end(f"{type(outcome).__name__}", refused=refused)
            return
        found: Any = self._client.socket()
        if found is None:
            self._end("connection lost", refused=False)
            return
        if self._ended:
            found.close()
            return
        self._sock = found
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.watch(found, self)
        self._timer = self._loop.call_later(CONNECT_TIMEOUT_S, self._patience_ended)
        self.on_readable()

    def _patience_ended(self) -> None:
        if not self._greeted:
            self._end("no CONNACK", refused=False)

    # Socket events

    def on_readable(self) -> None:
        """Take all that the socket and the TLS layer hold."""
        while not self._ended:
            self._client.loop_read()
            # The TLS layer may hold more than one packet, of which the selector knows nothing.
            if not self._pending():
                break
        self._flush()

    def _pending(self) -> bool:
        if self._ended:
            return False
        return isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0

    def on_writable(self) -> None:
        """Go on writing."""
        self._flush()

    def _flush(self) -> None:
        # Inside the library's message callback a failing write would wait for that callback's own lock for ever;
        # `on_readable` flushes as soon as the callback has returned.
        if self._ended or self._sock is None or self._delivering:
            return
        if self._client.want_write():
            self._client.loop_write()
        self._mind_writing()

    def _mind_writing(self) -> None:
        if self._sock is not None and self._client.want_write() != self._writing:
            self._writing = not self._writing
            self._loop.watch(self._sock, self, write=self._writing)

    def _misc(self) -> None:
        if self._ended:
            return
        self._client.loop_misc()
        self._flush()
        if not self._ended:
            self._timer = self._loop.call_later(self._target.keep_alive / 4, self._misc)

    # Orders

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, done: Done | None = None
    ) -> None:
        """Publish; `done` gets the PUBACK's reason code, or `FAILED` when the connection ends first.

        Raises ValueError above the payload limit: the broker would drop the connection for it.
        """
        if len(payload) > PAYLOAD_MAX:
            raise ValueError(f"payload of {len(payload)} bytes on {topic.rsplit('/', 1)[-1]}")
        self._send(topic, payload, qos, retain, done)

    def publish_unchecked(self, topic: str, payload: bytes, *, retain: bool, done: Done | None = None) -> None:
        """Publish without the size check, for tests of the broker's own limits."""
        self._send(topic, payload, 1, retain, done)

    def _send(self, topic: str, payload: bytes, qos: int, retain: bool, done: Done | None) -> None:
        if self._ended:
            if done is not None:
                done(FAILED)
            return
        info = self._client.publish(topic, payload, qos=qos, retain=retain)
        if done is not None:
            self._waiting[info.mid] = done
        self._flush()

    def subscribe(self, *filters: str, done: Done | None = None) -> None:
        """Subscribe with QoS 1; `done` gets the highest reason code."""
        options = SubscribeOptions(qos=1)
        mid = self._client.subscribe([(item, options) for item in filters])[1] if not self._ended else None
        self._expect(mid, done)

    def unsubscribe(self, topic_filter: str, done: Done | None = None) -> None:
        """Unsubscribe."""
        mid = self._client.unsubscribe(topic_filter)[1] if not self._ended else None
        self._expect(mid, done)

    def _expect(self, mid: int | None, done: Done | None) -> None:
        if done is not None:
            if mid is None:
                done(FAILED)
            else:
                self._waiting[mid] = done
        self._flush()

    def close(self, topic: str, last_word: bytes) -> None:
        """Say the last word, wait for its PUBACK, then DISCONNECT: the broker drops the Will."""
        if not self.alive:
            self._end("closed", refused=False)
            return
        # A socket that is closed with unread bytes is reset, and what was just written may be lost.
        self._loop.call_later(LAST_WORD_S, self._bye, FAILED)
        self._send(topic, last_word, 1, False, self._bye)

    def _bye(self, _code: int) -> None:
        if self._sock is not None:
            self._client.disconnect()
            self._flush()
        self._end("closed", refused=False)

    def drop(self) -> None:
        """Cut the connection without a word, as a phone that loses its network."""
        self._end("dropped", refused=False)

    # Library callbacks: an exception here would leave the client half dead, so each catches all

    def _on_connect(self, _c: Any, _u: Any, flags: paho.ConnectFlags, code: ReasonCode, _p: Any) -> None:
        if code.is_failure:
            self._loop.call_soon(self._refused, str(code))
            return
        self._greeted = True
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(self._target.keep_alive / 4, self._misc)
        self._loop.call_soon(self._announce, flags.session_present)

    def _announce(self, session_present: bool) -> None:
        if not self._ended:
            self._watcher.link_up(self, session_present=session_present)

    def _refused(self, reason: str) -> None:
        self._end(reason, refused=True)

    def _on_disconnect(self, _c: Any, _u: Any, _f: Any, code: ReasonCode, _p: Any) -> None:
        # With TLS 1.3 the refusal of a client certificate shows only here, before any CONNACK.
        refused = not self._greeted or code.value in TURNED_AWAY
        self._end(str(code), refused=refused)

    def _on_message(self, _c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        self._delivering = True
        try:
            self._watcher.link_message(self, message.topic, bytes(message.payload))
        except Exception:
            log.exception("a message could not be handled")
        finally:
            self._delivering = False

    def _on_publish(self, _c: Any, _u: Any, mid: int, code: ReasonCode, _p: Any) -> None:
        self._answer(mid, code.value)

    def _on_codes(self, _c: Any, _u: Any, mid: int, codes: list[ReasonCode], _p: Any) -> None:
        self._answer(mid, max((code.value for code in codes), default=0))

    def _answer(self, mid: int, code: int) -> None:
        done = self._waiting.pop(mid, None)
        if done is not None:
            self._loop.call_soon(done, code)

    def _end(self, reason: str, *, refused: bool) -> None:
        if self._ended:
            return
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        if self._sock is not None:
            self._loop.unwatch(self._sock)
            self._sock.close()
            self._sock = None
        waiting, self._waiting = self._waiting, {}
        for done in waiting.values():
            self._loop.call_soon(done, FAILED)
        self._loop.call_soon(self._gone, reason, refused)

    def _gone(self, reason: str, refused: bool) -> None:
        self._watcher.link_down(self, reason, refused=refused)
