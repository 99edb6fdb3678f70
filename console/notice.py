"""The notice to holders: its versions in both languages, a new one, and the evidence of who accepted what."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import errors, forms, frame, lists, words
from core.actor import Actor
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import LANGUAGES, Text
from fleet import notice_evidence, notices
from fleet.notices import MAX_TEXT

FIELDS = {"bad_version": "version", "version_used": "version", "not_confirmed": "typed"}
EVIDENCE_FILTERS = ("person", "device", "version")
PUBLISH_WORD = Text("发布", "publish")

pages = Pages("notice", __name__)


@pages.get("/notice", Permission.NOTICE_READ)
def show() -> str:
    """The texts in force and those before, with how many phones accepted each."""
    actor = current_actor()
    version, accepted, waiting = notice_evidence.status(actor)
    return render_template(
        "notice.html",
        versions=notice_evidence.versions(actor),
        version=version,
        accepted=accepted,
        waiting=waiting,
        languages=words.LANGUAGES,
        tabs=tabs(actor, "texts"),
        may_write=actor.may(Permission.NOTICE_WRITE),
    )


@pages.get("/notice/acceptances", Permission.NOTICE_READ)
def show_acceptances() -> str:
    """Who accepted what on which phone, the newest first."""
    actor, shown = current_actor(), lists.shown(EVIDENCE_FILTERS)
    page = notice_evidence.acceptances(actor, cursor=lists.cursor(), limit=lists.LIMIT, **shown)
    return render_template(
        "_acceptances.html" if frame.wants_part() else "acceptances.html",
        acceptances=page.items,
        total=notice_evidence.count(actor, **shown),
        paging=lists.paging(page, shown),
        shown=shown,
        versions=[(one.version, one.version) for one in notice_evidence.versions(actor)],
        tabs=tabs(actor, "acceptances"),
    )


@pages.get("/notice/pending", Permission.NOTICE_READ)
def show_pending() -> str:
    """Phones that collect nothing until their holder accepts."""
    actor = current_actor()
    page = notice_evidence.pending(actor, lists.cursor(), lists.LIMIT)
    return render_template(
        "notice_pending.html",
        phones=page.items,
        total=notice_evidence.status(actor)[2],
        paging=lists.paging(page, {}),
        tabs=tabs(actor, "pending"),
    )


@pages.get("/notice/new", Permission.NOTICE_WRITE)
@errors.shows("page_notice.publish")
def new(problem: ShoujiError | None = None) -> str:
    """The form of a new version, which begins with the texts in force."""
    stored: dict[str, Any] = {f"text_{code}": text for code, text in notices.current().texts.items()}
    return render_template(
        "notice_form.html",
        values=request.form if problem else stored,
        languages=words.LANGUAGES,
        limit=MAX_TEXT,
        word=PUBLISH_WORD,
        waiting=notice_evidence.status(current_actor())[1],
        error=problem.text if problem else None,
        error_field=forms.field_of(problem, FIELDS) if problem else None,
    )


@pages.post("/notice/new", Permission.NOTICE_WRITE)
def publish() -> ResponseReturnValue:
    """Put a new version in force; phones collect nothing until their holder has accepted it."""
    actor = current_actor()
    forms.require_typed(PUBLISH_WORD.zh, PUBLISH_WORD.en)
    texts = {code: forms.field(f"text_{code}", MAX_TEXT * 2).replace("\r\n", "\n").strip() for code in LANGUAGES}
    done = notices.publish(actor, texts, forms.field("version", 64).strip() or None)
    text = Text(f"告知书 {done.version} 已生效。", f"Notice {done.version} is in force.")
    return forms.done(url_for("page_notice.show"), text)


def tabs(actor: Actor, at: str) -> list[tuple[str, Text, bool]]:
    """The pages about the notice."""
    waiting = notice_evidence.status(actor)[2]
    return [
        (url_for("page_notice.show"), Text("告知书", "Texts"), at == "texts"),
        (url_for("page_notice.show_acceptances"), Text("同意记录", "Acceptances"), at == "acceptances"),
        (
            url_for("page_notice.show_pending"),
            Text(f"尚未同意（{waiting}）", f"Not accepted yet ({waiting})"),
            at == "pending",
        ),
    ]
