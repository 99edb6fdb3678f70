"""Quarantine: messages of phones that could not be stored, why, their bytes on request, and another try."""

from __future__ import annotations

from flask import current_app, render_template, url_for
from flask.typing import ResponseReturnValue

from console import errors, forms, frame, lists
from core import clock
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from fleet import queries as fleet
from mqtt import dead_letters
from mqtt import refusal_words as words
from mqtt.api import ROUTER_EXTENSION
from mqtt.dead_letters import KEEP, KEPT_BYTES, KEPT_PER_DEVICE_AND_DAY

FILTERS = ("device", "reason")
ROW_BYTES = 16

pages = Pages("quarantine", __name__)


@pages.get("/quarantine", Permission.QUARANTINE_READ)
def show_list() -> str:
    """Refused messages, newest first."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    narrowed = {"device_id": shown.get("device"), "reason": shown.get("reason")}
    page = dead_letters.list_letters(actor, lists.cursor(), lists.LIMIT, **narrowed)
    return render_template(
        "_quarantine.html" if frame.wants_part() else "quarantine.html",
        letters=page.items,
        phones=fleet.refs({letter.device_id for letter in page.items if letter.device_id}),
        total=dead_letters.count_letters(actor, **narrowed),
        paging=lists.paging(page, shown),
        shown=shown,
        reasons=list(words.REASONS.items()),
        words=words,
        refused_today=dead_letters.refused_on(actor, clock.now().date().isoformat()),
        bounds=(KEPT_PER_DEVICE_AND_DAY, KEPT_BYTES // 1024, KEEP.days),
    )


@pages.get("/quarantine/<id>", Permission.QUARANTINE_READ)
@errors.shows("page_quarantine.replay")
def show(id: str, problem: ShoujiError | None = None) -> str:
    """One message, without its bytes; with why it was refused again."""
    return _letter(id, problem)


@pages.post("/quarantine/<id>/bytes", Permission.QUARANTINE_READ)
def show_bytes(id: str) -> str:
    """The bytes of one message; the look is audited."""
    return _letter(id, None, hexadecimal(dead_letters.show_bytes(current_actor(), id)))


@pages.post("/quarantine/<id>/replay", Permission.QUARANTINE_REPLAY)
def replay(id: str) -> ResponseReturnValue:
    """Hand the message to its handler again."""
    dead_letters.replay(current_actor(), id, current_app.extensions[ROUTER_EXTENSION])
    return forms.done(url_for("page_quarantine.show", id=id), Text("重放成功，消息已入库。", "Replayed: it is stored."))


def hexadecimal(content: bytes) -> list[tuple[str, str, str]]:
    """Lines of sixteen bytes: offset, hex, and what is printable ASCII."""
    rows = []
    for start in range(0, len(content), ROW_BYTES):
        part = content[start : start + ROW_BYTES]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        rows.append((f"{start:06x}", part.hex(" "), shown))
    return rows


def _letter(letter_id: str, problem: ShoujiError | None, rows: list[tuple[str, str, str]] | None = None) -> str:
    actor = current_actor()
    letter = dead_letters.get_letter(actor, letter_id)
    return render_template(
        "letter.html",
        letter=letter,
        phone=fleet.refs({letter.device_id}).get(letter.device_id),
        rows=rows,
        error=problem.text if problem else None,
        words=words,
        may_replay=actor.may(Permission.QUARANTINE_REPLAY),
    )
