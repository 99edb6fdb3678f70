"""Bodies of this room's HTTP interface."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from core.http.fields import Body, PageQuery
from core.limits import MAX_UNIT_PATH
from core.paging import MAX_LIMIT
from notify.topics import SeverityName
from notify.views import ChannelView

Language = Literal["zh-CN", "en"]


class NoticeQuery(PageQuery):
    """Which notices."""

    unread: bool = False


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
    org_unit: str = Field("/", min_length=1, max_length=MAX_UNIT_PATH)
    language: Language = "zh-CN"
    enabled: bool = True
    min_severity: SeverityName = "warning"
    kinds: list[str] = Field(default_factory=list, max_length=100)


class ChannelChange(Body):
    """What to change of a channel; members left out stay, those of `config` too."""

    name: str | None = Field(None, min_length=1, max_length=100)
    config: dict[str, Any] | None = None
    org_unit: str | None = Field(None, min_length=1, max_length=MAX_UNIT_PATH)
    language: Language | None = None
    enabled: bool | None = None
    min_severity: SeverityName | None = None
    kinds: list[str] | None = Field(None, max_length=100)
    revision: int | None = None


class ChannelCreated(ChannelView):
    """A new channel with what the server made for it (a webhook's secret): told only now."""

    made: dict[str, str]


class ChannelList(BaseModel):
    """The channels of one's part of the tree."""

    items: list[ChannelView]


class TestRead(BaseModel):
    """The delivery of a test message, to be looked up in the log."""

    delivery_id: str


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


class PreferenceChange(Body):
    """What to change; `topics` null goes back to every topic that matters."""

    language: Language | None = None
    mail: bool | None = None
    topics: list[str] | None = Field(None, max_length=100)
