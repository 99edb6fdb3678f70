"""What is done with a rollout under way: each act has its form with a reason; what cannot be undone is typed."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import errors, forms, rollout_words
from console.rollout_words import ACTS, Act
from core.errors import NotFound, ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from policies import rollout_actions, rollout_reading

FIELDS = {"reason_required": "reason", "not_confirmed": "typed"}

pages = Pages("rollout_acts", __name__)


@pages.post("/rollouts/<id>/nudge", Permission.DOCUMENT_PUBLISH)
def nudge(id: str) -> ResponseReturnValue:
    """Send the desired state again to every phone that has not answered."""
    sent = rollout_actions.nudge(current_actor(), id)
    text = Text(f"已再次下发到 {sent} 台设备。", f"Sent again to {sent} phone{'' if sent == 1 else 's'}.")
    return forms.done(url_for("page_rollouts.show", id=id), text)


@pages.get("/rollouts/<id>/<act>", Permission.DOCUMENT_PUBLISH)
@errors.shows("page_rollout_acts.carry_out")
def ask(id: str, act: str, problem: ShoujiError | None = None) -> str:
    """The form of an act."""
    rollout = rollout_reading.get(current_actor(), id)
    return render_template(
        "rollout_act.html",
        rollout=rollout,
        act=_act(act),
        expected=rollout_words.name_of(rollout),
        said=rollout_words,
        values=request.form,
        error=problem.text if problem else None,
        error_field=forms.field_of(problem, FIELDS) if problem else None,
    )


@pages.post("/rollouts/<id>/<act>", Permission.DOCUMENT_PUBLISH)
def carry_out(id: str, act: str) -> ResponseReturnValue:
    """Do it."""
    actor, chosen, reason = current_actor(), _act(act), forms.field("reason")
    if chosen.danger:
        forms.require_typed(rollout_words.name_of(rollout_reading.get(actor, id)))
    shown = id
    if chosen.name == "rollback":
        shown = rollout_actions.rollback(actor, id, reason)
    else:
        rollout_actions.ACTS[chosen.name](actor, id, reason)
    return forms.done(url_for("page_rollouts.show", id=shown), chosen.done)


def _act(name: str) -> Act:
    if name not in ACTS:
        raise NotFound("no_such_page", Text("没有这个页面。", "There is no such page."))
    return ACTS[name]
