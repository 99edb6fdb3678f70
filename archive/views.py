"""What is shown of a phone's archive: one model each for services, pages and the API."""

from __future__ import annotations

from typing import Any

from core.views import Moment, View


class RecordView(View):
    """One record without its text."""

    seq: int
    branch: int
    leaf: str
    size: int
    received_at: Moment
    late: bool
    opaque: str | None
    contested: str | None
    erased: bool
    at: Moment | None
    channel: str | None
    kind: str | None
    direction: str | None
    event_id: str | None


class OpenedRecordView(RecordView):
    """One record with its text: the JSON that the phone sent, cleaned for display; None when it is erased."""

    text: str | None


class SeamView(View):
    """Where a chain goes on from a claimed hash; `missing` records before `seq` are not held."""

    seq: int
    prev: str | None
    missing: int
    cause: str
    opened_at: Moment


class ChainView(View):
    """How far a phone's records are held, and what is the matter with them."""

    through: int
    head: str
    highest_seen: int
    waiting: int
    refused: int
    seams: list[SeamView]


class RefusedView(View):
    """A batch that did not fit its chain; `branch`: where what contradicts was put, once it was accepted."""

    id: str
    device_id: str
    first: int
    last: int
    reason: str
    size: int
    received_at: Moment
    last_seen_at: Moment
    times: int
    state: str
    branch: int | None
    settled_at: Moment | None
    settled_by: str | None
    settled_reason: str | None


class AlertView(View):
    """Something that puts a phone's records in doubt; `ref` names the thing behind it, `detail` holds figures."""

    id: str
    device_id: str
    code: str
    ref: str | None
    at: Moment
    detail: dict[str, Any]
    acknowledged_at: Moment | None
    acknowledged_by: str | None
