"""Two persons: one asks for exactly this, another lets it happen once.

A service of a higher room asks (`request`), calls `approve` or `deny` for the second person, hears `approval_decided`,
and at execution calls `consume` with the same content; later executions of the same thing ask `still_holds`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

import rfc8785
from sqlalchemy import Select, func, select

from core import audit, clock
from core.actor import Actor
from core.db import session
from core.errors import Conflict, Forbidden, NotFound
from core.ids import new_id
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from core.reasons import clean_reason
from core.runtime import settings
from core.text import Text
from identity import accounts, approval_kinds, events, queries
from identity.approval_views import ApprovalView, view
from identity.independence import require_independent
from identity.models import ACTIVE, ROOT_ID, Approval, Person
from identity.roles import permissions_of
from identity.scope import visible_units
from notify import notices
from notify.topics import Severity, register

_ASKED = register(
    "approval_requested",
    Severity.WARNING,
    Text("有一项操作等待审批", "An operation waits for a second person"),
)
for _state, _title in {
    "approved": Text("一项申请已获批准", "A request was approved"),
    "denied": Text("一项申请被拒绝", "A request was denied"),
    "lapsed": Text("一项申请已过期", "A request lapsed"),
    "void": Text("一项申请已作废", "A request is void"),
}.items():
    register(f"approval_{_state}", Severity.INFO, _title)

PENDING, APPROVED, DENIED, WITHDRAWN, LAPSED, USED = "pending", "approved", "denied", "withdrawn", "lapsed", "used"
VOID = "void"


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of exactly what will be done, hex."""
    return hashlib.sha256(rfc8785.dumps(dict(content))).hexdigest()


def request(
    actor: Actor,
    *,
    kind: str,
    content: Mapping[str, Any],
    targets: Collection[str],
    unit_ids: Collection[str],
    reason: str,
    permissions: Collection[Permission] = (Permission.COMMAND_APPROVE,),
    summary: Mapping[str, Any] | None = None,
) -> str:
    """Ask for a second person; returns the id of the request. The caller has checked that the actor may ask.

    `unit_ids` are the org units of the targets: an approver must see all of them and hold all the permissions.
    `summary` is shown to approvers and holds no secret. Raises Invalid without a reason, KeyError for a kind that no
    room has registered.
    """
    approval_kinds.needed_for(kind)
    now = clock.now()
    row = Approval(
        id=new_id(),
        kind=kind,
        content_sha256=digest(content),
        targets=sorted(targets),
        unit_id=queries.common_unit(unit_ids) or ROOT_ID,
        permissions=sorted(permissions),
        reason=clean_reason(reason),
        summary=dict(summary or {}),
        requested_by=actor.id,
        requested_at=now,
        expires_at=now + timedelta(seconds=settings().approval_lifetime),
        state=PENDING,
    )
    session().add(row)
    session().flush()
    audit.record(actor, "approval.request", ("approval", row.id), {"kind": kind, "sha256": row.content_sha256})
    askable = [person for person in queries.holders_of(permissions, row.unit_id) if person != actor.id]
    notices.send(
        askable,
        _ASKED,
        Text("有一项操作等待您审批。", "Something waits for your approval."),
        ("approval", row.id),
        row.unit_id,
    )
    return row.id


def approve(actor: Actor, approval_id: str, reason: str, also: Collection[Permission] = ()) -> ApprovalView:
    """Let it happen. `also` are permissions that the present state demands on top.

    Raises Forbidden for the requester, for somebody who may be the same person behind another account, or without the
    permissions; Conflict when it is decided or lapsed; NotFound outside the actor's scope.
    """
    row = _open_for(actor, approval_id)
    for permission in {*map(Permission, row.permissions), *also}:
        actor.require(permission)
    require_independent(actor.id, row.requested_by, row.requested_at)
    row.permissions = sorted({*row.permissions, *also})
    row.expires_at = clock.now() + timedelta(seconds=settings().approval_lifetime)
    return _decide(actor, row, APPROVED, reason)


def deny(actor: Actor, approval_id: str, reason: str) -> ApprovalView:
    """Keep it from happening. Raises as `approve`, independence aside."""
    row = _open_for(actor, approval_id)
    for permission in map(Permission, row.permissions):
        actor.require(permission)
    return _decide(actor, row, DENIED, reason)


