"""Checking what the server signed, and fetching its keys when one is not known yet (§2, §3)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from agent.core import Core
from agent.errors import AgentError, RequestFailed, UnknownKey, Untrusted
from agent.http import Answer, expected
from mqtt.contract.limits import JWKS_REFRESH_S
from mqtt.contract.names import Typ

log = logging.getLogger("agent.keys")
Accept = Callable[[dict[str, Any]], object]
Refuse = Callable[[str], object]
RETRY_S = 60.0
TRUSTED_NAMED = 20


class KeyDesk:
    """Verifies tokens; those by an unknown key wait for one fetch of the key set."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._waiting: list[tuple[bytes | str, Typ, Accept, Refuse]] = []
        self._fetching = False

    def check(self, token: bytes | str, typ: Typ, accept: Accept, refuse: Refuse) -> None:
        """Call `accept` with the claims, or `refuse` with the reason; perhaps later."""
        try:
            claims = self._core.verify(token, typ)
        except UnknownKey as error:
            if self._fetching or self._core.trust.may_try():
                self._waiting.append((token, typ, accept, refuse))
                self.fetch()
            else:
                refuse(error.code)
            return
        except Untrusted as error:
            refuse(error.code)
            return
        accept(claims)

    def refresh_daily(self) -> None:
        """Fetch the key set now if it is due, and look again every day."""
        if self._core.trust.due():
            self.fetch()
        self._core.loop.call_later(JWKS_REFRESH_S * self._core.rng.uniform(0.9, 1.0), self.refresh_daily)

    def fetch(self, then: Callable[[], object] | None = None) -> None:
        """Fetch the key set; tokens that wait are judged afterwards."""
        if self._fetching:
            return
        self._fetching = True
        self._core.trust.trying()
        trusted = urlencode([("kid", kid) for kid in sorted(self._core.trust.signing)[:TRUSTED_NAMED]])
        path = f"device/jwks?{trusted}"
        self._core.ask(lambda: self._core.api.request("GET", path), lambda got: self._fetched(got, then))

    def _fetched(self, got: Answer | Exception, then: Callable[[], object] | None) -> None:
        self._fetching = False
        try:
            self._core.trust.take(expected(got, 200).body, self._core.id, self._core.learn)
        except RequestFailed as error:
            log.info("the key set could not be fetched: %s", error.code)
            if self._core.trust.encryption is None:
                self._core.loop.call_later(RETRY_S * self._core.rng.random(), self.fetch, then)
        except AgentError as error:
            log.warning("the key set does not verify: %s", error.code)
        waiting, self._waiting = self._waiting, []
        for token, typ, accept, refuse in waiting:
            self._again(token, typ, accept, refuse)
        if then is not None:
            then()

    def _again(self, token: bytes | str, typ: Typ, accept: Accept, refuse: Refuse) -> None:
        try:
            claims = self._core.verify(token, typ)
        except Untrusted as error:
            refuse(error.code)
            return
        accept(claims)
