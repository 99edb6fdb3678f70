"""Documents of the policy language: the list, one with its versions, and what differs between two."""

from __future__ import annotations

from flask import render_template, request, url_for

from archive import shadow_read
from console import frame, lists, policy_words, words
from core.actor import Actor
from core.errors import Invalid
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from policies import documents

FILTERS = ("q", "kind")
DRAFT = "draft"
LONGEST_NUMBER = 9

pages = Pages("policies", __name__)


@pages.get("/policies", Permission.DOCUMENT_READ)
def show_list() -> str:
    """Documents by kind and name."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    kind, q = shown.get("kind"), shown.get("q")
    page = documents.find(actor, kind, lists.cursor(), lists.LIMIT, q=q)
    return render_template(
        "_policies.html" if frame.wants_part() else "policies.html",
        documents=page.items,
        total=documents.count(actor, kind, q=q),
        paging=lists.paging(page, shown),
        shown=shown,
        kinds=words.options(words.KINDS),
        words=words,
        policy=policy_words,
        tabs=tabs(actor, "documents"),
        may_write=actor.may(Permission.DOCUMENT_WRITE),
    )


@pages.get("/policies/<kind>/<name>", Permission.DOCUMENT_READ)
def show(kind: str, name: str) -> str:
    """One document: its text, where it is used, and its versions, newest first."""
    actor = current_actor()
    page = documents.versions(actor, kind, name, lists.cursor(), lists.LIMIT)
    return render_template(
        "policy.html",
        document=documents.get(actor, kind, name),
        text=documents.text(actor, kind, name),
        users=documents.named_by(actor, kind, name),
        versions=page.items,
        shadow=shadow_read.glance(actor, kind, name),
        paging=lists.paging(page, {}),
        words=words,
        policy=policy_words,
        may_write=actor.may(Permission.DOCUMENT_WRITE),
        may_simulate=actor.may(Permission.ARCHIVE_READ),
        may_publish=actor.may(Permission.DOCUMENT_PUBLISH),
    )


@pages.get("/policies/<kind>/<name>/diff", Permission.DOCUMENT_READ)
def show_difference(kind: str, name: str) -> str:
    """What differs between two versions, member by member; `draft` is what is not published yet."""
    actor = current_actor()
    document = documents.get(actor, kind, name)
    old = request.args.get("old") or str(document.version or DRAFT)
    new = request.args.get("new") or DRAFT
    page = documents.versions(actor, kind, name, None, lists.LIMIT)
    found = documents.compare(actor, kind, name, _version(old), _version(new))
    return render_template(
        "policy_diff.html",
        document=document,
        fields=policy_words.fields(found),
        old=old,
        new=new,
        choices=[DRAFT, *(str(version.version) for version in page.items)],
        words=words,
    )


def tabs(actor: Actor, at: str) -> list[tuple[str, Text, bool]]:
    """The pages about policies that an actor may open."""
    found = [(url_for("page_policies.show_list"), Text("策略文档", "Documents"), at == "documents")]
    found.append((url_for("page_assignments.show_list"), Text("策略分配", "Assignments"), at == "assignments"))
    found.append((url_for("page_rollouts.show_list"), Text("发布进度", "Rollouts"), at == "rollouts"))
    if actor.may(Permission.GROUP_READ):
        found.append((url_for("page_groups.show_list"), Text("设备分组", "Groups of phones"), at == "groups"))
    found.append((url_for("page_calendars.show_list"), Text("日历", "Calendars"), at == "calendars"))
    found.append((url_for("page_apps.show_list"), Text("应用登记", "App register"), at == "apps"))
    return found


def _version(text: str) -> int | None:
    if text == DRAFT:
        return None
    if not text.isdecimal() or not text.isascii() or len(text) > LONGEST_NUMBER:
        raise Invalid("bad_version", Text("版本应为数字或 draft。", "A version is a number or “draft”."))
    return int(text)
