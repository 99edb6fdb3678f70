"""What is about to happen, and all that a rule may want to know of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from policies.engine.vocabulary import CounterKey, Relation

Direction = Literal["in", "out"]


class _Moment(BaseModel):
    model_config = ConfigDict(frozen=True)

    minute: AwareDatetime


class _Contact(_Moment):
    """The other side: `known` is False for somebody who is not in the book.

    `counters` maps the names of `counters_for` to figures; `last_contact` says when each key was last tried.
    """

    direction: Direction
    relation: Relation | None = None
    known: bool = True
    lost_contact: bool = False
    counters: dict[str, int] = {}
    last_contact: dict[CounterKey, datetime] = {}


class Message(_Contact):
    """A message in or out.

    `hits` are the ids of the terms found; None lets the engine look for them, also for terms that began in the
    messages of the same conversation `before` it (oldest first).
    """

    kind: Literal["message"] = "message"
    channel: str
    text: str = ""
    before: list[str] = []
    hits: list[str] | None = None


class Call(_Contact):
    """A call in or out; `recorder` says whether this call would be recorded."""

    kind: Literal["call"] = "call"
    recorder: bool = True


class ProtectedAct(_Moment):
    """The holder wants to delete, block, export, take a screenshot, or see a number (`reveal_number`)."""

    kind: Literal["protected_act"] = "protected_act"
    act: str


class AppLaunch(_Moment):
    """An app is started."""

    kind: Literal["app_launch"] = "app_launch"
    package: str


class Payment(_Moment):
    """A payment inside a chat."""

    kind: Literal["payment"] = "payment"
    form: Literal["red_packet", "transfer", "collection_code"]


class LocationRequest(_Moment):
    """A position is about to be taken or kept."""

    kind: Literal["location"] = "location"


class Posture(_Moment):
    """The state of the phone, as a heartbeat tells it; None where it is not known.

    `since` says when each finding began; a finding that is missing there began just now.
    """

    kind: Literal["posture"] = "posture"
    os: str | None = None
    os_version: str | None = None
    encrypted: bool | None = None
    passcode: bool | None = None
    rooted: bool | None = None
    developer_mode: bool | None = None
    agent_admin: bool | None = None
    permissions: dict[str, bool] | None = None
    security_patch: str | None = None
    offline_seconds: int | None = None
    other_findings: list[str] = []
    since: dict[str, datetime] = {}


Situation = Annotated[
    Message | Call | ProtectedAct | AppLaunch | Payment | LocationRequest | Posture,
    Field(discriminator="kind"),
]
