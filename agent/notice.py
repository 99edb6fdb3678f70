"""The notice to the holder: until the one in force is accepted, the phone collects nothing (§3, §7)."""

from __future__ import annotations

import logging
from typing import Any

from agent import clock
from agent.backoff import Backoff
from agent.core import Core
from agent.errors import AgentError, RequestFailed
from agent.http import Answer, expected
from agent.identity import Show, acceptance
from agent.identity import kept as kept_notice
from mqtt.contract.codec import BadPayload
from mqtt.contract.notice import Notice, NoticeAcceptance

log = logging.getLogger("agent.notice")
RETRY_FIRST_S = 10.0


class NoticeDesk:
    """Which notice is wanted, which the holder accepted; `texts` is what they read, to be read again."""

    def __init__(self, core: Core) -> None:
        self._core = core
        kept = core.store.get("notice") or {}
        self.accepted: str | None = kept.get("accepted", core.identity.notice_version)
        self.wanted: str | None = kept.get("wanted")
        self._told: str | None = kept.get("told", core.identity.notice_version)
        self.shown: Notice | None = None
        self.texts: dict[str, Any] | None = kept.get("texts", core.identity.notice)
        self.on_shown: Show = lambda notice: None
        self._said: dict[str, Any] | None = kept.get("said")
        self._backoff = Backoff(core.rng, RETRY_FIRST_S)
        self._busy = False
        self._gate()

    def _gate(self) -> None:
        self._core.notice_accepted = self.wanted in (None, "", self.accepted)

    def want(self, version: str) -> None:
        """The newest desired state names this notice; "" for none."""
        self.wanted = version
        self._gate()
        self._save()
        if not self._core.notice_accepted and self.shown is None:
            self._fetch()

    def _fetch(self) -> None:
        if self._busy:
            return
        self._busy = True
        url = self._core.api.url("notice")
        self._core.ask(lambda: self._core.api.server.request("GET", url), self._fetched)

    def _fetched(self, got: Answer | Exception) -> None:
        self._busy = False
        try:
            notice = Notice.take(expected(got, 200).json())
        except (AgentError, BadPayload):
            self._core.loop.call_later(self._backoff.next(), self._fetch)
            return
        self.shown = notice
        self.on_shown(notice)
        if self._core.options.accept_notices:
            self.accept()

    def accept(self) -> None:
        """The holder accepts what is shown; the server is told."""
        if self.shown is None:
            self._fetch()
            return
        notice, at = self.shown, clock.wall()
        self.accepted, self.shown = notice.version, None
        self.texts = kept_notice(notice, at)
        self._said = acceptance(self._core.keys, notice, at).wire()
        self._gate()
        self._save()
        self.tell()

    def tell(self) -> None:
        """Tell the server of an acceptance that it has not confirmed, as after each connect."""
        if self.accepted is None or self.accepted == self._told or self._busy:
            return
        self._busy = True
        body = self._said or NoticeAcceptance(version=self.accepted, accepted_at=clock.wall()).wire()
        self._core.ask(
            lambda: self._core.api.post_json("device/notice", body),
            lambda got: self._answered(body["version"], got),
        )

    def _answered(self, version: str, got: Answer | Exception) -> None:
        self._busy = False
        try:
            expected(got, 200, 204)
        except RequestFailed as error:
            log.info("the acceptance was not taken: %s", error.code)
            if error.status in (0, 429, 500, 502, 503, 504):
                self._core.loop.call_later(self._backoff.next(), self.tell)
            return
        self._backoff.reset()
        self._told = version
        self._save()

    def _save(self) -> None:
        kept = {"accepted": self.accepted, "wanted": self.wanted, "told": self._told}
        self._core.store.put("notice", {**kept, "texts": self.texts, "said": self._said})
