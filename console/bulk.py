"""One command to many phones: chosen in the list or all that its filters find, looked at first, then asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import command_forms, errors, forms
from console.devices import FILTERS, filters_of
from core.actor import Actor
from core.errors import Conflict, Invalid, ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.runtime import settings
from core.text import Text
from fleet import devices
from fleet.commands import request as ask
from fleet.commands import selection
from fleet.commands.registry import Kind, kind_of
from fleet.commands.request import Wish
from fleet.commands.selection import MAX_NAMED, Selector
from fleet.views import DeviceView

SHOWN = 20
MAX_CHOSEN = 200

pages = Pages("bulk", __name__)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whom a bulk action hits: the phones that take it, some of them to look at, and how many are passed over."""

    ids: Sequence[str]
    shown: Sequence[DeviceView]
    passed_over: int
    digest: str
    """Names exactly these phones and who holds them, so that nobody else is hit than was looked at."""


@pages.get("/devices/bulk", Permission.COMMAND_SEND)
def preview() -> str:
    """Who would be hit, and the form of the command."""
    return _page(None)


@pages.post("/devices/bulk", Permission.COMMAND_SEND)
def send() -> ResponseReturnValue:
    """Ask for it, if the phones are still those that were looked at."""
    actor, kind = current_actor(), kind_of(_value("type"))
    chosen = _choose(actor, kind)
    if forms.field("digest", 64) != chosen.digest:
        raise Conflict(
            "selection_changed",
            Text("选中的设备已有变化，请重新核对后提交。", "Other phones match by now. Look again, then go on."),
        )
    if _destructive(kind, chosen):
        forms.require_typed(confirmation(kind, chosen))
    wish = Wish(str(kind.type), command_forms.args(kind), forms.field("reason"))
    asked = ask.send_many(actor, Selector("devices", devices=tuple(chosen.ids)), wish)
    said = (
        Text(f"已提交 {asked.devices} 台，等待另一人批准。", f"{asked.devices} phones: waits for a second person.")
        if asked.approval_id
        else Text(f"已向 {asked.devices} 台设备下发。", f"Sent to {asked.devices} phones.")
    )
    return forms.done(url_for("page_commands.show", id=asked.id), said)


@errors.on_form("page_bulk.send")
def show_error(problem: ShoujiError) -> str:
    """The same form with the error and with whom it would hit now."""
    return _page(problem.text)


def confirmation(kind: Kind, chosen: Chosen) -> str:
    """What is typed to confirm: the command and the number of phones."""
    return f"{kind.type} {len(chosen.ids)}"


def _page(error: Text | None) -> str:
    kind = kind_of(_value("type"))
    chosen = _choose(current_actor(), kind)
    return render_template(
        "bulk.html",
        kind=kind,
        chosen=chosen,
        unseen=len(chosen.ids) - len(chosen.shown),
        hint=command_forms.HINTS.get(kind.type),
        fields=command_forms.fields(kind),
        values=command_forms.filled(kind),
        selection=_selection(),
        expected=confirmation(kind, chosen) if _destructive(kind, chosen) else None,
        error=error,
    )


def _choose(actor: Actor, kind: Kind) -> Chosen:
    if _value("all"):
        given = {name: _value(name) for name in FILTERS if _value(name).strip()}
        filters = filters_of(given)
        ids = devices.ids(actor, filters, kind.states, MAX_NAMED + 1)
        passed_over = max(0, devices.count(actor, filters) - len(ids))
    else:
        named = _named()
        found = {view.id: view for view in devices.views(actor, named)}
        ids = sorted(one for one, view in found.items() if view.state in kind.states)
        passed_over = len(named) - len(ids)
    if not ids:
        raise Invalid("no_devices", Text("请先选中可以接收此命令的设备。", "Choose phones that take this command."))
    if len(ids) > MAX_NAMED:
        raise Invalid(
            "too_many_devices",
            Text(f"一次最多 {MAX_NAMED} 台，请缩小范围。", f"At most {MAX_NAMED} at a time. Narrow the filters."),
        )
    views = {view.id: view for view in devices.views(actor, ids[:SHOWN])}
    shown = [views[one] for one in ids[:SHOWN] if one in views]
    digest = selection.digest(selection.matched(actor, Selector("devices", devices=tuple(ids))))
    return Chosen(ids, shown, passed_over, digest)


def _destructive(kind: Kind, chosen: Chosen) -> bool:
    return kind.is_destructive(len(chosen.ids), settings().bulk_lock_threshold)


def _named() -> list[str]:
    given = request.form if request.method == "POST" else request.args
    found = list(dict.fromkeys(given.getlist("device")))
    if len(found) > MAX_CHOSEN:
        text = Text(f"一次最多勾选 {MAX_CHOSEN} 台。", f"At most {MAX_CHOSEN} are ticked at a time.")
        raise Invalid("too_many_devices", text)
    return [one[:36] for one in found]


def _selection() -> list[tuple[str, str]]:
    """What was chosen, to be sent again with the form."""
    if _value("all"):
        return [("all", "yes"), *((name, _value(name)) for name in FILTERS if _value(name).strip())]
    return [("device", one) for one in _named()]


def _value(name: str) -> str:
    given = request.form if request.method == "POST" else request.args
    return given.get(name, "").replace("\0", "")[:1400]
