"""What waits for a second person: exactly what it is and whom it hits, and the decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import errors, forms, frame, labels, lists, policy_words, words
from console.device_view import BAD, IDLE, OK, WARN, Label
from core.actor import Actor
from core.errors import Invalid, ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from fleet import devices, revocations
from fleet.commands import approval
from identity import approvals, queries
from identity.approval_views import ApprovalView
from policies import rollout_actions, rollout_steps, second_person

WAITING, MINE, DECIDED = "waiting", "mine", "decided"
TABS: Mapping[str, Text] = {
    WAITING: Text("待审批", "Waiting"),
    MINE: Text("我发起的", "Mine"),
    DECIDED: Text("已处理", "Decided"),
}
TONES = {"pending": WARN, "approved": OK, "used": OK, "denied": BAD, "void": BAD}
SHOWN_PHONES = 50
COMMAND_PREFIX = "command."

pages = Pages("approvals", __name__)


@pages.get("/approvals", Permission.COMMAND_READ)
def show_list() -> str:
    """The requests that wait, one's own, or those that are over."""
    actor = current_actor()
    tab = request.args.get("tab", WAITING)
    tab = tab if tab in TABS else WAITING
    narrowed = _narrowed(actor, tab)
    page = approvals.find(actor, **narrowed, cursor=lists.cursor(), limit=lists.LIMIT)
    return render_template(
        "_approval_list.html" if frame.wants_part() else "approvals.html",
        items=page.items,
        people=_people(page.items),
        total=approvals.count(actor, **narrowed),
        paging=lists.paging(page, {"tab": tab}),
        tab=tab,
        tabs=TABS,
        address=frame.here(),
        titled=titled,
        chip=chip,
    )


@pages.get("/approvals/<id>", Permission.COMMAND_READ)
@errors.shows("page_approvals.decide")
def show(id: str, problem: ShoujiError | None = None) -> str:
    """One request: what, why, whom it hits, until when, and the form to decide it."""
    actor = current_actor()
    asked = approvals.get(actor, id)
    targets = asked.targets or second_person.phones_of(id)
    phones = devices.views(actor, list(targets[:SHOWN_PHONES])) if actor.may(Permission.DEVICE_READ) else []
    return render_template(
        "approval.html",
        asked=asked,
        people=_people([asked]),
        phones=phones,
        targets=len(targets),
        unseen=max(0, len(targets) - len(phones)),
        result=second_person.result_of(id),
        held=second_person.is_held(asked),
        policy=policy_words,
        words=words,
        own=asked.requested_by == actor.id,
        open=asked.state == approvals.PENDING,
        missing=[one for one in asked.permissions if one not in actor.permissions],
        titled=titled,
        chip=chip,
        labels=labels,
        values=request.form,
        error=problem.text if problem else None,
    )


@pages.post("/approvals/<id>", Permission.COMMAND_READ)
def decide(id: str) -> ResponseReturnValue:
    """Let it happen or keep it from happening, with a reason; the request names the rights that it takes."""
    actor, decision, reason = current_actor(), forms.field("decision", 10), forms.field("reason")
    if decision == "withdraw":
        second_person.withdraw(actor, id)
        return forms.done(url_for("page_approvals.show", id=id), Text("申请已撤回。", "The request is taken back."))
    if decision not in ("approve", "deny"):
        raise Invalid("no_decision", Text("请选择批准或拒绝。", "Approve it or deny it."))
    asked = approvals.get(actor, id)
    if asked.kind.startswith(COMMAND_PREFIX):
        act = approval.approve if decision == "approve" else approval.deny
        act(actor, str(asked.summary.get("command", "")), reason)
    elif asked.kind == rollout_steps.APPROVAL:
        # By its own way: a rollout is locked ahead of its approval.
        go_on = rollout_actions.approve if decision == "approve" else rollout_actions.deny
        go_on(actor, str(asked.summary.get("rollout", "")), reason)
    else:
        decided = approvals.approve if decision == "approve" else approvals.deny
        decided(actor, id, reason)
    said = Text("已批准。", "Approved.") if decision == "approve" else Text("已拒绝。", "Denied.")
    return forms.done(url_for("page_approvals.show", id=id), said)


def titled(asked: ApprovalView) -> Text:
    """What is asked for, in a few words."""
    if asked.kind.startswith(COMMAND_PREFIX):
        name, phones = labels.command(asked.kind.removeprefix(COMMAND_PREFIX)), len(asked.targets)
        return Text(f"{name.zh}：{phones} 台设备", f"{name.en}: {phones} phone{'' if phones == 1 else 's'}")
    if asked.kind == revocations.APPROVAL:
        name, phones = labels.approval(asked.kind), len(asked.targets)
        return Text(f"{name.zh}：{phones} 台设备", f"{name.en}: {phones}")
    documents = asked.summary.get("documents") or ()
    ring = asked.summary.get("ring") or ", ".join(str(one["name"]) for one in documents[:3])
    name = labels.approval(asked.kind)
    return Text(f"{name.zh}：{ring}", f"{name.en}: {ring}") if ring else name


def chip(asked: ApprovalView) -> Label:
    """Where it stands."""
    return Label(labels.APPROVAL_STATES.get(asked.state, labels.plain(asked.state)), TONES.get(asked.state, IDLE))


def _narrowed(actor: Actor, tab: str) -> dict[str, Any]:
    if tab == MINE:
        return {"by": actor.id}
    return {"decided": True} if tab == DECIDED else {"state": approvals.PENDING}


def _people(items: list[ApprovalView]) -> dict[str, str]:
    """Names of who asked and who decided, by id."""
    ids = {one for item in items for one in (item.requested_by, item.decided_by) if one}
    return {ref.id: ref.name for ref in queries.person_refs(ids).values()}
