"""What the API of rollouts takes and answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from core.http.fields import Body, IdPath, Instant, PageQuery

Span = Annotated[str, Field(max_length=10, description="`90s`, `15m`, `24h`, `7d`.")]
State = Literal["draft", "pending_approval", "running", "paused", "stopped", "finished", "rolled_back"]


class SuccessBody(Body):
    """A success gate: the share in percent that must have applied, within a time."""

    percent: float
    within: Span | None = None


class StopBody(Body):
    """Shares in percent at which the rollout stops, once `sample` phones have answered or are silent."""

    failed: float | None = None
    rejected: float | None = None
    silent: float | None = None
    sample: int | None = None


class RingBody(Body):
    """One ring: whom it holds (one of `everyone`, `percentage`, `group`, `query`), and what it takes to go on.

    `percentage` is cumulative, by a stable hash of the device id. `silent_after`: from when on a phone that has not
    answered is silent. `approval`: a second person lets it begin.
    """

    name: Annotated[str, Field(max_length=63)]
    everyone: bool | None = None
    percentage: float | None = None
    group: Annotated[str, Field(max_length=63)] | None = None
    query: Annotated[str, Field(max_length=1000)] | None = None
    success: SuccessBody | None = None
    stop: StopBody | None = None
    soak: Span | None = None
    silent_after: Span | None = None
    approval: bool = False


class PublishBody(Body):
    """`version` publishes older content as a new version; of what is kept in files only with `take_over`.

    `rings`: in this order; without any, everyone at once. `draft` keeps the rollout until
    it is started; `emergency` says in the audit log why nobody waits.
    """

    take_over: bool = False
    version: Annotated[int, Field(ge=1)] | None = None
    reason: Annotated[str, Field(max_length=500)] = ""
    rings: Annotated[list[RingBody], Field(max_length=1000)] = Field(default_factory=list)
    draft: bool = False
    emergency: bool = False


class ReasonBody(Body):
    """Why."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class NudgeBody(Body):
    """Which ring; all unless given."""

    ring: Annotated[int, Field(ge=0, le=1000)] | None = None


class NudgedRead(BaseModel):
    """How many phones are sent their desired state again."""

    devices: int


class RolledBackRead(BaseModel):
    """The rollout that brings the older content back."""

    rollout: str


class RolloutsQuery(PageQuery):
    """Rollouts of one state."""

    state: State | None = None


class RolloutDevicesQuery(PageQuery):
    """Phones of one ring, of one class as the figures count it."""

    ring: Annotated[int, Field(ge=0, le=1000)] | None = None
    state: Annotated[str, Field(max_length=20)] | None = None


class ActPath(IdPath):
    """A rollout and what to do with it."""

    act: Literal["start", "pause", "resume", "skip", "stop", "emergency", "approve", "deny"]


class InForceQuery(BaseModel):
    """A past minute, RFC 3339; now unless given."""

    at: Instant | None = None
