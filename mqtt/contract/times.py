"""Times on the wire: RFC 3339, UTC, milliseconds, ``2026-11-23T06:50:00.123Z``."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)


def to_wire(moment: datetime) -> str:
    """Render an aware datetime; microseconds are cut to milliseconds. Raises ValueError on a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a time on the wire needs a time zone")
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z" if utc.year >= 1000 else _early(utc)


def _early(utc: datetime) -> str:
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def from_wire(text: str) -> datetime:
    """Read a time; a missing or finer fraction is accepted and cut to milliseconds. Raises ValueError."""
    if not _FORM.fullmatch(text):
        raise ValueError("not an RFC 3339 UTC time such as 2026-11-23T06:50:00.123Z")
    head, _, fraction = text[:-1].partition(".")
    millis = int((fraction + "000")[:3])
    return datetime.fromisoformat(head).replace(microsecond=millis * 1000, tzinfo=UTC)
