"""The server's own MQTT 5 client: a thin shell around paho, the only place that knows it.

Every callback catches what it raises: an exception would end paho's thread while it still looks connected.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from core.log import get_logger
from mqtt.broker.types import ServiceEndpoint
from mqtt.client_burst import BurstClient, OnAnswers, OnMessages
from mqtt.packets import Answer, Outgoing, Received

KEEP_ALIVE_S = 30
SESSION_EXPIRY_S = 7 * 86400
RECEIVE_MAXIMUM = 2000
RECONNECT_MIN_S, RECONNECT_MAX_S = 0.2, 10
RETAIN_NEVER = 2

log = get_logger(__name__)
T = TypeVar("T")
OnConnected = Callable[[bool], None]


class ServiceClient:
    """One connection of a service user, with a session that outlives restarts of either side.

    `on_messages`: acknowledge with :meth:`ack_all` once they are stored. `on_answers`: how publishing went.
    `on_connected(session was present)`. All run in paho's thread and must not block.
    """

    def __init__(
        self,
        endpoint: ServiceEndpoint,
        client_id: str,
        *,
        subscribe: str | None = None,
        on_messages: OnMessages | None = None,
        on_answers: OnAnswers | None = None,
        on_connected: OnConnected | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._subscribe = subscribe
        self._on_messages, self._on_answers, self._on_connected = on_messages, on_answers, on_connected
        client = BurstClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=paho.MQTTv5,
            transport=endpoint.transport,
            on_messages=self._received,
            on_answers=self._answered,
        )
        client.username_pw_set(endpoint.username, endpoint.password)
        if endpoint.tls:
            client.tls_set_context(ssl.create_default_context(cafile=endpoint.ca_file and str(endpoint.ca_file)))
        # At a start the broker is there a moment later; the library asks for whole seconds and works with any.
        client.reconnect_delay_set(RECONNECT_MIN_S, RECONNECT_MAX_S)  # type: ignore[arg-type]
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        self._client = client

    def start(self) -> None:
        """Connect in the background and stay connected; never raises for a broker that is away."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        self._client.connect_async(
            self._endpoint.host,
            self._endpoint.port,
            keepalive=KEEP_ALIVE_S,
            clean_start=False,
            properties=properties,
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect and end the thread; the broker keeps the session."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def connected(self) -> bool:
        """Whether the broker accepted us and nothing was heard to the contrary."""
        return self._client.is_connected()

    def ack_all(self, mids: Sequence[int]) -> None:
        """Acknowledge received messages."""
        self._client.ack_all(mids)

    def publish_all(self, messages: Sequence[Outgoing]) -> list[int]:
        """Publish with QoS 1; the message ids, or none while there is no connection. Whoever publishes bounds how many.

        What has no answer when a connection ends is not sent again: its publisher is told of the next connection.
        """
        return self._client.publish_all(messages)

    def _connected(self, client: paho.Client, _data: Any, flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            log.warning("broker_refused", client=self._endpoint.username, reason=str(reason))
            return
        log.info("broker_connected", client=self._endpoint.username, session_present=flags.session_present)
        try:
            if self._subscribe:
                options = SubscribeOptions(qos=1, retainAsPublished=True, retainHandling=RETAIN_NEVER)
                client.subscribe(self._subscribe, options=options)
            if self._on_connected:
                self._on_connected(bool(flags.session_present))
        except Exception:
            log.exception("callback_failed", callback="connected")

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        log.warning("broker_disconnected", client=self._endpoint.username, reason=str(reason))

    def _received(self, messages: list[Received]) -> None:
        self._hand("messages", self._on_messages, messages)

    def _answered(self, answers: list[Answer]) -> None:
        self._hand("answers", self._on_answers, answers)

    def _hand(self, what: str, taker: Callable[[list[T]], None] | None, burst: list[T]) -> None:
        try:
            if taker:
                taker(burst)
        except Exception:
            log.exception("callback_failed", callback=what)
