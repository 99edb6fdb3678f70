"""Low-level hooks for tests: any bytes on any topic, any claims under the phone's key; from any thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from agent.connection import Connection
from agent.controls import on_loop
from agent.core import Core
from agent.heart import Heart
from agent.http import Answer
from agent.link import FAILED
from mqtt.contract import topics
from mqtt.contract.names import Typ, Up


class Probe:
    """Lets a test make a phone misbehave."""

    def __init__(self, core: Core, connection: Connection, heart: Heart) -> None:
        self.loop = core.loop
        self._core = core
        self._connection = connection
        self._heart = heart

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, timeout: float = 10.0) -> int:
        """Publish any bytes on any topic with QoS 1; gives the PUBACK's reason code, `FAILED` when cut off."""
        return self._await(
            lambda done: (
                self._core.link.publish_unchecked(topic, payload, retain=retain, done=done)
                if self._core.link is not None
                else done(FAILED)
            ),
            timeout,
        )

    def publish_up(self, kind: Up | str, payload: bytes, *, retain: bool = False) -> int:
        """Publish any bytes on one of the phone's own topics; gives the PUBACK's reason code."""
        return self.publish(topics.up(self._core.id, kind), payload, retain=retain)

    def subscribe(self, topic_filter: str, timeout: float = 10.0) -> int:
        """Subscribe to any filter; gives the reason code."""
        return self._await(
            lambda done: (
                self._core.link.subscribe(topic_filter, done=done) if self._core.link is not None else done(FAILED)
            ),
            timeout,
        )

    def _await(self, order: Callable[[Callable[[int], object]], object], timeout: float) -> int:
        answered: Future[int] = Future()
        self.loop.call_soon(order, answered.set_result)
        return answered.result(timeout)

    @on_loop
    def sign(self, typ: Typ | str, members: dict[str, Any]) -> bytes:
        """A JWS of this phone over any members (`sub`, `jti`, `iat` are added)."""
        return self._core.sign(str(typ), members).encode()

    @on_loop
    def seal(self, plain: bytes) -> bytes:
        """A JWE to the server."""
        return self._core.seal(plain)

    @on_loop
    def hello_members(self) -> dict[str, Any]:
        """The members of a hello at this moment."""
        return self._connection.hello_members()

    @on_loop
    def heartbeat_members(self) -> dict[str, Any]:
        """The members of a heartbeat at this moment."""
        return self._heart.body().wire()

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """A device request with a fresh JWT; `path` as `device/status`."""
        return self._core.api.request(method, path, body=body, headers=headers)

    @property
    def received(self) -> list[tuple[str, bytes]]:
        """Topics and payloads that arrived, with the option `trace`."""
        return list(self._connection.received)
