"""Bodies of this room's HTTP interface."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, model_validator

from core.http.fields import Body, Moment
from core.reasons import MAX_REASON
from fleet.commands.request import MAX_LIFETIME_S, MIN_LIFETIME_S
from fleet.commands.selection import MAX_NAMED


class CommandBody(Body):
    """A command; `expires_in`: seconds that it may wait for its phone."""

    type: str = Field(min_length=1, max_length=40)
    args: dict[str, Any] = Field(default_factory=dict)
    reason: str = Field("", max_length=MAX_REASON)
    expires_in: int | None = Field(None, ge=MIN_LIFETIME_S, le=MAX_LIFETIME_S)


class SelectorBody(Body):
    """Exactly one of: named devices, a group, an org unit (path or id) with all below it, or all in one's scope."""

    devices: list[str] | None = Field(None, min_length=1, max_length=MAX_NAMED)
    group: str | None = Field(None, min_length=1, max_length=63)
    org_unit: str | None = Field(None, min_length=1, max_length=1400)
    all: bool | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> SelectorBody:
        given = [name for name in ("devices", "group", "org_unit", "all") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError("give exactly one of devices, group, org_unit, all / 请只填其中一项")
        return self


class ManyBody(CommandBody):
    """A command to many phones."""

    selector: SelectorBody


class ReasonBody(Body):
    """Why."""

    reason: str = Field(min_length=1, max_length=MAX_REASON)


class FreezeBody(Body):
    """Freeze or lift."""

    frozen: bool
    reason: str = Field(min_length=1, max_length=MAX_REASON)


class AcceptedRead(BaseModel):
    """A request that was taken: `id` is the command's, or the batch's for many phones."""

    id: str
    status: str
    devices: int
    approval_id: str | None


class StepRead(BaseModel):
    """One step of a history."""

    at: Moment
    old: str | None
    new: str
    why: str
    actor: str | None


class ApprovalPart(BaseModel):
    """The second person's part."""

    id: str
    state: str
    permissions: list[str]
    requested_at: Moment
    expires_at: Moment
    decided_by: str | None
    decided_at: Moment | None
    decision_reason: str | None


class CommandRead(BaseModel):
    """A command."""

    id: str
    device_id: str
    batch_id: str | None
    type: str
    args: dict[str, Any]
    reason: str
    destructive: bool
    origin: str
    status: str
    since: Moment
    held: str | None
    requested_by: str
    requested_by_name: str
    requested_at: Moment
    expires_at: Moment | None
    due_at: Moment | None
    alive_until: Moment | None
    offers: int
    sent_at: Moment | None
    received_at: Moment | None
    finished_at: Moment | None
    after_cancel: bool
    result: dict[str, Any] | None
    approval: ApprovalPart | None
    history: list[StepRead]


class BatchRead(BaseModel):
    """A request for many phones."""

    id: str
    type: str
    selector: dict[str, Any]
    reason: str
    status: str
    total: int
    states: dict[str, int]
    requested_by: str
    requested_by_name: str
    requested_at: Moment
    approval: ApprovalPart | None


class CommandPage(BaseModel):
    """A page of commands."""

    items: list[CommandRead]
    next_cursor: str | None


class FreezeRead(BaseModel):
    """The freeze."""

    frozen: bool
    reason: str
    since: Moment | None
    by: str | None
    held: int
