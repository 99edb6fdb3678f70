"""The editor: YAML that is looked through while it is written, and stored as a whole or not at all."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import errors, forms, frame, policy_words, words
from console.policy_form import changes, sheet, values
from core.errors import Invalid, ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.limits import MAX_NAME
from core.permissions import Permission
from core.reasons import clean_reason
from core.text import Text
from policies import apply, documents
from policies.apply import Outcome
from policies.language.problems import Problem, Refused
from policies.review import Review

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
    found, problem = _foresee(_text())
    return render_template("_plan.html", **_foreseen(found, problem), words=words)


@pages.post("/policies/form", Permission.DOCUMENT_WRITE, reads=True)
def fill() -> str:
    """The form and the text after a change to either, with what is wrong at its field and its line."""
    kind, text = forms.field("kind", 20), _merged()
    if not frame.wants_part():
        return _editor(text, None, kind=kind, name=forms.field("name", MAX_NAME))
    foreseen, problem = _foresee(text)
    return render_template(
        "_policy_form_answer.html",
        text=text,
        kind=kind,
        name=forms.field("name", 63),
        words=words,
        **_foreseen(foreseen, problem),
        **_form(kind, text, _problems(problem)),
    )


@pages.post("/policies/save", Permission.DOCUMENT_WRITE, reads_first=True)
def save() -> ResponseReturnValue:
    """Store the documents; published kinds become drafts, the others take effect."""
    reason, taken = forms.field("reason").strip(), forms.field("take_over") == "yes"

    def agree(found: Outcome) -> None:
        if _takes_effect(found):
            clean_reason(reason)
            require_accepted(found.review)

    body = _merged().encode()
    done = apply.apply(current_actor(), body, reason=reason, managed_by="console", take_over=taken, agree=agree)
    return forms.done(_address(done), _said(done))


@errors.on_form("page_policy_editor.save")
def show_error(problem: ShoujiError) -> str:
    """The same text with what is wrong marked in its lines."""
    kept = problem.code == "kept_in_files" or forms.field("take_over") == "yes"
    return _editor(
        _merged(), problem, kind=forms.field("kind", 20), name=forms.field("name", MAX_NAME), kept_in_files=kept
    )


def require_accepted(seen: Review) -> None:
    """What becomes looser was ticked. Raises Invalid."""
    if seen.looser and forms.field("accept_looser") != "yes":
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
        return Text("规则没有变化，注释已随文档保存。", "No rule was changed; comments are kept with the document.")
    if _takes_effect(done):
        count = done.review.devices
        return Text(f"已保存并生效，影响 {count} 台设备。", f"Saved and in effect; it touches {count} phones.")
    return Text(
        f"已保存 {len(changed)} 个草稿，发布后才会下发到设备。",
        f"{len(changed)} draft{'' if len(changed) == 1 else 's'} saved; phones get them once they are published.",
    )


def _merged() -> str:
    """The text as it was sent, with what was changed in the form beside it and is not in it yet."""
    kind, text, base = forms.field("kind", 20), _text(), forms.field("base", MAX_TEXT).replace("\r\n", "\n")
    if not base or not sheet.has_form(kind):
        return text
    names = [name for name, _ in documents.names(current_actor(), "KeywordSet")]
    return sheet.change(kind, text, base, request.form.getlist, forms.field("do"), names)


def _foresee(text: str) -> tuple[Outcome | None, ShoujiError | None]:
    try:
        return apply.plan(current_actor(), text.encode()), None
    except ShoujiError as error:
        return None, error


def _foreseen(found: Outcome | None, problem: ShoujiError | None) -> dict[str, Any]:
    return {
        "plan": policy_words.outcome(current_actor(), found) if found else None,
        "error": problem.text if problem else None,
        "problems": _problems(problem),
    }


def _form(kind: str, text: str, problems: list[Problem]) -> dict[str, Any]:
    """What the form is drawn with; nothing for a kind that has none."""
    if not sheet.has_form(kind):
        return {"sheet": None}
    actor = current_actor()
    return {
        "sheet": sheet.draw(kind, text, problems),
        "names": {named: documents.names(actor, named) for named in ("KeywordSet", "Calendar")},
        "values": values,
        "changes": changes,
    }


def _problems(error: ShoujiError | None) -> list[Problem]:
    return error.problems if isinstance(error, Refused) else []


def _editor(text: str, problem: ShoujiError | None, *, kind: str, name: str = "", **more: Any) -> str:
    foreseen, wrong = _foresee(text) if sheet.has_form(kind) else (None, None)
    problems = _problems(problem) or _problems(wrong)
    return render_template(
        "policy_editor.html",
        text=text,
        kind=kind,
        name=name,
        reason=request.form.get("reason", "")[:500],
        error=problem.text if problem else None,
        error_field="reason" if problem and problem.code == "reason_required" else None,
        problems=problems,
        plan=policy_words.outcome(current_actor(), foreseen) if foreseen else None,
        plan_error=wrong.text if wrong else None,
        words=words,
        policy=policy_words,
        **_form(kind, text, problems),
        **more,
    )
