"""Wipes whose last word has not come; they climb no ladder, since a phone to be wiped is dealt with already."""

from __future__ import annotations

from compliance.registry import Basis, Check, Severity, register
from core.text import Text
from fleet.commands import last_words


def _add(code: str, title: Text, reason: Text, advice: Text) -> None:
    register(Check(code, title, reason, advice, Severity.CRITICAL, Basis.SERVER, "result", None))


_add(
    last_words.UNDELIVERED,
    Text("擦除未送达", "Wipe not delivered"),
    Text("擦除命令到期仍未送达手机。", "A wipe was due and has not reached the phone."),
    Text(
        "设法让手机联网；命令会在手机上线时再次下发。", "Bring the phone online: the wipe is offered again when it is."
    ),
)
_add(
    last_words.UNCONFIRMED,
    Text("擦除未确认", "Wipe unconfirmed"),
    Text("手机收到擦除命令，但没有最终回报。", "The phone received a wipe and has not said how it ended."),
    Text("核实手机状态；确认已擦除后停用设备。", "Find out how the phone is; once it is known to be wiped, retire it."),
)
_add(
    last_words.FAILED,
    Text("擦除失败", "Wipe failed"),
    Text("手机报告擦除未执行。", "The phone says that the wipe was not carried out."),
    Text("查看命令的回报，排除原因后重新申请。", "Read the command's result, remove the cause and ask again."),
)
