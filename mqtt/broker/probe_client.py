"""A small MQTT client that does one thing at a time and waits for its answer: for canaries and kicks.

It runs the network itself, in the calling thread, so nothing of it is left when it is closed.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from core.clock import monotonic
from mqtt.broker.errors import BrokerAway
from mqtt.broker.types import ServiceEndpoint

ANSWER_SECONDS = 15
"""For what must come: only a broker that is away takes so long, however busy the machine. Nothing waits for silence."""


class Refused(Exception):
    """The broker is there and said no: in the TLS handshake, or with a reason code."""


class ProbeClient:
    """One connection. Use as a context manager; every method raises BrokerAway when no answer comes in time."""

    def __init__(self, host: str, port: int, *, unix: bool = False, client_id: str = "") -> None:
        self._host = host
        self._port = port
        self._accepted: bool | None = None
        self._code: ReasonCode | None = None
        self._ended = False
        self._published: dict[int, int] = {}
        self._subscribed: set[int] = set()
        self.received: list[tuple[str, bytes]] = []
        self.maximum_qos: int | None = None
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            transport="unix" if unix else "tcp",
        )
        self._client.connect_timeout = ANSWER_SECONDS
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    @classmethod
    def service(cls, endpoint: ServiceEndpoint, client_id: str, password: str | None = None) -> Self:
        """A client of the server's own listener, with the endpoint's password or the given one."""
        client = cls(endpoint.host, endpoint.port, unix=endpoint.transport == "unix", client_id=client_id)
        client._client.username_pw_set(endpoint.username, endpoint.password if password is None else password)
        if endpoint.tls:
            client._client.tls_set_context(ssl.create_default_context(cafile=endpoint.ca_file))
        return client

    @classmethod
    def phone(cls, host: str, port: int, ca_file: Path, identity: Path | None, client_id: str = "") -> Self:
        """A client of the phones' listener, with the certificate and key in `identity` or with none."""
        context = ssl.create_default_context(cafile=ca_file)
        # The canary may reach the listener by another name than phones are told; the CA alone is what it checks.
        context.check_hostname = False
        if identity:
            context.load_cert_chain(identity)
        client = cls(host, port, client_id=client_id)
        client._client.tls_set_context(context)
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def connect(self) -> None:
        """Connect with a clean start and wait for the answer. Raises Refused."""
        try:
            self._client.connect(self._host, self._port, keepalive=ANSWER_SECONDS, clean_start=True)
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError) as error:
            raise Refused(type(error).__name__) from error
        except (OSError, ValueError) as error:
            raise BrokerAway(f"{self._host}: {error}") from error
        self._run_until(lambda: self._accepted is not None or self._ended)
        if not self._accepted:
            raise Refused(str(self._code) if self._code else "connection closed")

    def publish(self, topic: str, payload: bytes = b"", *, retain: bool = False) -> int:
        """Publish with QoS 1 and return the reason code of the broker's answer (0 and 0x10 mean taken).

        Raises BrokerAway.
        """
        mid = self.send(topic, payload, retain=retain)
        if not self._answers(mid):
            raise BrokerAway("the connection ended before the answer to a publish")
        return self._published[mid]

    def answered(self, topic: str) -> bool:
        """Whether the broker answers a publish on this connection; False when it has ended it."""
        return self._answers(self.send(topic, b""))

    def send(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """Publish with QoS 1 without waiting; returns the packet's id."""
        return self._client.publish(topic, payload, qos=1, retain=retain).mid

    def subscribe(self, *filters: str) -> None:
        """Subscribe to the filters with QoS 1 and wait for the answer."""
        _, mid = self._client.subscribe([(name, 1) for name in filters])
        self._run_until(lambda: mid in self._subscribed or self._ended)

    def wait_for(self, topic: str) -> bool:
        """Whether a message on that topic came in time."""
        with contextlib.suppress(BrokerAway):
            self._run_until(lambda: self._ended or any(name == topic for name, _ in self.received))
        return any(name == topic for name, _ in self.received)

    def wait_for_end(self, seconds: float) -> bool:
        """Whether the broker ends the connection within that time."""
        with contextlib.suppress(BrokerAway):
            self._run_until(lambda: self._ended, seconds)
        return self._ended

    def close(self) -> None:
        """Say goodbye where there is somebody to say it to."""
        with contextlib.suppress(OSError, ValueError):
            self._client.disconnect()

    def _answers(self, mid: int) -> bool:
        self._run_until(lambda: mid in self._published or self._ended)
        return mid in self._published

    def _run_until(self, done: Callable[[], bool], seconds: float = ANSWER_SECONDS) -> None:
        end = monotonic() + seconds
        while not done():
            left = end - monotonic()
            if left <= 0:
                raise BrokerAway(f"{self._host} did not answer within {seconds:g} s")
            if self._client.loop(min(left, 0.5)) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._ended = True

    def _on_connect(
        self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, properties: Properties | None
    ) -> None:
        self._accepted = not code.is_failure
        self._code = code
        self.maximum_qos = getattr(properties, "MaximumQoS", None)

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: Any, _code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._ended = True

    def _on_publish(
        self, _client: Client, _data: Any, mid: int, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._published[mid] = code.value

    def _on_subscribe(
        self, _client: Client, _data: Any, mid: int, _codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._subscribed.add(mid)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self.received.append((message.topic, bytes(message.payload)))
