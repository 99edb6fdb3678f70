"""What each kind of command asks of a person: the fields of its form, and its arguments read from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request

from console import forms
from core.errors import Invalid
from core.text import Text
from fleet.commands.registry import Kind, all_kinds
from mqtt.contract.limits import RING_MAX_S
from mqtt.contract.names import CommandType

MAX_TEXT = 2000
HOUR = 3600
QUICK = (CommandType.LOCK, CommandType.MESSAGE, CommandType.LOCATE, CommandType.RING, CommandType.PING)
"""What is at hand beside a phone; the other kinds stand in a menu."""


@dataclass(frozen=True, slots=True)
class Field:
    """One input. `kind`: text, area, number, check, choice (of `options`) or seconds (a choice that is a number).

    `span`: the least and the greatest number.
    """

    name: str
    kind: str
    label: Text
    value: str = ""
    hint: Text | None = None
    options: Mapping[str, Text] | None = None
    limit: int = MAX_TEXT
    required: bool = False
    span: tuple[int, int] | None = None


_DEADLINES = {
    "600": Text("10 分钟", "10 minutes"),
    "3600": Text("1 小时", "1 hour"),
    "21600": Text("6 小时", "6 hours"),
    "86400": Text("24 小时", "24 hours"),
}
_SCOPES = {
    "work_data": Text("只擦除工作数据", "Work data only"),
    "device": Text("擦除整部手机（恢复出厂）", "The whole phone (factory reset)"),
}

FIELDS: Mapping[str, tuple[Field, ...]] = {
    CommandType.LOCK: (
        Field(
            "message",
            "area",
            Text("锁屏上显示的话（可不填）", "Shown on the locked screen (optional)"),
            hint=Text("例如：请联系前台归还此手机。", "For example: please bring this phone to the front desk."),
        ),
    ),
    CommandType.MESSAGE: (
        Field("title", "text", Text("标题", "Title"), limit=100, required=True),
        Field("text", "area", Text("内容", "Text"), required=True),
    ),
    CommandType.RING: (
        Field(
            "seconds",
            "number",
            Text("响铃秒数", "Seconds"),
            "30",
            Text(f"1 到 {RING_MAX_S}。", f"1 to {RING_MAX_S}."),
            limit=6,
            required=True,
            span=(1, RING_MAX_S),
        ),
    ),
    CommandType.WIPE: (
        Field("scope", "choice", Text("范围", "What to erase"), "work_data", options=_SCOPES),
        Field(
            "preserve_records",
            "check",
            Text("先上传未发送的记录", "Send unsent records first"),
            "yes",
            Text(
                "不勾选会丢失尚未上传的通信记录，需由合规专员批准。",
                "Without it unsent records are lost, and a compliance officer has to approve.",
            ),
        ),
        Field("deadline_s", "seconds", Text("最多等待上传", "Wait for them at most"), "3600", options=_DEADLINES),
    ),
}
HINTS: Mapping[str, Text] = {
    CommandType.PING: Text(
        "手机收到后立即应答，用来确认它在线。", "The phone answers at once, which shows that it is there."
    ),
    CommandType.LOCK: Text(
        "工作区将被锁定：不能查看、拨打或发送，紧急呼叫不受影响。",
        "The work side is locked: nothing can be read, dialled or sent. Emergency calls stay possible.",
    ),
    CommandType.UNLOCK: Text("解除工作区锁定。", "The work side opens again."),
    CommandType.LOCATE: Text(
        "回传一次位置。非工作时间会在手机上显示原因；每次查看结果都会写入审计。",
        "One position comes back. Outside work hours the phone shows the reason; each look at the result is audited.",
    ),
    CommandType.MESSAGE: Text("在手机上显示一条消息。", "Shown on the phone."),
    CommandType.RING: Text("手机会响铃，方便寻找。", "The phone rings, so that it is found."),
    CommandType.REBOOT: Text("手机将重新启动。", "The phone starts anew."),
    CommandType.SYNC: Text(
        "手机会立即上报状态并上传排队的记录。", "The phone reports at once and sends what it has queued."
    ),
    CommandType.RESET_PASSCODE: Text(
        "使用人必须重新设置锁屏密码；密码不会传到服务器。",
        "The holder must choose a new passcode; no passcode travels.",
    ),
    CommandType.COLLECT_LOGS: Text("手机会上传代理程序的日志。", "The phone uploads the agent's logs."),
    CommandType.ROTATE_CERTIFICATE: Text("手机会立即更换证书。", "The phone renews its certificate at once."),
    CommandType.WIPE: Text(
        "擦除不可恢复。提交后需由另一人批准才会下发；完成后设备证书被吊销，历史保留。",
        "A wipe cannot be undone. It is sent only after a second person approves; afterwards the certificate is "
        "revoked and the history stays.",
    ),
}


def kinds() -> list[Kind]:
    """Every kind, the ones at hand first, wipe last."""
    order = {kind: place for place, kind in enumerate(QUICK)}
    return sorted(all_kinds(), key=lambda kind: (kind.type == CommandType.WIPE, order.get(kind.type, 99), kind.type))


def fields(kind: Kind) -> tuple[Field, ...]:
    """The inputs of a kind beside the reason."""
    return FIELDS.get(kind.type, ())


def filled(kind: Kind) -> dict[str, str]:
    """What stands in the fields: what was sent, else the defaults."""
    if request.method == "POST":
        return {name: request.form.get(name, "")[:MAX_TEXT] for name in _names(kind)}
    return {field.name: field.value for field in fields(kind)}


def args(kind: Kind) -> dict[str, Any]:
    """The command's arguments as the form has them.

    Raises Invalid for what is empty and needed, no number or out of bounds, BadInput for too long.
    """
    return {field.name: _READERS[field.kind](field) for field in fields(kind)}


def _names(kind: Kind) -> list[str]:
    return [*(field.name for field in fields(kind)), "reason", "typed"]


def _text(field: Field) -> str:
    value = forms.field(field.name, field.limit)
    if field.required and not value.strip():
        raise Invalid("missing_value", Text(f"请填写“{field.label.zh}”。", f"Fill in “{field.label.en}”."))
    return value


def _number(field: Field) -> int:
    value = forms.field(field.name, 12).strip()
    least, most = field.span or (0, 10**11)
    if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
        zh, en = (f"{least} 到 {most} 的", f" from {least} to {most}") if field.span else ("", "")
        raise Invalid(
            "bad_number",
            Text(f"“{field.label.zh}”应为{zh}整数。", f"“{field.label.en}” is a whole number{en}."),
        )
    return int(value)


def _check(field: Field) -> bool:
    return forms.field(field.name, 10) == "yes"


_READERS: Mapping[str, Callable[[Field], Any]] = {
    "text": _text,
    "area": _text,
    "choice": _text,
    "seconds": _number,
    "number": _number,
    "check": _check,
}
