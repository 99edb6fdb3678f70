"""`GET device/status`: asked when the broker turns the phone away again and again (§3, §4)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from agent.core import Core
from agent.errors import AgentError
from agent.http import Answer, expected
from agent.keydesk import KeyDesk
from mqtt.contract.codec import BadPayload
from mqtt.contract.names import DeviceState, StatusAction, Typ
from mqtt.contract.status import Status

log = logging.getLogger("agent.status")


class StatusDesk:
    """Asks how the server sees this device, and hands the verified answer on."""

    def __init__(self, core: Core, keys: KeyDesk, integrity: Callable[[str, str], object]) -> None:
        self._core = core
        self._keys = keys
        self._integrity = integrity
        self._busy = False
        self.last: Status | None = None
        self.on_status: Callable[[Status], object] = lambda _status: None

    def ask(self) -> None:
        """Ask now, one question at a time."""
        if not self._busy:
            self._busy = True
            self._core.ask(lambda: self._core.api.request("GET", "device/status"), self._answered)

    def _answered(self, got: Answer | Exception) -> None:
        self._busy = False
        try:
            body = expected(got, 200).body
        except AgentError as error:
            log.info("no status: %s", error.code)
            return
        self._keys.check(body, Typ.STATUS, self._take, lambda why: self._integrity("status", why))

    def _take(self, claims: dict[str, Any]) -> None:
        try:
            status = Status.take(claims)
        except BadPayload as error:
            self._integrity("status", error.reason)
            return
        if status.iat + 300 < self._core.clock.highest_iat:
            return  # an answer that was kept back must not undo a newer one
        self._core.learn(status.iat)
        self._core.time_ready = True
        self._core.heard()
        self.last = status
        self.on_status(status)


def is_over(status: Status) -> bool:
    """Whether this device's life on the server has ended."""
    return status.action == StatusAction.UNENROLL or status.state in (DeviceState.RETIRED, DeviceState.WIPED)
