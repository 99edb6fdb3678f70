"""The list of phones as a file, with the filters of the list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from flask import Response, current_app, stream_with_context

from console import csv_text, device_view, labels, language, lists, times
from console.devices import FILTERS, filters_of
from core import clock
from core.actor import Actor
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from core.uow import unit_of_work
from fleet import devices
from fleet.devices import Filters
from fleet.views import DeviceView

HEAD = (
    Text("设备编号", "Device id"),
    Text("序列号", "Serial"),
    Text("厂商", "Maker"),
    Text("型号", "Model"),
    Text("系统", "System"),
    Text("代理程序", "Agent"),
    Text("使用人", "Holder"),
    Text("工号", "Employee no."),
    Text("已确认", "Confirmed"),
    Text("组织", "Org unit"),
    Text("分组", "Groups"),
    Text("状态", "State"),
    Text("在线", "Online"),
    Text("最近心跳", "Last heartbeat"),
    Text("策略", "Policy"),
    Text("策略回报", "Policy report"),
    Text("合规", "Compliance"),
    Text("合规发现", "Findings"),
    Text("注册时间", "Enrolled"),
)

pages = Pages("device_export", __name__)


@pages.get("/devices.csv", Permission.DEVICE_READ, writes=True)
def download() -> Response:
    """All that the filters find, as CSV; audited."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    filters = filters_of(shown)
    devices.note_export(actor, filters, shown)
    head = [language.say(one) for one in HEAD]
    answer = current_app.response_class(stream_with_context(_lines(actor, filters, head)), mimetype="text/csv")
    name = f"devices-{times.local(clock.now())[:10]}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _lines(actor: Actor, filters: Filters, head: list[str]) -> Iterator[str]:
    # Read after the request's own transaction: a long file must keep nobody from writing.
    with unit_of_work(write=False):
        yield from csv_text.lines(head, (_row(view) for view in devices.every(actor, filters)))


def _row(view: DeviceView) -> list[str | None]:
    row = device_view.row(view)
    return [
        view.id,
        view.serial,
        view.manufacturer,
        view.model,
        f"{view.os} {view.os_version}".strip(),
        view.agent_version,
        view.holder.name,
        view.holder.employee_no,
        language.say(labels.YES if view.holder.confirmed else labels.NO),
        view.org_unit,
        " ".join(view.groups),
        language.say(row.state.text),
        language.say(labels.YES if view.presence.online else labels.NO),
        _time(view.presence.last_seen_at),
        language.say(row.policy.label.text),
        _time(row.policy.reported_at),
        language.say(row.compliance.text),
        " ".join(row.findings),
        _time(view.enrolled_at),
    ]


def _time(value: datetime | str | None) -> str | None:
    return times.local(value) if value else None
