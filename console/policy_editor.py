"""The editor: YAML that is looked through while it is written, and stored as a whole or not at all."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import errors, forms, policy_words, words
from core.errors import Invalid, ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.reasons import clean_reason
from core.text import Text
from policies import apply, documents
from policies.apply import Outcome
from policies.language.problems import Refused

MAX_TEXT = 2_000_000

pages = Pages("policy_editor", __name__)


@pages.get("/policies/new", Permission.DOCUMENT_WRITE)
def new() -> str:
    """The editor with the beginning of a new document."""
    kind = request.args.get("kind", "Policy")
    return _editor(policy_words.NEW.get(kind, policy_words.NEW["Policy"]), None, kind=kind)


@pages.get("/policies/<kind>/<name>/edit", Permission.DOCUMENT_WRITE)
def edit(kind: str, name: str) -> str:
    """The editor with a stored document; its revision goes back with it, so that nobody is overwritten."""
    actor = current_actor()
    kept_in_files = documents.get(actor, kind, name).managed_by == "files"
    return _editor(documents.text(actor, kind, name), None, kind=kind, name=name, kept_in_files=kept_in_files)


@pages.post("/policies/plan", Permission.DOCUMENT_READ, reads=True)
def plan() -> str:
    """What the text would change, or what is wrong with it and in which line; asked while it is written."""
    actor = current_actor()
    try:
        found = apply.plan(actor, _text().encode())
    except ShoujiError as error:
        return render_template("_plan.html", error=error.text, problems=_problems(error), words=words)
    return render_template("_plan.html", plan=policy_words.outcome(actor, found), problems=[], words=words)


@pages.post("/policies/save", Permission.DOCUMENT_WRITE, reads_first=True)
def save() -> ResponseReturnValue:
    """Store the documents; published kinds become drafts, the others take effect."""
    actor, text = current_actor(), _text()
    reason = forms.field("reason").strip()
    foreseen = apply.plan(actor, text.encode())
    if _takes_effect(foreseen):
        reason = clean_reason(reason)
        require_accepted(foreseen)
    taken = forms.field("take_over") == "yes"
    done = apply.apply(actor, text.encode(), reason=reason, managed_by="console", take_over=taken)
    return forms.done(_address(done), _said(done))


@errors.on_form("page_policy_editor.save")
def show_error(problem: ShoujiError) -> str:
    """The same text with what is wrong marked in its lines."""
    kept = problem.code == "kept_in_files" or forms.field("take_over") == "yes"
    return _editor(_text(), problem, kind=forms.field("kind", 20), name=forms.field("name", 63), kept_in_files=kept)


def require_accepted(found: Outcome) -> None:
    """What becomes looser was ticked. Raises Invalid."""
    if found.review.looser and forms.field("accept_looser") != "yes":
        raise Invalid(
            "looser_not_accepted",
            Text(
                "此修改会放宽规则，请核对“放宽的规则”并勾选确认。",
                "This loosens rules. Read what becomes looser and tick that it is meant.",
            ),
        )


def _takes_effect(found: Outcome) -> bool:
    return any(change.action != "none" and not policy_words.is_published_kind(change.kind) for change in found.changes)


def _text() -> str:
    return forms.field("text", MAX_TEXT).replace("\r\n", "\n")


def _address(done: Outcome) -> str:
    if len(done.changes) != 1:
        return url_for("page_policies.show_list")
    return url_for("page_policies.show", kind=done.changes[0].kind, name=done.changes[0].name)


def _said(done: Outcome) -> Text:
    changed = [change for change in done.changes if change.action != "none"]
    if not changed:
        return Text("内容没有变化。", "Nothing was changed.")
    if _takes_effect(done):
        count = done.review.devices
        return Text(f"已保存并生效，影响 {count} 台设备。", f"Saved and in effect; it touches {count} phones.")
    return Text(
        f"已保存 {len(changed)} 个草稿，发布后才会下发到设备。",
        f"{len(changed)} draft{'' if len(changed) == 1 else 's'} saved; phones get them once they are published.",
    )


def _problems(error: ShoujiError | None) -> list[Any]:
    return error.problems if isinstance(error, Refused) else []


def _editor(text: str, problem: ShoujiError | None, *, kind: str, name: str = "", **more: Any) -> str:
    return render_template(
        "policy_editor.html",
        text=text,
        kind=kind,
        name=name,
        reason=request.form.get("reason", "")[:500],
        error=problem.text if problem else None,
        error_field="reason" if problem and problem.code == "reason_required" else None,
        problems=_problems(problem),
        words=words,
        policy=policy_words,
        **more,
    )
