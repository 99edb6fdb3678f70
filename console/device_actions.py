"""What can be done to one phone: commands, confirming its holder, moving it, lost and found, cutting it off."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from compliance import settle as settling
from console import command_forms, errors, forms, labels
from core.errors import NotFound, ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from fleet import devices, edit, holders, states
from fleet.commands import request as ask
from fleet.commands.registry import Kind, kind_of
from fleet.commands.request import Wish
from fleet.views import DeviceDetail
from identity import org

CHOICES = 200
STATES = {
    states.LOST: (
        Text("报告丢失", "Report lost"),
        Text(
            "手机会被锁定；证书保留，因此仍可接收命令和上传记录。找回后可恢复在用。",
            "The phone is locked. Its certificate stays, so commands and records still travel. It can be found again.",
        ),
        Text("已报告丢失，正在锁定。", "Reported lost; it is being locked."),
    ),
    states.ACTIVE: (
        Text("已找回", "Found"),
        Text(
            "恢复为在用。如已锁定，请另行下发“解锁”。", "It is active again. If it was locked, send “Unlock” as well."
        ),
        Text("已恢复在用。", "It is active again."),
    ),
}

pages = Pages("device_actions", __name__)


@pages.get("/devices/<id>/commands/<type>", Permission.COMMAND_SEND)
@errors.shows("page_device_actions.send_command")
def command_form(id: str, type: str, problem: ShoujiError | None = None) -> str:
    """The form of one command to one phone."""
    kind = _kind(type)
    device = devices.get(current_actor(), id)
    return render_template(
        "command_form.html",
        device=device,
        kind=kind,
        hint=command_forms.HINTS.get(kind.type),
        fields=command_forms.fields(kind),
        values=command_forms.filled(kind),
        expected=confirmation(device) if kind.is_destructive(1, 1) else None,
        error=problem.text if problem else None,
    )


@pages.post("/devices/<id>/commands/<type>", Permission.COMMAND_SEND)
def send_command(id: str, type: str) -> ResponseReturnValue:
    """Send it; what destroys is confirmed by typing the phone's serial."""
    kind = _kind(type)
    actor = current_actor()
    if kind.is_destructive(1, 1):
        forms.require_typed(confirmation(devices.get(actor, id)))
    asked = ask.send(actor, id, Wish(type, command_forms.args(kind), forms.field("reason")))
    text = (
        Text("已提交，等待另一人批准。", "Handed in; it waits for a second person.")
        if asked.approval_id
        else Text("命令已排队。", "The command is queued.")
    )
    return forms.done(
        url_for("page_device.show", id=id), Text(f"{kind.title.zh}：{text.zh}", f"{kind.title.en}: {text.en}")
    )


def confirmation(device: DeviceDetail) -> str:
    """What is typed to confirm that this phone is meant: its serial, as far as it can be typed."""
    return device.serial.strip() if device.serial.strip().isprintable() and device.serial.strip() else device.id[:8]


def _kind(type: str) -> Kind:
    known = {str(kind.type) for kind in command_forms.kinds()}
    if type not in known:
        raise NotFound("no_such_command", Text("没有这种命令。", "There is no such kind of command."))
    return kind_of(type)


@pages.get("/devices/<id>/confirm", Permission.DEVICE_WRITE)
@errors.shows("page_device_actions.confirm")
def confirm_form(id: str, problem: ShoujiError | None = None) -> str:
    """Who holds the phone."""
    return _form("device_confirm.html", id, problem)


@pages.post("/devices/<id>/confirm", Permission.DEVICE_WRITE)
def confirm(id: str) -> ResponseReturnValue:
    """Confirm the holder; nobody named means whom the phone claims."""
    holders.confirm(current_actor(), id, forms.field("person", 200).strip() or None)
    return forms.done(url_for("page_device.show", id=id), Text("使用人已确认。", "The holder is confirmed."))


