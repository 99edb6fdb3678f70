"""What is shown of the transport: one model each for services, pages and the API."""

from __future__ import annotations

from core.views import Moment, View


class LetterView(View):
    """A refused message without its bytes; `size` in bytes, `truncated`: its start alone was kept."""

    id: str
    device_id: str
    kind: str
    reason: str
    detail: str
    size: int
    truncated: bool
    received_at: Moment
    replayed_at: Moment | None
