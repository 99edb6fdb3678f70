"""The language of a page: chosen by the person (a cookie), else what the browser asks for, Chinese by default."""

from __future__ import annotations

from collections.abc import Mapping

from flask import g, request

from core.text import LANGUAGES, Text, negotiate

COOKIE = "shouji_language"


def current() -> str:
    """The language of the current request, `zh-CN` or `en`."""
    if "language" not in g:
        chosen = request.cookies.get(COOKIE)
        g.language = chosen if chosen in LANGUAGES else negotiate(request.headers.get("Accept-Language"))
    language: str = g.language
    return language


def t(zh: str, en: str) -> str:
    """The one of two texts that the reader understands; templates write their texts with it."""
    return Text(zh, en).pick(current())


def pairs(texts: Mapping[str, Text]) -> list[tuple[str, str]]:
    """Codes and their texts, as the options of a choice."""
    return [(code, say(text)) for code, text in texts.items()]


def say(text: Text) -> str:
    """A text of another room in the reader's language."""
    return text.pick(current())
