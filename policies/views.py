"""Documents, versions, rollouts and explanations as services, pages and the API show them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from core.views import Bilingual, Moment, View


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
    """A ring of a rollout: whom it holds, its gates, how many phones are in which class, and how long answers took.

    `seconds`: quantiles `p50`, `p90`, `p99` from the push to the report that it is applied. `waited`: seconds in its
    present state.
    """

    position: int
    name: str
    state: str
    selector: dict[str, Any]
    gates: dict[str, Any]
    started_at: Moment | None
    finished_at: Moment | None
    waited: int
    devices: dict[str, int]
    seconds: dict[str, float]


class RolloutSummary(View):
    """A rollout in a list; `why` says what paused or stopped it."""

    id: str
    kind: str
    state: str
    staged: bool
    emergency: bool
    reason: str
    why: dict[str, Any] | None
    rolls_back: str | None
    created_at: Moment
    created_by: str
    started_at: Moment | None
    finished_at: Moment | None
    documents: list[dict[str, Any]]


class RolloutView(RolloutSummary):
    """A rollout and how far it came; `approval` is what waits for a second person."""

    approval: str | None
    rings: list[RingView] = Field(default_factory=list)


class RolloutDeviceView(View):
    """A phone of a rollout.

    `state`: the class that counts it. `why`: a code for what keeps it from having applied: `rejected`, `failed`
    (`detail` is what the phone said), `left_fleet`, `never_seen`, `offline` (since), `not_sent`, `no_answer`,
    `replaced`; None when nothing does.
    """

    device_id: str
    serial: str
    model: str
    org_unit: str
    ring: int
    state: str
    targeted_at: Moment
    settled_at: Moment | None
    why: str | None
    detail: str | None
    since: Moment | None
    last_seen_at: Moment | None


class Value(View):
    """One effective value and where it comes from."""

    path: str
    value: Any
    sources: list[dict[str, Any]]


class InForceThen(View):
    """The bundle that a phone said it had in force.

    `since`: by the phone's clock, held between `desired_at`, when the server asked for it, and `received_at`, when the
    report came; `said_at` is what the phone's clock showed.
    """

    generation: int | None
    bundle: str | None
    since: Moment
    desired_at: Moment | None
    said_at: Moment | None = None
    received_at: Moment | None = None


class InForceEvidence(View):
    """What was in force on a phone at a past minute, and what it is known from.

    `certain`: the phone's clock and the times of receipt say the same. `otherwise` is what the times of receipt alone
    say where they do not. `until`: when the phone applied the next bundle.
    """

    device_id: str
    at: Moment
    in_force: InForceThen | None
    until: Moment | None
    certain: bool
    otherwise: InForceThen | None
    policies: list[dict[str, Any]]
    blobs: list[dict[str, Any]]
    rules: dict[str, Any]


class Explanation(View):
    """What is wanted of a phone and why. For a past minute `in_force` tells what the phone had then."""

    device_id: str
    at: Moment
    generation: int | None
    bundle: str | None
    policies: list[dict[str, Any]]
    in_force: InForceThen | None
    values: list[Value] = Field(default_factory=list)


class CounterView(View):
    """A figure that a rule looked at; None where it is not known."""

    name: str
    value: int | None
    limit: int


class BecauseView(View):
    """A rule that spoke, and the policies, versions and assignments that it comes from."""

    rule: str
    action: str
    text: Bilingual
    until: Moment | None
    counter: str | None
    sources: list[dict[str, Any]]


class ActView(View):
    """Whether an act is allowed at a minute, and why.

    `in_force`: the phone had that bundle in force; otherwise it was wanted of it. `until`: when time alone allows it.
    """

    device_id: str
    at: Moment
    bundle: str
    in_force: bool
    allowed: bool
    action: str
    text: Bilingual
    until: Moment | None
    because: list[BecauseView]
    counters: list[CounterView]
