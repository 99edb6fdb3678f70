"""The server's own MQTT 5 client: a thin shell around paho, the only place that knows it.

Every callback catches what it raises: an exception would end paho's thread while it still looks connected.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from core.log import get_logger
from mqtt.broker.types import ServiceEndpoint
from mqtt.client_burst import BurstClient

KEEP_ALIVE_S = 30
SESSION_EXPIRY_S = 7 * 86400
RECEIVE_MAXIMUM = 2000
RECONNECT_MIN_S, RECONNECT_MAX_S = 1, 10
RETAIN_NEVER = 2

log = get_logger(__name__)
OnMessage = Callable[[str, bytes, bool, int], None]
OnPublished = Callable[[int, int], None]
OnConnected = Callable[[bool], None]


class ServiceClient:
    """One connection of a service user, with a session that outlives restarts of either side.

    `on_message(topic, payload, retained, mid)`: acknowledge with :meth:`ack_all` once it is stored.
    `on_published(mid, reason code)`; `on_connected(session was present)`. All run in paho's thread and must not block.
    """

    def __init__(
        self,
        endpoint: ServiceEndpoint,
        client_id: str,
        *,
        subscribe: str | None = None,
        on_message: OnMessage | None = None,
        on_published: OnPublished | None = None,
        on_connected: OnConnected | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._subscribe = subscribe
        self._on_message, self._on_published, self._on_connected = on_message, on_published, on_connected
        client = BurstClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=paho.MQTTv5,
            transport=endpoint.transport,
            manual_ack=on_message is not None,
        )
        client.username_pw_set(endpoint.username, endpoint.password)
        if endpoint.tls:
            client.tls_set_context(ssl.create_default_context(cafile=endpoint.ca_file and str(endpoint.ca_file)))
        # paho scans its table of outgoing messages at every PUBACK when it bounds them itself; the relay bounds them.
        client.max_inflight_messages_set(0)
        client.max_queued_messages_set(0)
        client.reconnect_delay_set(RECONNECT_MIN_S, RECONNECT_MAX_S)
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        client.on_message, client.on_publish = self._received, self._published
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

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None) -> int | None:
        """Publish with QoS 1; the message id, or None while there is no connection."""
        properties = None
        if expiry_s is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = max(1, expiry_s)
        sent = self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        return sent.mid if sent.rc == paho.MQTT_ERR_SUCCESS else None

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

    def _received(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        try:
            if self._on_message:
                self._on_message(message.topic, bytes(message.payload), message.retain, message.mid)
        except Exception:
            log.exception("callback_failed", callback="received")
            client.ack(message.mid, message.qos)

    def _published(self, _client: Any, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        if self._on_published:
            self._on_published(mid, reason.value)
