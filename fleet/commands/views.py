"""Commands as services, pages and the API show them."""

from __future__ import annotations

from typing import Any

from pydantic import Field, RootModel

from core.views import Moment, View
from identity.approval_views import Decision


class Step(View):
    """One step of a command's history."""

    at: Moment
    old: str | None
    new: str
    why: str
    actor: str | None


class CommandView(View):
    """A command. `result` without its output in lists; `alive_until`: the last `exp` handed out."""

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
    approval: Decision | None = None
    history: list[Step] = Field(default_factory=list)


class Requested(View):
    """What became of a request: the id of its command, or of its batch for many phones, and the state it is in."""

    id: str
    status: str
    devices: int
    approval_id: str | None


class FreezeView(View):
    """The freeze as it is shown; `held` counts the destructive commands that wait for its end."""

    frozen: bool
    reason: str
    since: Moment | None
    by: str | None
    held: int


class BatchView(View):
    """A request for many phones: how many of its commands, as far as the actor sees them, stand where.

    `dropped`: phones that fell out between asking and signing, by why (`holder_changed`, `left_scope`).
    """

    id: str
    type: str
    selector: dict[str, Any]
    reason: str
    status: str
    total: int
    states: dict[str, int]
    dropped: dict[str, int]
    requested_by: str
    requested_by_name: str
    requested_at: Moment
    approval: Decision | None


class Shown(RootModel[CommandView | BatchView]):
    """A command, or a request for many phones, by its id."""
