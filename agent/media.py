"""Files to the server over tus 1.0 (§9)."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from urllib.parse import urlsplit

from agent import crypto
from agent.backoff import Backoff
from agent.core import Core
from agent.errors import AgentError, RequestFailed
from agent.handset import Handset
from agent.http import DeviceApi
from agent.policy import PolicyDesk

log = logging.getLogger("agent.media")
CHUNK = 1_048_576
RETRY_FIRST_S = 5.0
HOPELESS = frozenset({400, 403, 404, 409, 413, 415, 422})
_VERSION = {"Tus-Resumable": "1.0.0"}


def upload(api: DeviceApi, content: bytes, media_type: str, *, kind: str | None = None) -> str:
    """Upload a file and give its media id. Blocks. Raises RequestFailed."""
    metadata = {"sha256": crypto.sha256_hex(content), "type": media_type, **({"kind": kind} if kind else {})}
    created = api.request(
        "POST",
        "media",
        headers={
            **_VERSION,
            "Upload-Length": str(len(content)),
            "Upload-Metadata": ",".join(f"{name} {_b64(value)}" for name, value in metadata.items()),
        },
    ).expect(200, 201)
    location = created.headers.get("location", "")
    if not location:
        raise RequestFailed(created.status, "no_location")
    offset = int(created.headers.get("upload-offset", "0"))
    while offset < len(content):
        offset = _patch(api, location, content, offset)
    return urlsplit(location).path.rstrip("/").rsplit("/", 1)[-1]


def _patch(api: DeviceApi, location: str, content: bytes, offset: int) -> int:
    answer = api.request(
        "PATCH",
        location,
        headers={
            **_VERSION,
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
        },
        body=content[offset : offset + CHUNK],
    )
    if answer.status == 409:
        answer = api.request("HEAD", location, headers=_VERSION).expect(200, 204)
    reached = int(answer.expect(200, 204).headers.get("upload-offset", "-1"))
    if reached <= offset:
        raise RequestFailed(answer.status, "no_progress")
    return reached


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class MediaQueue:
    """Uploads the files of records, one at a time, before their records may go."""

    def __init__(self, core: Core, handset: Handset, policy: PolicyDesk) -> None:
        self._core = core
        self._handset = handset
        self._policy = policy
        self._backoff = Backoff(core.rng, RETRY_FIRST_S)
        self._busy = False
        self.passed: Callable[[], object] = lambda: None

    def go(self) -> None:
        """Upload the next file, where the network is one that the policy allows."""
        waiting = self._core.store.waiting_media()
        if waiting is None or self._busy or not self._core.online or not self._network_fits():
            return
        sha256 = waiting[1]
        found = self._core.store.media(sha256)
        if found is None:
            return
        self._busy = True
        media_type, content = found
        self._core.ask(lambda: upload(self._core.api, content, media_type), lambda got: self._done(sha256, got))

    def _network_fits(self) -> bool:
        rule = self._policy.rule("archive")
        wifi_only = bool(rule and rule.media and rule.media.wifi_only)
        return self._handset.network == "wifi" or not wifi_only

    def _done(self, sha256: str, outcome: str | Exception) -> None:
        self._busy = False
        if isinstance(outcome, AgentError) and getattr(outcome, "status", 0) not in HOPELESS:
            self._core.loop.call_later(self._backoff.next(), self.go)
            return
        if isinstance(outcome, Exception):
            log.warning("a file was refused; its record goes without it")
        self._backoff.reset()
        self._core.store.drop_media(sha256)
        self.passed()
        self.go()