def withdraw(actor: Actor, approval_id: str) -> None:
    """Take an undecided or unused request back; its service has checked that the actor may. Else nothing happens."""
    row = session().get(Approval, approval_id, with_for_update=True, populate_existing=True)
    if row is not None and row.state in (PENDING, APPROVED):
        row.state = WITHDRAWN
        audit.record(actor, "approval.withdraw", ("approval", row.id))


def waiting(actor: Actor, kind: str, content: Mapping[str, Any]) -> str | None:
    """The actor's undecided request for exactly this, if there is one: asking twice is asking once."""
    query = select(Approval.id).where(
        Approval.requested_by == actor.id,
        Approval.kind == kind,
        Approval.content_sha256 == digest(content),
        Approval.state == PENDING,
        Approval.expires_at > clock.now(),
    )
    return session().scalar(query.limit(1))


def void(actor: Actor, approval_id: str, why: str, said: Text) -> None:
    """End an open request that cannot be carried out any more, and tell whoever waits for it. Else nothing happens."""
    row = session().get(Approval, approval_id, with_for_update=True, populate_existing=True)
    if row is None or row.state not in (PENDING, APPROVED):
        return
    row.state = VOID
    audit.record(actor, "approval.void", ("approval", row.id), {"kind": row.kind, "why": why}, refused=True)
    notices.send([row.requested_by], f"approval_{VOID}", said, ("approval", row.id), row.unit_id)


def consume(
    actor: Actor,
    approval_id: str,
    *,
    kind: str,
    content: Mapping[str, Any],
    used_for: str,
    also: Collection[Permission] = (),
) -> None:
    """Spend the approval on its one execution, after checking all of it again. Raises Conflict with the reason.

    The approver must still be active, see the request's unit and hold every permission, `also` included; the requester
    must still be active and hold what the kind demands of whoever asks.
    """
    row = session().get(Approval, approval_id, with_for_update=True, populate_existing=True)
    problem = "missing" if row is None else _why_unusable(row, kind, content, also)
    if row is None or problem:
        raise Conflict(
            "approval_unusable",
            Text("审批已失效或与内容不符，请重新申请。", "The approval no longer fits. Ask for a new one."),
            why=problem,
            audit=True,
        )
    row.state, row.used_for, row.used_at = USED, used_for, clock.now()
    audit.record(actor, "approval.use", ("approval", row.id), {"used_for": used_for, "sha256": row.content_sha256})


def still_holds(approval_id: str, *, kind: str, content: Mapping[str, Any], used_for: str) -> bool:
    """Whether the approval was spent on exactly this thing with exactly this content."""
    row = session().get(Approval, approval_id, populate_existing=True)
    return (
        row is not None
        and row.state == USED
        and row.used_for == used_for
        and row.kind == kind
        and row.content_sha256 == digest(content)
        and row.decided_by not in (None, row.requested_by)
    )


def get(actor: Actor, approval_id: str) -> ApprovalView:
    """One request in the actor's scope, or the actor's own. Raises NotFound."""
    actor.require(Permission.COMMAND_READ)
    return view(_visible(actor, approval_id))


