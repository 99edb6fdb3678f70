"""Documents, versions, rollouts and explanations as services, pages and the API show them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from core.views import Moment, View


class DocumentView(View):
    """A document: `version` is in force (None: none yet), `draft` says that what is stored differs from it.

    `managed_by` tells where it was stored from last: `files` (`flask documents apply`), `console` or `api`.
    """

    kind: str
    name: str
    title: str | None
    revision: int
    version: int | None
    draft: bool
    updated_at: Moment
    updated_by: str
    managed_by: str
    document: dict[str, Any]


class VersionView(View):
    """A published version; `restores` names the older one whose content it has."""

    version: int
    title: str | None
    restores: int | None
    published_at: Moment
    published_by: str
    reason: str
    in_force: bool
    spec: dict[str, Any]


class RingView(View):
    """A ring of a rollout, and how many phones are in which state."""

    position: int
    name: str
    state: str
    devices: dict[str, int]


class RolloutView(View):
    """A rollout and how far it came."""

    id: str
    kind: str
    state: str
    emergency: bool
    reason: str
    created_at: Moment
    created_by: str
    documents: list[dict[str, Any]]
    rings: list[RingView] = Field(default_factory=list)


class Value(View):
    """One effective value and where it comes from."""

    path: str
    value: Any
    sources: list[dict[str, Any]]


class InForceThen(View):
    """The bundle that a phone said it had in force, from when; `desired_at` is when the server asked for it."""

    generation: int | None
    bundle: str | None
    since: Moment
    desired_at: Moment | None


class Explanation(View):
    """What is wanted of a phone and why. For a past minute `in_force` tells what the phone had then."""

    device_id: str
    at: Moment
    generation: int | None
    bundle: str | None
    policies: list[dict[str, Any]]
    in_force: InForceThen | None
    values: list[Value] = Field(default_factory=list)
