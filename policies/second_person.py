"""The second person of whatever loosens what phones have: asked, kept, and carried out exactly as it was approved.

A service comes here after its review and before anybody hears of the change. Where something becomes looser its unit of
work ends with `Waits`, nothing is changed, and the request is stored. Once somebody else has approved it, the same
operation runs again as whoever asked, with the same arguments. It is void where what it rests on has changed, or where
it would loosen more, or more phones, than was approved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from core import live
from core.actor import Actor, system_actor
from core.db import session
from core.errors import Conflict, Forbidden, NotFound, ShoujiError, Unavailable, Waits
from core.permissions import Permission
from core.reasons import clean_reason
from core.runtime import settings
from core.text import Text
from core.uow import after_rollback
from identity import approvals, authentication, operations, queries
from identity.approval_views import ApprovalView
from identity.events import approval_decided
from identity.operations import Doing
from notify import notices
from notify.topics import Severity, register
from policies.models import HeldChange
from policies.review import SHOWN, Review

ACTOR = system_actor("policies")
APPROVER = (Permission.DOCUMENT_PUBLISH,)
_CARRIED = "held_change"
_AT_ONCE = register(
    "policy_loosened_at_once",
    Severity.CRITICAL,
    Text("有策略被紧急放宽，未经第二人批准", "Policies were loosened in an emergency, without a second person"),
)


@dataclass(slots=True)
class _Carried:
    """The approved change that this unit of work carries out, and whether it came by the gate."""

    held: HeldChange
    checked: bool = False


def wanted(seen: Review) -> bool:
    """Whether a change with this review waits for a second person."""
    return bool(seen.looser) and settings().approval_to_loosen


def require(actor: Actor, seen: Review, doing: Doing) -> None:
    """Go on where nothing becomes looser, or where this is what a second person approved.

    Raises Waits where somebody has to be asked, Invalid when no reason is given for it, Conflict where what was
    approved is not what would happen now.
    """
    carried: _Carried | None = session().info.get(_CARRIED)
    if carried is not None:
        _check(carried, seen, doing)
    elif wanted(seen):
        asking = replace(doing, reason=clean_reason(doing.reason))
        waits = Waits("waits_for_second_person", _said(seen))
        after_rollback(lambda: setattr(waits, "approval", ask(actor, seen, asking)))
        raise waits


def carrying() -> bool:
    """Whether this unit of work carries out what was approved."""
    return _CARRIED in session().info


def ask(actor: Actor, seen: Review, doing: Doing) -> ApprovalView:
    """Store a change that waits and ask for its second person; one that waits already is not asked for twice."""
    loosened = [[list(one.paths), list(one.phones)] for one in seen.loosened]
    content = _content(doing.operation, doing.arguments, doing.base, loosened)
    asked = approvals.waiting(actor, doing.operation, content)
    if asked is None:
        asked = approvals.request(
            actor,
            kind=doing.operation,
            content=content,
            targets=[],
            unit_ids=doing.unit_ids,
            reason=doing.reason,
            permissions=APPROVER,
            summary={**doing.shown, **_summary(seen)},
        )
        session().add(
            HeldChange(
                approval_id=asked,
                operation=doing.operation,
                arguments=dict(doing.arguments),
                base=dict(doing.base),
                loosened=loosened,
            )
        )
        session().flush()
        live.announce("approval", [asked])
    return approvals.get(ACTOR, asked)


def approve(actor: Actor, approval_id: str, reason: str) -> ApprovalView:
    """The second person lets a held change happen: it is carried out with the approval.

    Raises NotFound, Forbidden, Conflict; `approval_void` where it cannot be carried out any more.
    """
    approvals.approve(actor, _held(actor, approval_id).id, reason)
    return approvals.get(ACTOR, approval_id)


def deny(actor: Actor, approval_id: str, reason: str) -> ApprovalView:
    """The second person keeps a held change from happening. Raises NotFound, Forbidden, Conflict."""
    return approvals.deny(actor, _held(actor, approval_id).id, reason)


def withdraw(actor: Actor, approval_id: str) -> ApprovalView:
    """Whoever asked takes an undecided request back. Raises NotFound, Forbidden for anybody else, Conflict."""
    asked = _held(actor, approval_id)
    if asked.requested_by != actor.id:
        raise Forbidden(
            "not_own_request",
            Text("只有申请人可以撤回申请。", "Only whoever asked takes a request back. Deny it instead."),
        )
    if asked.state != approvals.PENDING:
        raise Conflict("approval_decided", Text("该申请已有结果。", "This request has been decided already."))
    approvals.withdraw(actor, approval_id)
    return approvals.get(ACTOR, approval_id)


def is_held(asked: ApprovalView) -> bool:
    """Whether a request is for a change that was held, and not for something else that takes two persons."""
    return asked.kind in operations.names()


def _held(actor: Actor, approval_id: str) -> ApprovalView:
    asked = approvals.get(actor, approval_id)
    if not is_held(asked):
        raise NotFound("no_such_approval", Text("没有这项变更的审批。", "No such change waits."))
    return asked


def phones_of(approval_id: str) -> list[str]:
    """Ids of the phones whose rules a change that was held makes looser; empty for any other request."""
    held = session().get(HeldChange, approval_id)
    return sorted({phone for _, phones in held.loosened for phone in phones}) if held else []


def result_of(approval_id: str) -> Mapping[str, Any]:
    """What a change made that was held and carried out."""
    held = session().get(HeldChange, approval_id)
    return (held.result or {}) if held else {}


def tell_at_once(actor: Actor, seen: Review, about: tuple[str, str]) -> None:
    """Tell everybody else who may publish that an emergency has loosened something."""
    if wanted(seen):
        others = [one for one in queries.holders_of(APPROVER, queries.ROOT_ID) if one != actor.id]
        text = Text(
            f"{actor.name} 以紧急发布放宽了 {_count(seen)} 台设备的策略，未经第二人批准。请核对。",
            f"{actor.name} loosened the policy of {_count(seen)} phones in an emergency, without a second person. "
            "Look into it.",
        )
        notices.send(others, _AT_ONCE, text, about)


@approval_decided.connect
def follow_decision(_sender: object, *, approval_id: str, kind: str, state: str, targets: Collection[str]) -> None:
    """What was approved is done in the unit of work of the approval; where it cannot be, nothing is and it is void."""
    held = session().get(HeldChange, approval_id) if kind in operations.names() else None
    if held is None or state != approvals.APPROVED:
        return
    asked = approvals.get(ACTOR, approval_id)
    try:
        held.result = _carry_out(asked, held)
    except Unavailable:
        raise
    except ShoujiError as error:
        raise _void(approval_id, error) from error


def _carry_out(asked: ApprovalView, held: HeldChange) -> dict[str, Any]:
    content = _content(held.operation, held.arguments, held.base, held.loosened)
    approvals.consume(ACTOR, asked.id, kind=asked.kind, content=content, used_for=asked.id)
    with _carrying(_Carried(held)) as carried:
        done = operations.run(_requester(asked), held.operation, held.arguments)
    if not carried.checked:
        raise _base_changed()
    return dict(done)


@contextmanager
def _carrying(carried: _Carried) -> Iterator[_Carried]:
    info = session().info
    info[_CARRIED] = carried
    try:
        yield carried
    finally:
        info.pop(_CARRIED, None)


def _requester(asked: ApprovalView) -> Actor:
    """Whoever asked, with the rights of this moment; the command line asks as itself."""
    if not queries.person_refs([asked.requested_by]):
        return system_actor(asked.requested_by)
    found = authentication.acting(asked.requested_by)
    if found is None:
        raise Conflict("requester_left", Text("申请人已离职。", "Whoever asked has left."))
    return found


def _check(carried: _Carried, seen: Review, doing: Doing) -> None:
    held = carried.held
    now = _content(doing.operation, doing.arguments, doing.base, [])
    if approvals.digest(now) != approvals.digest(_content(held.operation, held.arguments, held.base, [])):
        raise _base_changed()
    allowed = {phone: frozenset(paths) for paths, phones in held.loosened for phone in phones}
    if not all(set(one.paths) <= allowed.get(phone, frozenset()) for one in seen.loosened for phone in one.phones):
        raise Conflict(
            "more_than_approved",
            Text(
                "现在会放宽比批准时更多的设备或更多的规则。",
                "By now it would loosen more phones, or more rules, than what was asked for.",
            ),
        )
    carried.checked = True


def _base_changed() -> Conflict:
    return Conflict(
        "base_changed",
        Text("申请之后，相关内容已被修改。", "What it rests on was changed after it was asked for."),
    )


def _void(approval_id: str, error: ShoujiError) -> Conflict:
    """The error for an approval that cannot be carried out: it is void, and whoever asked is told."""
    why = str(error.members.get("why") or error.code)
    said = Text(
        f"未做任何更改，该申请已作废：{error.text.zh}如仍需要，请重新提交。",
        f"Nothing was changed and the request is void: {error.text.en} Ask again if it is still wanted.",
    )
    after_rollback(lambda: approvals.void(ACTOR, approval_id, why, said))
    return Conflict("approval_void", said, why=why, audit=True)


def _content(
    operation: str, arguments: Mapping[str, Any], base: Mapping[str, Any], loosened: Sequence[Any]
) -> dict[str, Any]:
    """Exactly what a second person lets happen: this operation, on this base, to these phones."""
    return {"operation": operation, "arguments": arguments, "base": base, "loosened": loosened}


def _summary(seen: Review) -> dict[str, Any]:
    return {
        **seen.plain(SHOWN),
        "loosens": _count(seen),
    }


def _count(seen: Review) -> int:
    return len({phone for one in seen.loosened for phone in one.phones})


def _said(seen: Review) -> Text:
    paths = seen.said()
    return Text(
        f"此变更会放宽 {_count(seen)} 台设备的策略（{paths}），等同于发布，已提交审批，目前未做任何更改。"
        "由另一位有发布权限的人批准后自动执行。",
        f"This loosens the policy of {_count(seen)} phones ({paths}), which counts as publishing. A second person who "
        "may publish has been asked; once they approve it is carried out. Nothing is changed until then.",
    )
