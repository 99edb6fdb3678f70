"""The list of commands and the page of one, or of one request for many phones."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import command_forms, errors, forms, frame, labels, language, lists
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from fleet import devices
from fleet.commands import cancel as cancelling
from fleet.commands import listing, reading
from fleet.commands.listing import UNDER_WAY, CommandFilters
from fleet.commands.states import TITLES, Trigger, following
from fleet.commands.views import BatchView

FILTERS = ("status", "type", "by")
STATUSES = {UNDER_WAY: Text("未完成", "Unfinished"), **{str(state): text for state, text in TITLES.items()}}
MINE = "me"
SHOWN = 20

pages = Pages("commands", __name__)


@pages.get("/commands", Permission.COMMAND_READ)
def show_list() -> str:
    """All commands in the viewer's part of the tree, newest first."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    filters = CommandFilters(
        status=shown.get("status"),
        type=shown.get("type"),
        by=actor.id if shown.get("by") == MINE else None,
    )
    page = listing.find(actor, filters, lists.cursor(), lists.LIMIT)
    return render_template(
        "_command_list.html" if frame.wants_part() else "commands.html",
        commands=page.items,
        phones=_phones([command.device_id for command in page.items]),
        total=listing.count(actor, filters),
        paging=lists.paging(page, shown),
        shown=shown,
        address=frame.here(),
        labels=labels,
        choices={
            "statuses": language.pairs(STATUSES),
            "types": [(str(kind.type), language.say(kind.title)) for kind in command_forms.kinds()],
            "who": [(MINE, language.t("我发起的", "Mine"))],
        },
    )


@pages.get("/commands/<id>", Permission.COMMAND_READ, writes=True)
def show(id: str) -> str:
    """One command with its history and its answer, or one request for many phones. Reading a position is audited."""
    found = reading.get(current_actor(), id)
    if isinstance(found, BatchView):
        return _batch(found)
    return render_template(
        "_command.html" if frame.wants_part() else "command.html",
        command=found,
        address=frame.here(),
        phone=_phones([found.device_id]).get(found.device_id),
        may_cancel=_may_cancel(found.status),
        labels=labels,
    )


@pages.get("/commands/<id>/cancel", Permission.COMMAND_SEND)
@errors.shows("page_commands.cancel")
def cancel_form(id: str, problem: ShoujiError | None = None) -> str:
    """The form to cancel it."""
    return render_template("command_cancel.html", id=id, error=problem.text if problem else None, values=request.form)


@pages.post("/commands/<id>/cancel", Permission.COMMAND_SEND)
def cancel(id: str) -> ResponseReturnValue:
    """Cancel what can still be cancelled of it."""
    cancelling.cancel(current_actor(), id, forms.field("reason"))
    return forms.done(url_for("page_commands.show", id=id), Text("已取消。", "Cancelled."))


def _batch(batch: BatchView) -> str:
    actor = current_actor()
    page = listing.find(actor, CommandFilters(batch=batch.id), lists.cursor(), lists.LIMIT)
    return render_template(
        "command_batch.html",
        batch=batch,
        commands=page.items,
        phones=_phones([command.device_id for command in page.items]),
        total=sum(batch.states.values()),
        paging=lists.paging(page, {}),
        may_cancel=any(_may_cancel(state) for state in batch.states),
        address=frame.here(),
        labels=labels,
    )


def _phones(ids: list[str]) -> dict[str, Any]:
    """The phones of a page of commands, by id; none for whoever may not see phones."""
    actor = current_actor()
    if not actor.may(Permission.DEVICE_READ):
        return {}
    return {view.id: view for view in devices.views(actor, sorted(set(ids)))}


def _may_cancel(status: str) -> bool:
    return current_actor().may(Permission.COMMAND_SEND) and following(status, Trigger.CANCELLED) is not None
