"""Bodies of this room's HTTP interface."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from core.http.fields import Body, PageQuery
from core.paging import MAX_LIMIT
from core.views import Moment

Language = Literal["zh-CN", "en"]
SeverityName = Literal["info", "warning", "critical"]


class NoticeQuery(PageQuery):
    """Which notices."""

    unread: bool = False


class NoticeRead(BaseModel):
    """One notice."""

    id: str
    kind: str
    severity: SeverityName
    text: str
    about_kind: str
    about_id: str
    at: Moment
    read: bool


class ReadBody(Body):
    """Notices that were read."""

    ids: list[str] = Field(min_length=1, max_length=MAX_LIMIT)


class ChangedRead(BaseModel):
    """How many were unread until now."""

    changed: int


class ChannelBody(Body):
    """A new channel; `config` as its kind asks for it, `kinds` empty for all topics from `min_severity` on."""

    kind: str = Field(min_length=1, max_length=16)
    name: str = Field(min_length=1, max_length=100)
    config: dict[str, Any] = Field(default_factory=dict)
    org_unit: str = Field("/", min_length=1, max_length=1400)
    language: Language = "zh-CN"
    enabled: bool = True
    min_severity: SeverityName = "warning"
    kinds: list[str] = Field(default_factory=list, max_length=100)


class ChannelChange(Body):
    """What to change of a channel; members left out stay, those of `config` too."""

    name: str | None = Field(None, min_length=1, max_length=100)
    config: dict[str, Any] | None = None
    org_unit: str | None = Field(None, min_length=1, max_length=1400)
    language: Language | None = None
    enabled: bool | None = None
    min_severity: SeverityName | None = None
    kinds: list[str] | None = Field(None, max_length=100)
    revision: int | None = None


class ChannelRead(BaseModel):
    """A channel, without anything that was typed in as its config."""

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


class ChannelCreated(ChannelRead):
    """A new channel with what the server made for it (a webhook's secret): told only now."""

    made: dict[str, str]


class ChannelList(BaseModel):
    """The channels of one's part of the tree."""

    items: list[ChannelRead]


class TestRead(BaseModel):
    """The delivery of a test message, to be looked up in the log."""

    delivery_id: str


class DeliveryRead(BaseModel):
    """One line of a channel's delivery log."""

    id: str
    kind: str
    text: str
    about_kind: str
    about_id: str
    test: bool
    at: Moment
    state: Literal["waiting", "delivered", "dead", "dropped"]
    attempts: int
    next_at: Moment | None
    finished_at: Moment | None
    last_error: str | None


class TopicRead(BaseModel):
    """One topic."""

    kind: str
    severity: SeverityName
    title: str


class KindRead(BaseModel):
    """One kind of channel and what it asks for, as JSON Schema."""

    kind: str
    title: str
    config_schema: dict[str, Any]


class ChoicesRead(BaseModel):
    """What a channel can be made of."""

    kinds: list[KindRead]
    topics: list[TopicRead]


class PreferenceRead(BaseModel):
    """One's own choice; `topics` null: every topic from `warning` on."""

    language: str
    mail: bool
    topics: list[str] | None
    address: str | None
    mail_possible: bool


class PreferenceChange(Body):
    """What to change; `topics` null goes back to every topic that matters."""

    language: Language | None = None
    mail: bool | None = None
    topics: list[str] | None = Field(None, max_length=100)
