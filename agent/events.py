"""Events (§10): the durable copy is a record, the fast one a message; integrity events are bounded."""

from __future__ import annotations

import contextlib
import uuid
from typing import Any

from agent.archive import Archive
from agent.core import Core
from agent.errors import Untrusted
from agent.loop import Timer
from agent.records import blank_record
from mqtt.contract import codec
from mqtt.contract.event import EventBody
from mqtt.contract.limits import EXCERPT_MAX
from mqtt.contract.names import EventType, Severity, Typ, Up
from mqtt.contract.times import from_wire


class Events:
    """Tells the server what happened on the phone."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.archive = Archive(core, self.integrity)
        self._quiet: Timer | None = None
        self._last: dict[str, str] = {}
        self._unsaid = 0

    def tell(
        self,
        kind: EventType,
        severity: Severity = Severity.WARNING,
        *,
        rule: str | None = None,
        peer: dict[str, Any] | None = None,
        excerpt: str | None = None,
        blocked: bool = False,
        detail: dict[str, Any] | None = None,
    ) -> str:
        """Record an event and send its fast copy; gives its id, or "" while nothing may be collected."""
        body = EventBody.take(
            {
                "id": str(uuid.uuid4()),
                "at": self._core.clock.server_now(),
                "type": kind,
                "severity": severity,
                "rule": rule,
                "peer": peer,
                "excerpt": codec.clean_text(excerpt)[:EXCERPT_MAX] if excerpt is not None else None,
                "blocked": blocked,
                "detail": detail or {},
            }
        )
        members = body.wire()
        if self.archive.append(_record(members)) == 0:
            return ""
        # Without the server's key there is no fast copy; the record follows when the key is known.
        with contextlib.suppress(Untrusted):
            self._core.publish(Up.EVENT, self._core.seal(self._core.sign(Typ.EVENT, members)))
        return body.id

    def integrity(self, what: str, reason: str) -> None:
        """Something that should come from the server does not verify: at most one event a minute, with a count."""
        self._unsaid += 1
        self._last = {"what": what, "reason": reason}
        if self._quiet is None:
            self._say()

    def _say(self) -> None:
        self._quiet = None
        if self._unsaid:
            count, self._unsaid = self._unsaid, 0
            self._quiet = self._core.loop.call_later(self._core.options.integrity_quiet, self._say)
            self.tell(EventType.INTEGRITY, Severity.CRITICAL, detail={**self._last, "count": count})


def _record(event: dict[str, Any]) -> dict[str, Any]:
    at = from_wire(event["at"])
    members = blank_record("device", "event", "out", "device", {"address": None, "name": ""}, at)
    return members | {"id": event["id"], "text": codec.encode(event).decode(), "blocked": event["blocked"]}
