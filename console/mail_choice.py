"""How one wants to be told by mail: one's own choice, a form of the account page."""

from __future__ import annotations

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from console import channels, errors, forms
from core.errors import ShoujiError
from core.http.access import Access
from core.http.identity import current_actor
from core.http.routes import Pages
from core.text import Text
from notify import preferences
from notify.preferences import Choice
from notify.topics import all_topics

pages = Pages("mail_choice", __name__)


@pages.get("/account/notifications", Access.SIGNED_IN)
@errors.shows("page_mail_choice.change")
def form(problem: ShoujiError | None = None) -> str:
    """Mail or not, in which language, about which topics."""
    own = preferences.own(current_actor())
    choice = Choice(own.language, True, None if own.topics is None else tuple(own.topics))
    return render_template(
        "mail_choice.html",
        own=own,
        known=all_topics(),
        topics=[topic.kind for topic in all_topics() if choice.wants_mail(topic)],
        languages=channels.LANGUAGES,
        error=problem.text if problem else None,
    )


@pages.post("/account/notifications", Access.SIGNED_IN)
def change() -> ResponseReturnValue:
    """Keep the choice."""
    language = forms.field("language", 16)
    preferences.change(
        current_actor(),
        mail=forms.field("mail", 3) == "yes",
        language=language if language in channels.LANGUAGES else None,
        kinds=forms.values("topic", 40, 100),
    )
    return forms.done(url_for("page_account.show"), Text("通知偏好已保存。", "Your choice is kept."))
