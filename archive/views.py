"""What is shown of a phone's archive: one model each for services, pages and the API."""

from __future__ import annotations

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
