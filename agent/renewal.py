"""A new certificate for the same key: at two thirds of its life, on command, or when the status says so (§2)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from agent import crypto
from agent.core import Core
from agent.errors import AgentError
from agent.http import Answer, expected
from mqtt.contract.codec import BadPayload
from mqtt.contract.enrollment import CertificateAnswer
from mqtt.contract.limits import CERTIFICATE_DAYS
from mqtt.contract.times import from_wire, to_wire

log = logging.getLogger("agent.renewal")
CHECK_S = 6 * 3600.0
AHEAD = timedelta(days=CERTIFICATE_DAYS / 3)
Done = Callable[[str | None], object]


class Renewal:
    """Renews the certificate."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._waiting: list[Done] = []
        self.renewed: Callable[[], object] = lambda: None
        self.reconnect: Callable[[], object] = lambda: None

    def start(self) -> None:
        """Look now, and a few times a day."""
        if from_wire(self._core.identity.certificate_expires_at) - self._core.clock.server_now() < AHEAD:
            self.renew(lambda error: self.reconnect() if error is None else None)
        self._core.loop.call_later(CHECK_S * self._core.rng.uniform(0.8, 1.0), self.start)

    def renew(self, done: Done) -> None:
        """Ask for a new certificate; `done` gets None, or the code of what went wrong."""
        self._waiting.append(done)
        if len(self._waiting) > 1:
            return
        body = {"csr": crypto.csr_pem(self._core.keys.signing)}
        self._core.ask(lambda: self._core.api.post_json("device/certificate", body), self._answered)

    def _answered(self, got: Answer | Exception) -> None:
        waiting, self._waiting = self._waiting, []
        error: str | None = None
        try:
            self._take(CertificateAnswer.take(expected(got, 200, 201).json()))
        except AgentError as failure:
            error = failure.code
        except BadPayload as failure:
            error = failure.reason
        for done in waiting:
            done(error)

    def _take(self, answer: CertificateAnswer) -> None:
        core = self._core
        ca = crypto.keep_pinned(answer.ca, core.identity.pins.get("ca_sha256"))
        crypto.check_certificate(answer.certificate, ca, core.keys.signing, core.id)
        expires = to_wire(answer.certificate_expires_at)
        core.save_identity(core.identity.renewed(answer.certificate, ca, expires))
        self.renewed()
