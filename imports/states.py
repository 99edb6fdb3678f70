"""States of an import: read by the worker, looked at by a person, applied by the worker, over."""

from __future__ import annotations

from typing import Final, Literal

State = Literal["reading", "preview", "applying", "done", "failed", "cancelled"]
READING: Final = "reading"
PREVIEW: Final = "preview"
APPLYING: Final = "applying"
DONE: Final = "done"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
WORKING: Final = (READING, APPLYING)
OPEN: Final = (READING, PREVIEW, APPLYING)
