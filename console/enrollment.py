"""Enrollment tokens: who may bring phones in; the QR code on the screen, and sheets to print."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from console import choices, errors, forms, frame, lists, words
from core import clock
from core.actor import Actor
from core.errors import BadInput, ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.limits import MAX_UNIT_PATH
from core.permissions import Permission
from core.text import Text
from fleet import enrollment_tokens, expected, qr, unconfirmed
from fleet.enrollment_tokens import MAX_LIFE, MAX_USES, TokenView

FILTERS = ("state",)
FRESH = timedelta(minutes=10)
DAY_SECONDS = 86_400
MOST_SHEETS = 100
FIELDS = {
    "bad_max_uses": "max_uses",
    "bad_days": "days",
    "bad_expires_in": "days",
    "unknown_org_unit": "org_unit",
    "unknown_person": "person",
    "bad_group_name": "groups",
    "too_many_groups": "groups",
    "person_or_expected": "person",
}

pages = Pages("enrollment", __name__)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One token to hand out: its facts, its QR code, and its code while that is still told."""

    token: TokenView
    picture: Markup
    code: str | None


@pages.get("/enrollment", Permission.ENROLLMENT_READ)
def show_list() -> str:
    """Tokens, newest first."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    state = shown.get("state")
    page = enrollment_tokens.find(actor, lists.cursor(), lists.LIMIT, state=state)
    return render_template(
        "_tokens.html" if frame.wants_part() else "enrollment.html",
        tokens=page.items,
        total=enrollment_tokens.count(actor, state=state),
        paging=lists.paging(page, shown),
        shown=shown,
        states=words.options(words.TOKEN_STATES),
        words=words,
        tabs=tabs(actor, "tokens"),
        may_write=actor.may(Permission.ENROLLMENT_WRITE),
    )


@pages.get("/enrollment/new", Permission.ENROLLMENT_WRITE)
@errors.shows("page_enrollment.create")
def new(problem: ShoujiError | None = None) -> str:
    """The form of a new token."""
    actor = current_actor()
    known: dict[str, Any] = dict(request.form) if problem else {"max_uses": "1", "days": "7"}
    return render_template(
        "token_form.html",
        error=problem.text if problem else None,
        error_field=forms.field_of(problem, FIELDS) if problem else None,
        values=known,
        units=choices.units(actor),
        groups=choices.group_names(actor),
        longest=MAX_LIFE.days,
    )


@pages.post("/enrollment/new", Permission.ENROLLMENT_WRITE)
def create() -> ResponseReturnValue:
    """Make a token and show its QR code."""
    days = forms.whole("days", 1, 1, MAX_LIFE.days)
    view, _ = enrollment_tokens.create(
        current_actor(),
        max_uses=forms.whole("max_uses", 1, 1, MAX_USES),
        expires_in=days * DAY_SECONDS,
        org_unit=forms.field("org_unit", MAX_UNIT_PATH).strip() or None,
        group_names=names(forms.field("groups")),
        person=forms.field("person", 64).strip() or None,
        allow_reenroll=forms.field("allow_reenroll") == "yes",
        bind_expected=forms.field("bind_expected") == "yes",
    )
    return forms.done(url_for("page_enrollment.show_qr", id=view.id), Text("已创建注册令牌。", "Token made."))


@pages.get("/enrollment/<id>/qr", Permission.ENROLLMENT_WRITE, writes=True)
def show_qr(id: str) -> str:
    """The QR code of a token, large; the code in letters only while the token is new. Each look is audited."""
    return render_template("token_qr.html", sheet=_sheet(current_actor(), id), words=words)


@pages.get("/enrollment/sheets", Permission.ENROLLMENT_WRITE, writes=True)
def show_sheets() -> str:
    """Sheets to print, one for each chosen token."""
    actor = current_actor()
    chosen = list(dict.fromkeys(request.args.getlist("id")))
    if not 1 <= len(chosen) <= MOST_SHEETS:
        raise BadInput(
            "choose_tokens",
            Text(f"请先在列表中勾选 1 到 {MOST_SHEETS} 个令牌。", f"Tick 1 to {MOST_SHEETS} tokens in the list first."),
        )
    return render_template("sheets.html", sheets=[_sheet(actor, token_id) for token_id in chosen])


@pages.get("/enrollment/<id>/revoke", Permission.ENROLLMENT_WRITE)
def ask_revoke(id: str) -> str:
    """Ask before a token ends."""
    return render_template("token_revoke.html", token=enrollment_tokens.get(current_actor(), id))


@pages.post("/enrollment/<id>/revoke", Permission.ENROLLMENT_WRITE)
def revoke(id: str) -> ResponseReturnValue:
    """End a token."""
    enrollment_tokens.revoke(current_actor(), id)
    return forms.done(url_for("page_enrollment.show_list"), Text("令牌已吊销。", "The token is revoked."))


def tabs(actor: Actor, at: str) -> list[tuple[str, Text, bool]]:
    """The pages about enrollment that an actor may open."""
    found = [(url_for("page_enrollment.show_list"), Text("注册令牌", "Tokens"), at == "tokens")]
    awaited = expected.counts(actor)["awaited"]
    text = Text(f"待到设备（{awaited}）", f"Expected ({awaited})")
    found.append((url_for("page_expected.show_list"), text, at == "expected"))
    if actor.may(Permission.DEVICE_READ):
        waiting = unconfirmed.count(actor)
        text = Text(f"待确认设备（{waiting}）", f"To confirm ({waiting})")
        found.append((url_for("page_unconfirmed.show_list"), text, at == "unconfirmed"))
    return found


def _sheet(actor: Actor, token_id: str) -> Sheet:
    code = enrollment_tokens.show_code(actor, token_id)
    token = enrollment_tokens.get(actor, token_id)
    fresh = clock.now() - token.created_at < FRESH
    # Our own drawing of black squares, made from a code that we made.
    return Sheet(token, Markup(qr.picture(code)), code if fresh else None)  # noqa: S704


def names(text: str) -> list[str]:
    """Names that were typed with commas or blanks between them."""
    return text.replace(",", " ").replace("，", " ").replace("、", " ").split()
