"""People: who is there, what they may do, and their accounts."""

from __future__ import annotations

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from console import choices, errors, forms, frame, lists, words
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from identity import people, totp
from identity.people import PersonChanges

FILTERS = ("q", "state", "role", "org_unit")

pages = Pages("people", __name__)


@pages.get("/people", Permission.STAFF_READ)
def show_list() -> str:
    """People in one's part of the tree, by name."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    page = people.find(actor, cursor=lists.cursor(), limit=lists.LIMIT, **shown)
    part = frame.wants_part()
    return render_template(
        "_people.html" if part else "people.html",
        people=page.items,
        total=people.count(actor, **shown),
        paging=lists.paging(page, shown),
        shown=shown,
        words=words,
        may_write=actor.may(Permission.STAFF_WRITE),
        **({} if part else {"units": choices.units(actor), "states": words.options(words.PERSON_STATES)}),
    )


@pages.get("/people/<id>", Permission.STAFF_READ)
def show(id: str) -> str:
    """One person and what can be done with their account."""
    actor = current_actor()
    return render_template(
        "person.html",
        person=people.get(actor, id),
        totp=totp.is_enrolled(id),
        words=words,
        own=id == actor.id,
        may_write=actor.may(Permission.STAFF_WRITE),
    )


@pages.get("/people/<id>/deactivate", Permission.STAFF_WRITE)
@errors.shows("page_people.deactivate")
def ask_deactivate(id: str, problem: ShoujiError | None = None) -> str:
    """Ask before somebody's access ends."""
    return _ask("person_deactivate.html", id, problem)


@pages.post("/people/<id>/deactivate", Permission.STAFF_WRITE)
def deactivate(id: str) -> ResponseReturnValue:
    """End somebody's access; the person stays in history."""
    actor = current_actor()
    forms.require_typed(people.get(actor, id).name)
    people.deactivate(actor, id)
    return forms.done(url_for("page_people.show", id=id), Text("已停用，会话已结束。", "Deactivated; sessions ended."))


@pages.post("/people/<id>/activate", Permission.STAFF_WRITE)
def activate(id: str) -> ResponseReturnValue:
    """Let somebody in again."""
    people.change(current_actor(), id, PersonChanges(frozenset({"state"}), state="active"))
    return forms.done(url_for("page_people.show", id=id), Text("已恢复在职。", "Active again."))


@pages.post("/people/<id>/end-sessions", Permission.STAFF_WRITE)
def end_sessions(id: str) -> ResponseReturnValue:
    """Sign somebody out everywhere."""
    ended = people.sign_out_everywhere(current_actor(), id)
    text = Text(f"已结束 {ended} 个会话。", f"{ended} session{'' if ended == 1 else 's'} ended.")
    return forms.done(url_for("page_people.show", id=id), text)


@pages.get("/people/<id>/reset-totp", Permission.STAFF_WRITE)
@errors.shows("page_people.reset_totp")
def ask_reset_totp(id: str, problem: ShoujiError | None = None) -> str:
    """Ask before a second factor is removed."""
    return _ask("person_reset_totp.html", id, problem)


@pages.post("/people/<id>/reset-totp", Permission.STAFF_WRITE)
def reset_totp(id: str) -> ResponseReturnValue:
    """Remove the second factor of somebody who lost it."""
    totp.reset(current_actor(), id)
    return forms.done(url_for("page_people.show", id=id), Text("已移除两步验证。", "The second factor is removed."))


def _ask(template: str, id: str, problem: ShoujiError | None) -> str:
    error = problem.text if problem else None
    return render_template(template, person=people.get(current_actor(), id), error=error)
