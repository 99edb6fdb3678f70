"""Lengths and figures that several rooms agree on, for columns, bodies and forms alike."""

from __future__ import annotations

from typing import Final

MAX_ID: Final = 36
"""Characters of an id: a UUID as text (RFC 9562)."""
MAX_NAME: Final = 63
"""Characters of a document's or a group's name: those of a DNS label (RFC 1035, 2.3.4)."""
MAX_UNIT_PATH: Final = 1400
"""Characters of a path of names of org units: more than 17 names of 64 with their slashes."""
MAX_REVISION: Final = 2**31 - 1
"""The largest revision: that of PostgreSQL's `integer`."""
