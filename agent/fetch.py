"""Blobs: by MQTT first, else by HTTP, and never believed before size, digest and key fit (§7)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from agent import crypto
from agent.core import Core
from agent.errors import AgentError, RequestFailed, Untrusted
from agent.http import Answer, expected
from agent.loop import Timer
from mqtt.contract import codec, topics
from mqtt.contract.codec import BadPayload
from mqtt.contract.desired import BundleRef
from mqtt.contract.limits import BLOB_MQTT_MAX, BLOB_UNPACKED_MAX

log = logging.getLogger("agent.fetch")
Got = Callable[[bytes | AgentError], object]


class Fetcher:
    """Fetches blobs for one phone."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._waiting: dict[str, _Fetch] = {}
        self.held: set[str] = set()

    def get(self, ref: BundleRef, got: Got) -> None:
        """Give the checked bytes of a blob to `got`, or the error."""
        stored = self._core.store.blob(ref.digest) if ref.digest in self.held else None
        if stored is not None:
            got(stored)
            return
        waiting = self._waiting.get(ref.digest)
        if waiting is not None:
            waiting.takers.append(got)
            return
        fetch = self._waiting[ref.digest] = _Fetch(ref, [got])
        link = self._core.link
        if ref.size > BLOB_MQTT_MAX or link is None or not link.alive:
            self._by_http(fetch)
            return
        fetch.timer = self._core.loop.call_later(self._core.options.blob_wait, self._by_http, fetch)
        link.subscribe(topics.blob(ref.digest))

    def cancel(self) -> None:
        """Forget all that is on its way: something newer is wanted."""
        for fetch in self._waiting.values():
            fetch.takers.clear()
            self._leave_topic(fetch)
        self._waiting.clear()

    def on_blob(self, digest: str, payload: bytes) -> None:
        """Bytes came on a blob's topic."""
        fetch = self._waiting.get(digest)
        if fetch is None or fetch.by_http:
            return
        if _fits(fetch.ref, payload):
            self._finish(fetch, payload)
        else:
            self._by_http(fetch)

    def _by_http(self, fetch: _Fetch) -> None:
        if fetch.by_http:
            return
        fetch.by_http = True
        self._leave_topic(fetch)
        path = f"device/blobs/{fetch.ref.digest}"
        self._core.ask(lambda: self._core.api.request("GET", path), lambda got: self._answered(fetch, got))

    def _answered(self, fetch: _Fetch, got: Answer | Exception) -> None:
        try:
            blob = expected(got, 200).body
        except AgentError as error:
            self._finish(fetch, error)
            return
        self._finish(fetch, blob if _fits(fetch.ref, blob) else RequestFailed(200, "blob_digest"))

    def _finish(self, fetch: _Fetch, outcome: bytes | AgentError) -> None:
        self._leave_topic(fetch)
        if self._waiting.get(fetch.ref.digest) is fetch:
            del self._waiting[fetch.ref.digest]
        if isinstance(outcome, bytes) and fetch.takers:
            self._core.store.put_blob(fetch.ref.digest, outcome)
            self.held.add(fetch.ref.digest)
        for taker in fetch.takers:
            taker(outcome)

    def _leave_topic(self, fetch: _Fetch) -> None:
        if fetch.timer is not None:
            fetch.timer.cancel()
            fetch.timer = None
            if self._core.link is not None and self._core.link.alive:
                self._core.link.unsubscribe(topics.blob(fetch.ref.digest))


class _Fetch:
    def __init__(self, ref: BundleRef, takers: list[Got]) -> None:
        self.ref = ref
        self.takers = takers
        self.by_http = False
        self.timer: Timer | None = None


def _fits(ref: BundleRef, blob: bytes) -> bool:
    return len(blob) == ref.size and crypto.sha256_hex(blob) == ref.digest


@lru_cache(maxsize=256)
def open_document(blob: bytes, key: str) -> dict[str, Any]:
    """The JSON object inside a blob; equal blobs of many phones are opened once. Raises Untrusted."""
    try:
        return codec.decode_object(crypto.open_blob(blob, key), limit=BLOB_UNPACKED_MAX)
    except BadPayload as error:
        raise Untrusted("blob_form", error.reason) from None