@pages.get("/devices/<id>/edit", Permission.DEVICE_WRITE)
@errors.shows("page_device_actions.change")
def edit_form(id: str, problem: ShoujiError | None = None) -> str:
    """Where the phone belongs."""
    return _form("device_edit.html", id, problem, **_places(id))


@pages.post("/devices/<id>/edit", Permission.DEVICE_WRITE)
def change(id: str) -> ResponseReturnValue:
    """Move it to another org unit and other groups."""
    actor = current_actor()
    chosen = forms.values("group", 63, edit.MAX_GROUPS)
    edit.place(actor, id, org_unit=forms.field("org_unit", 1400), in_groups=chosen)
    return forms.done(url_for("page_device.show", id=id), Text("已保存。", "Saved."))


def _places(id: str) -> dict[str, Any]:
    actor = current_actor()
    device = devices.get(actor, id)
    units = org.find(actor, None, CHOICES) if actor.may(Permission.ORG_READ) else None
    chosen = request.form.getlist("group") if request.method == "POST" else device.groups
    by_hand = edit.choices(actor)
    return {
        "units": [(unit.org_unit, unit.org_unit) for unit in units.items] if units and not units.next_cursor else None,
        "unit": request.form.get("org_unit", device.org_unit),
        "groups": [(name, name in chosen) for name in by_hand],
        "by_query": [name for name in device.groups if name not in by_hand],
    }


@pages.get("/devices/<id>/state/<state>", Permission.DEVICE_WRITE)
@errors.shows("page_device_actions.set_state")
def state_form(id: str, state: str, problem: ShoujiError | None = None) -> str:
    """Lost, or found again."""
    title, hint, _ = _state(state)
    return _form("device_state.html", id, problem, title=title, hint=hint)


@pages.post("/devices/<id>/state/<state>", Permission.DEVICE_WRITE)
def set_state(id: str, state: str) -> ResponseReturnValue:
    """Report it."""
    _, _, said = _state(state)
    states.change(current_actor(), id, state, forms.field("reason"))
    return forms.done(url_for("page_device.show", id=id), said)


def _state(state: str) -> tuple[Text, Text, Text]:
    if state not in STATES:
        raise NotFound("no_such_state", Text("没有这个状态。", "There is no such state."))
    return STATES[state]


@pages.get("/devices/<id>/findings/<code>/settle", Permission.COMPLIANCE_HANDLE)
@errors.shows("page_device_actions.settle")
def settle_form(id: str, code: str, problem: ShoujiError | None = None) -> str:
    """The form to say that a finding was looked into."""
    return _form("finding_settle.html", id, problem, title=labels.finding(code))


@pages.post("/devices/<id>/findings/<code>/settle", Permission.COMPLIANCE_HANDLE)
def settle(id: str, code: str) -> ResponseReturnValue:
    """End a finding that does not end by itself."""
    settling.settle(current_actor(), id, code, forms.field("reason"))
    return forms.done(url_for("page_device.show", id=id), Text("已记录为核实。", "Noted as looked into."))


@pages.get("/devices/<id>/revoke", Permission.DEVICE_REVOKE)
@errors.shows("page_device_actions.revoke")
def revoke_form(id: str, problem: ShoujiError | None = None) -> str:
    """Cutting a phone off."""
    return _form("device_revoke.html", id, problem, expected=confirmation(devices.get(current_actor(), id)))


@pages.post("/devices/<id>/revoke", Permission.DEVICE_REVOKE)
def revoke(id: str) -> ResponseReturnValue:
    """Cut it off, once its serial was typed."""
    actor = current_actor()
    forms.require_typed(confirmation(devices.get(actor, id)))
    states.revoke(actor, id, forms.field("reason"))
    return forms.done(
        url_for("page_device.show", id=id), Text("证书已吊销，设备已停用。", "Certificate revoked, phone retired.")
    )


def _form(template: str, id: str, problem: ShoujiError | None, **more: Any) -> str:
    device = devices.get(current_actor(), id)
    error = problem.text if problem else None
    return render_template(template, device=device, error=error, labels=labels, values=request.form, **more)
