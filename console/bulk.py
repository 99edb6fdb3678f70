"""Many phones at once, ticked or all that the filters find: looked at first, then commanded or cut off."""

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
from core.text import Text
from fleet import devices, revocations
from fleet.commands import preview as previews
from fleet.commands import request as ask
from fleet.commands.preview import Preview
from fleet.commands.registry import LIVING, Kind, kind_of
from fleet.commands.request import Wish
from fleet.commands.selection import MAX_NAMED, Selector

MAX_CHOSEN = 200
REVOKE = "revoke"
REVOKE_TITLE = Text("吊销", "Revoke")
REVOKE_HINT = Text(
    "立即断开并停用，不能恢复，只能重新注册；手机上的工作数据不会因此立即擦除。多台一起吊销需要另一人批准。",
    "They are cut off and retired for good; only a new enrollment brings them back. It does not erase them at once. "
    "More than one at a time waits for a second person.",
)

pages = Pages("bulk", __name__)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whom a bulk action hits: the phones that take it, how many are passed over, and what it would do to them."""

    ids: Sequence[str]
    passed_over: int
    preview: Preview

    @property
    def selector(self) -> Selector:
        """Exactly these phones."""
        return Selector("devices", devices=tuple(self.ids))


@pages.get("/devices/bulk", Permission.COMMAND_SEND)
@errors.shows("page_bulk.send")
def preview(problem: ShoujiError | None = None) -> str:
    """Who would be hit, and the form of what is done to them."""
    kind = _kind()
    chosen = _choose(current_actor(), kind)
    return render_template(
        "bulk.html",
        type=kind.type if kind else REVOKE,
        title=kind.title if kind else REVOKE_TITLE,
        chosen=chosen,
        preview=chosen.preview,
        unseen=len(chosen.ids) - len(chosen.preview.sample),
        hint=command_forms.HINTS.get(kind.type) if kind else REVOKE_HINT,
        fields=command_forms.fields(kind) if kind else (),
        values=command_forms.filled(kind) if kind else {"reason": forms.field("reason")},
        selection=_selection(),
        expected=confirmation(kind, chosen),
        error=problem.text if problem else None,
    )


@pages.post("/devices/bulk", Permission.COMMAND_SEND)
def send() -> ResponseReturnValue:
    """Ask for it, if the phones are still those that were looked at."""
    actor, kind = current_actor(), _kind()
    chosen = _choose(actor, kind)
    if forms.field("digest", 64) != chosen.preview.targets_sha256:
        raise Conflict(
            "selection_changed",
            Text("选中的设备已有变化，请重新核对后提交。", "Other phones match by now. Look again, then go on."),
        )
    expected = confirmation(kind, chosen)
    if expected:
        forms.require_typed(expected)
    return _revoke(actor, chosen) if kind is None else _command(actor, kind, chosen)


def confirmation(kind: Kind | None, chosen: Chosen) -> str | None:
    """What is typed to confirm: the command and the number of phones; None for what does no harm."""
    if kind is not None and not kind.needs_reason_in_bulk:
        return None
    return f"{kind.type if kind else REVOKE} {len(chosen.ids)}"


def _command(actor: Actor, kind: Kind, chosen: Chosen) -> ResponseReturnValue:
    wish = Wish(str(kind.type), command_forms.args(kind), forms.field("reason"))
    asked = ask.send_many(actor, chosen.selector, wish)
    said = (
        Text(f"已提交 {asked.devices} 台，等待另一人批准。", f"{asked.devices} phones: waits for a second person.")
        if asked.approval_id
        else Text(f"已向 {asked.devices} 台设备下发。", f"Sent to {asked.devices} phones.")
    )
    return forms.done(url_for("page_commands.show", id=asked.id), said)


def _revoke(actor: Actor, chosen: Chosen) -> ResponseReturnValue:
    digest = chosen.preview.targets_sha256
    done = revocations.revoke_many(actor, chosen.selector, forms.field("reason"), digest)
    if done.approval_id:
        said = Text(f"已提交 {done.devices} 台，等待另一人批准。", f"{done.devices} phones: waits for a second person.")
        return forms.done(url_for("page_approvals.show", id=done.approval_id), said)
    said = Text("证书已吊销，设备已停用。", "Certificate revoked, phone retired.")
    return forms.done(url_for("page_device.show", id=chosen.ids[0]), said)


def _kind() -> Kind | None:
    """The command; None for a revocation, which is none. Raises Invalid."""
    return None if _value("type") == REVOKE else kind_of(_value("type"))


def _choose(actor: Actor, kind: Kind | None) -> Chosen:
    states = kind.states if kind else LIVING
    if _value("all"):
        given = {name: _value(name) for name in FILTERS if _value(name).strip()}
        filters = filters_of(given)
        ids = devices.ids(actor, filters, states, MAX_NAMED + 1)
        passed_over = max(0, devices.count(actor, filters) - len(ids))
    else:
        named = _named()
        found = {view.id: view for view in devices.views(actor, named)}
        ids = sorted(one for one, view in found.items() if view.state in states)
        passed_over = len(named) - len(ids)
    if not ids:
        raise Invalid("no_devices", Text("请先选中可以接收此命令的设备。", "Choose phones that take this command."))
    if len(ids) > MAX_NAMED:
        raise Invalid(
            "too_many_devices",
            Text(f"一次最多 {MAX_NAMED} 台，请缩小范围。", f"At most {MAX_NAMED} at a time. Narrow the filters."),
        )
    selector = Selector("devices", devices=tuple(ids))
    seen = previews.whom(actor, selector, kind.type) if kind else previews.revocation(actor, selector)
    return Chosen(ids, passed_over, seen)


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
