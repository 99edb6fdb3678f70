"""The emergency freeze: nothing that destroys is sent to any phone until it is lifted."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import errors, forms
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from fleet.commands import freeze
from identity.roles import Role

LIFTED = Text("冻结已解除，等待中的操作继续下发。", "The freeze is lifted; what waited goes on.")
FROZEN = Text("已冻结：破坏性操作全部暂停。", "Frozen: nothing that destroys is sent.")
WORD = "unfreeze"

pages = Pages("freeze", __name__)


@pages.get("/freeze", Permission.FREEZE_READ)
@errors.shows("page_freeze.change")
def show(problem: ShoujiError | None = None) -> str:
    """Whether it is on, since when, by whom and why, and what it holds."""
    actor = current_actor()
    return render_template(
        "freeze.html",
        state=freeze.state(actor),
        may_lift=Role.PLATFORM_ADMIN in actor.roles,
        word=WORD,
        values=request.form,
        error=problem.text if problem else None,
    )


@pages.post("/freeze", Permission.FREEZE_WRITE)
def change() -> ResponseReturnValue:
    """Freeze, or lift it; lifting lets everything go that waits, so it is confirmed by typing."""
    frozen = forms.field("frozen", 5) == "yes"
    if not frozen:
        forms.require_typed(WORD)
    freeze.change(current_actor(), frozen, forms.field("reason"))
    return forms.done(url_for("page_freeze.show"), FROZEN if frozen else LIFTED)
