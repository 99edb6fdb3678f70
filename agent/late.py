"""Records of a device whose life has ended: delivered over HTTP for 30 days, then given up (§3)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from agent.archive import Archive
from agent.backoff import Backoff
from agent.core import Core
from agent.errors import AgentError
from agent.http import Answer, expected
from agent.keydesk import KeyDesk
from mqtt.contract.limits import LATE_RECORDS_DAYS
from mqtt.contract.names import Typ

log = logging.getLogger("agent.late")
RETRY_FIRST_S = 30.0


class LateDelivery:
    """Sends the queue batch by batch to `device/records`."""

    def __init__(self, core: Core, keys: KeyDesk, archive: Archive) -> None:
        self._core = core
        self._keys = keys
        self._archive = archive
        self._backoff = Backoff(core.rng, RETRY_FIRST_S, 3600.0)
        self._busy = False
        self.empty: Callable[[], object] = lambda: None

    def go(self) -> None:
        """Send the next batch."""
        if self._busy:
            return
        since = self._core.store.get("ended_at")
        now = self._core.clock.server_time()
        if since is None:
            self._core.store.put("ended_at", now)
        elif now - since > LATE_RECORDS_DAYS * 86_400:
            return
        packed = self._archive.pack(self._archive.watermark + 1)
        if packed is None:
            self.empty()
            return
        self._busy = True
        payload = packed.payload.decode()
        self._core.ask(lambda: self._core.api.post_jose("device/records", payload), self._answered)

    def _answered(self, got: Answer | Exception) -> None:
        self._busy = False
        try:
            body = expected(got, 200).body
        except AgentError as error:
            log.info("late records were not taken: %s", error.code)
            self._again()
            return
        self._keys.check(body, Typ.ARCHIVED, lambda claims: self._take(claims, body), lambda _why: self._again())

    def _take(self, claims: dict[str, Any], body: bytes) -> None:
        before = self._archive.watermark
        self._archive.on_archived(claims, body.decode())
        if self._archive.watermark > before:
            self._backoff.reset()
            self.go()
        else:
            self._again()

    def _again(self) -> None:
        self._core.loop.call_later(self._backoff.next(), self.go)
