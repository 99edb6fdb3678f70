"""Publishing and deleting documents: first what it would do to phones, then a reason."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive import shadow_read
from archive.shadow_views import ShadowSumView
from console import errors, forms, policy_words, ring_form, words
from console.policy_editor import require_accepted
from core.actor import Actor
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.reasons import clean_reason
from core.runtime import settings
from core.text import Text
from policies import apply, documents, publish, shadow
from policies.apply import Outcome

FIELDS = {"reason_required": "reason", "looser_not_accepted": "accept_looser", "not_confirmed": "typed"}

pages = Pages("policy_publish", __name__)


@pages.get("/policies/<kind>/<name>/publish", Permission.DOCUMENT_PUBLISH)
@errors.shows("page_policy_publish.publish_document")
def ask_publish(kind: str, name: str, problem: ShoujiError | None = None) -> str:
    """What publishing the draft, or an older `version` again, would do."""
    actor, version = current_actor(), _wanted(request.values.get("version"))
    document = documents.get(actor, kind, name)
    in_force = documents.compare(actor, kind, name, document.version, version) if document.version else None
    plan = policy_words.outcome(actor, _foreseen(actor, kind, name, version))
    many = plan["devices"] > settings().unstaged_limit
    return _form(
        "policy_publish.html",
        problem,
        document=document,
        version=version,
        plan=plan,
        leaving=_leaving(actor, kind, name, version),
        fields=None if in_force is None else policy_words.fields(in_force),
        rings=ring_form,
        way=request.form.get("way", ring_form.RINGS if many else ring_form.NOW),
        many=many,
        ring_rows=ring_form.rows(),
        last_approval=bool(request.form.get("last_approval")),
    )


@pages.post("/policies/<kind>/<name>/publish", Permission.DOCUMENT_PUBLISH)
def publish_document(kind: str, name: str) -> ResponseReturnValue:
    """Publish the draft, or older content as a new version."""
    actor, version = current_actor(), _wanted(forms.field("version", 9))
    reason, staging = clean_reason(forms.field("reason")), ring_form.staging()
    done = publish.publish(
        actor,
        kind,
        name,
        version=version,
        reason=reason,
        take_over=_taken(),
        staging=staging,
        agree=require_accepted,
    )
    if staging.rings and done.rollout:
        text = Text("已按发布环建立发布。", "The rollout by rings is made.")
        return forms.done(url_for("page_rollouts.show", id=done.rollout), text)
    number, phones = done.published.version, done.review.devices
    text = Text(
        f"已发布第 {number} 版，正在下发到 {phones} 台设备。",
        f"Version {number} is published and on its way to {phones} phone{'' if phones == 1 else 's'}.",
    )
    return forms.done(url_for("page_policies.show", kind=kind, name=name), text)


@pages.get("/policies/<kind>/<name>/delete", Permission.DOCUMENT_WRITE)
@errors.shows("page_policy_publish.delete")
def ask_delete(kind: str, name: str, problem: ShoujiError | None = None) -> str:
    """What deleting the document would do."""
    actor = current_actor()
    try:
        plan: dict[str, Any] | None = policy_words.outcome(actor, apply.plan_deletion(actor, kind, name))
        hindrance = None
    except ShoujiError as error:
        if error.code != "still_used":
            raise
        plan, hindrance = None, error.text
    return _form(
        "policy_delete.html",
        problem,
        document=documents.get(actor, kind, name),
        plan=plan,
        hindrance=hindrance,
        users=documents.named_by(actor, kind, name),
    )


@pages.post("/policies/<kind>/<name>/delete", Permission.DOCUMENT_WRITE)
def delete(kind: str, name: str) -> ResponseReturnValue:
    """Delete the document; its versions stay."""
    forms.require_typed(name)
    apply.delete(
        current_actor(),
        kind,
        name,
        reason=forms.field("reason"),
        take_over=_taken(),
        agree=lambda found: require_accepted(found.review),
    )
    return forms.done(url_for("page_policies.show_list"), Text(f"已删除“{name}”。", f"“{name}” is deleted."))


def _wanted(version: str | None) -> int | None:
    return int(version) if version and version.isascii() and version.isdecimal() and len(version) <= 9 else None


def _foreseen(actor: Actor, kind: str, name: str, version: int | None) -> Outcome:
    return apply.plan(actor, documents.text(actor, kind, name, version=version).encode())


def _leaving(actor: Actor, kind: str, name: str, version: int | None) -> list[ShadowSumView]:
    """What the rules that this takes out of the shadow would have done in the last week."""
    if kind != "Policy":
        return []
    return shadow_read.leaving(actor, name, shadow.leaving(name, documents.spec(actor, kind, name, version=version)))


def _form(template: str, problem: ShoujiError | None, **values: Any) -> str:
    return render_template(
        template,
        error=problem.text if problem else None,
        error_field=forms.field_of(problem, FIELDS) if problem else None,
        reason=request.form.get("reason", "")[:500],
        words=words,
        policy=policy_words,
        **values,
    )


def _taken() -> bool:
    """Whether a document that is kept in files is to be taken over."""
    return forms.field("take_over") == "yes"
