"""The revocation list as anybody may fetch it: signed once for each change and day, however often it is asked for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from core import clock
from core.runtime import runtime
from fleet import certificates

RECHECK = timedelta(minutes=1)
Newest = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class SignedList:
    """A signed list (DER) and its weak entity tag: equal for lists of one content and day, whoever signed them."""

    der: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class _Kept:
    signed: SignedList
    newest: Newest
    checked_at: datetime


class RevocationList:
    """The list of one process. A call costs two looks into an index unless something changed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: _Kept | None = None

    def current(self) -> SignedList:
        """The list as it is now."""
        with self._lock:
            now, newest = clock.now(), certificates.newest_revocations()
            kept = self._kept
            # Of revocations that commit out of their order the newest alone does not tell; a look at all of them does.
            if kept is None or kept.newest != newest or not timedelta() <= now - kept.checked_at < RECHECK:
                kept = self._kept = _Kept(self._signed(now), newest, now)
            return kept.signed

    def _signed(self, now: datetime) -> SignedList:
        revoked = certificates.revoked()
        content = json.dumps([(serial, clock.to_wire(at)) for serial, at in revoked])
        # The day: a list that nobody changes is signed anew daily, since it lives for some days only.
        tag = f"{hashlib.sha256(content.encode()).hexdigest()[:32]}-{now:%Y%m%d}"
        if self._kept is not None and self._kept.signed.tag == tag:
            return self._kept.signed
        return SignedList(runtime().ca.crl(revoked, "der"), tag)
