"""The try-it box of a keyword set: a message as somebody might write it, what hits in it, where, and through what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template

from console import forms, frame, labels
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from policies import documents, keyword_try
from policies.keyword_import import KIND
from policies.keyword_try import Found

MAX_TEXT = 20_000
MAX_DOCUMENT = 2_000_000
THROUGH = {
    "width": Text("全角或半角", "width"),
    "case": Text("大小写", "case"),
    "traditional": Text("繁体字", "traditional characters"),
    "symbols": Text("夹杂符号", "symbols in between"),
    "repeats": Text("重复字", "repeated characters"),
    "digits": Text("数字变体", "digits written otherwise"),
    "homoglyphs": Text("形近字母", "look-alike letters"),
    "pinyin": Text("拼音", "pinyin"),
    "split": Text("分成几条消息", "split over messages"),
}

pages = Pages("keyword_box", __name__)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the message; `hit` where a term stands in it."""

    text: str
    hit: bool


@pages.get("/policies/KeywordSet/<name>/try", Permission.DOCUMENT_READ)
def show(name: str) -> str:
    """The box, empty."""
    return _page(name, "", "", None, None)


@pages.post("/policies/KeywordSet/<name>/try", Permission.DOCUMENT_READ, reads=True)
def try_stored(name: str) -> str:
    """What the stored draft of a set finds in the message; asked while it is written."""
    text, before = _line("message"), _line("before")
    found = keyword_try.try_stored(current_actor(), name, text, _messages(before))
    return _page(name, text, before, found, None)


@pages.post("/policies/keywords/try", Permission.DOCUMENT_READ, reads=True)
def try_written() -> str:
    """The same for a set as it stands in the editor."""
    text, before = _line("message"), _line("before")
    try:
        document = forms.field("text", MAX_DOCUMENT).replace("\r\n", "\n")
        found = keyword_try.try_document(current_actor(), document, text, _messages(before))
    except ShoujiError as error:
        return _result(text, None, error.text)
    return _result(text, found, None)


def marked(text: str, found: Sequence[Found]) -> list[Piece]:
    """The message in pieces, those that are hits marked; hits that overlap become one."""
    inside = [False] * len(text)
    for one in found:
        for place in range(max(0, one.start), min(one.end, len(text))):
            inside[place] = True
    pieces: list[Piece] = []
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or inside[place] != inside[start]:
            pieces.append(Piece(text[start:place], inside[start]))
            start = place
    return pieces


def _line(name: str) -> str:
    return forms.field(name, MAX_TEXT).replace("\r\n", "\n")


def _messages(before: str) -> list[str]:
    return [line for line in before.split("\n") if line.strip()][-2:]


def _page(name: str, text: str, before: str, found: Sequence[Found] | None, error: Text | None) -> str:
    if frame.wants_part():
        return _result(text, found, error)
    return render_template(
        "keyword_box.html",
        document=documents.get(current_actor(), KIND, name),
        text=text,
        before=before,
        limit=MAX_TEXT,
        **_shown(text, found, error),
    )


def _result(text: str, found: Sequence[Found] | None, error: Text | None) -> str:
    return render_template("_keyword_hits.html", **_shown(text, found, error))


def _shown(text: str, found: Sequence[Found] | None, error: Text | None) -> dict[str, Any]:
    tried = found is not None and bool(text)
    return {
        "found": found if tried else None,
        "pieces": marked(text, found or ()) if tried else [],
        "through": THROUGH,
        "labels": labels,
        "error": error,
    }