def find(
    actor: Actor,
    *,
    state: str | None = None,
    decided: bool = False,
    by: str | None = None,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[ApprovalView]:
    """The requests in the actor's scope and own ones, newest first: of a state, all `decided` ones, of a requester."""
    actor.require(Permission.COMMAND_READ)
    query = _narrowed(select(Approval), actor, state, decided, by)
    return keyset(session(), query, [Approval.requested_at, Approval.id], cursor, limit, descending=True).map(view)


def count(actor: Actor, *, state: str | None = None, decided: bool = False, by: str | None = None) -> int:
    """How many requests the same filters find."""
    actor.require(Permission.COMMAND_READ)
    return session().scalar(_narrowed(select(func.count(Approval.id)), actor, state, decided, by)) or 0


def waiting_for(actor: Actor) -> int:
    """How many undecided requests of others the actor sees and has the rights to decide."""
    query = select(Approval.permissions).where(
        Approval.unit_id.in_(visible_units(actor)),
        Approval.state == PENDING,
        Approval.expires_at > clock.now(),
        Approval.requested_by != actor.id,
    )
    return sum({*map(Permission, wanted)} <= actor.permissions for wanted in session().scalars(query))


def _narrowed(query: Select[Any], actor: Actor, state: str | None, decided: bool, by: str | None) -> Select[Any]:
    query = query.where(Approval.unit_id.in_(visible_units(actor)) | (Approval.requested_by == actor.id))
    if state:
        query = query.where(Approval.state == state)
    if decided:
        query = query.where(Approval.state != PENDING)
    return query.where(Approval.requested_by == by) if by else query


def lapse_overdue() -> int:
    """End the requests whose time is over and tell whoever waits for them. Returns how many."""
    overdue = select(Approval).where(Approval.state.in_((PENDING, APPROVED)), Approval.expires_at <= clock.now())
    rows = list(session().scalars(overdue.with_for_update(skip_locked=True)))
    said = Text("您的申请已过期，未执行。", "Your request lapsed. Nothing was done.")
    for row in rows:
        row.state = LAPSED
        notices.send([row.requested_by], f"approval_{LAPSED}", said, ("approval", row.id), row.unit_id)
    if rows:
        session().flush()
        events.approvals_lapsed.send(None, approval_ids=[row.id for row in rows])
    return len(rows)


def _visible(actor: Actor, approval_id: str, *, lock: bool = False) -> Approval:
    query = select(Approval).where(
        Approval.id == approval_id,
        Approval.unit_id.in_(visible_units(actor)) | (Approval.requested_by == actor.id),
    )
    query = query.with_for_update().execution_options(populate_existing=True) if lock else query
    row = session().scalars(query).one_or_none()
    if row is None:
        raise NotFound("no_such_approval", Text("没有这项审批。", "There is no such approval."))
    return row


def _open_for(actor: Actor, approval_id: str) -> Approval:
    row = _visible(actor, approval_id, lock=True)
    if actor.kind != "staff" or actor.id == row.requested_by:
        raise Forbidden(
            "own_request",
            Text("不能审批自己的申请，请由另一个人决定。", "Nobody decides their own request. Ask somebody else."),
        )
    if row.state == PENDING and row.expires_at <= clock.now():
        raise Conflict(
            "approval_lapsed", Text("申请已过期，请重新提交。", "The request has lapsed. Ask again."), audit=True
        )
    if row.state != PENDING:
        text = Text("该申请已有结果。", "This request has been decided already.")
        raise Conflict("approval_decided", text, state=row.state, audit=True)
    return row


def _decide(actor: Actor, row: Approval, state: str, reason: str) -> ApprovalView:
    row.state, row.decided_by, row.decided_at = state, actor.id, clock.now()
    row.decision_reason = clean_reason(reason)
    session().flush()
    audit.record(actor, f"approval.{state}", ("approval", row.id), {"kind": row.kind, "sha256": row.content_sha256})
    said = (
        Text("您的申请已获批准。", "Your request was approved.")
        if state == APPROVED
        else Text("您的申请被拒绝。", "Your request was denied.")
    )
    notices.send([row.requested_by], f"approval_{state}", said, ("approval", row.id), row.unit_id)
    events.approval_decided.send(None, approval_id=row.id, kind=row.kind, state=state, targets=list(row.targets))
    return view(row)


def _why_unusable(row: Approval, kind: str, content: Mapping[str, Any], also: Collection[Permission]) -> str | None:
    system = queries.person_refs([row.requested_by]) == {}
    checks = {
        "state": row.state == APPROVED,
        "lapsed": row.expires_at > clock.now(),
        "kind": row.kind == kind,
        "content": row.content_sha256 == digest(content),
        "same_person": row.decided_by not in (None, row.requested_by),
        "requester": system or _is_active(row.requested_by),
        "requester_permissions": system
        or approval_kinds.needed_for(row.kind) <= permissions_of(accounts.roles_of(row.requested_by)),
        "approver": _is_active(row.decided_by),
        "scope": queries.sees(row.decided_by, row.unit_id),
        "permissions": {*map(Permission, row.permissions), *also}
        <= permissions_of(accounts.roles_of(row.decided_by or "")),
    }
    return next((name for name, good in checks.items() if not good), None)


def _is_active(person_id: str | None) -> bool:
    return session().scalar(select(Person.id).where(Person.id == person_id, Person.state == ACTIVE)) is not None
