"""Language and theme, kept in cookies of this browser, so that they hold before sign-in too."""

from __future__ import annotations

from flask import redirect
from werkzeug.wrappers import Response

from console import forms, frame, language
from core.errors import Invalid
from core.http.access import Access
from core.http.routes import Pages
from core.runtime import settings
from core.text import LANGUAGES, Text

YEAR_SECONDS = 31_536_000
CHOICES = {"language": (language.COOKIE, LANGUAGES), "theme": (frame.THEME_COOKIE, frame.THEMES)}

pages = Pages("preferences", __name__)


@pages.post("/preferences", Access.PUBLIC)
def choose() -> Response:
    """Set the language or the theme and go back to where the person was."""
    answer = redirect(forms.safe_address(forms.field("next", forms.MAX_ADDRESS)), 303)
    for name, (cookie, allowed) in CHOICES.items():
        value = forms.field(name)
        if not value:
            continue
        if value not in allowed:
            raise Invalid("unknown_choice", Text("没有这个选项。", "There is no such choice."))
        answer.set_cookie(
            cookie,
            value,
            max_age=YEAR_SECONDS,
            samesite="Lax",
            httponly=True,
            secure=settings().base_url.startswith("https"),
        )
    return answer
