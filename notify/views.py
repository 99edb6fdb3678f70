"""What is shown of notices, channels and deliveries: one model each for services, pages and the API."""

from __future__ import annotations

from typing import Literal

from core.views import Moment, Spoken, View
from notify.topics import SeverityName


class NoticeView(View):
    """A notice as its reader sees it."""

    id: str
    kind: str
    severity: SeverityName
    text: Spoken
    about_kind: str
    about_id: str
    at: Moment
    read: bool

    @property
    def about(self) -> tuple[str, str]:
        """Kind and id of what it tells of."""
        return self.about_kind, self.about_id


class DeliveryView(View):
    """One line of a channel's delivery log. `next_at`: the next attempt.

    `state`: `waiting`, `delivered`, `dead` (tried for a day) or `dropped` (the channel was off, or nobody to send to).
    """

    id: str
    kind: str
    text: Spoken
    about_kind: str
    about_id: str
    test: bool
    at: Moment
    state: Literal["waiting", "delivered", "dead", "dropped"]
    attempts: int
    next_at: Moment | None
    finished_at: Moment | None
    last_error: str | None


class ChannelView(View):
    """A channel, without anything that was typed in as its config.

    `state`: `off`, `new`, `working` or `failing` (`since`, with the newest error).
    """

    id: str
    kind: str
    name: str
    org_unit: str
    language: str
    enabled: bool
    min_severity: str
    kinds: list[str]
    target: str
    state: Literal["off", "new", "working", "failing"]
    since: Moment | None
    last_error: str | None
    delivered_at: Moment | None
    created_at: Moment
    revision: int


class PreferenceView(View):
    """One person's choice. `topics` None: every topic from `warning` on. `address` and `mail_possible` say what is."""

    language: str
    mail: bool
    topics: list[str] | None
    address: str | None
    mail_possible: bool
