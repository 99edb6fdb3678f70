"""The SIM: another one than the phone had, by its signed event or by what its heartbeats show."""

from __future__ import annotations

from compliance.registry import Basis, Check, Ends, Severity, register
from core.text import Text

SIM_CHANGED = "sim_changed"

register(
    Check(
        SIM_CHANGED,
        Text("SIM 卡已更换", "SIM changed"),
        Text("手机中的 SIM 卡与原先不同（依据：{by}）。", "The phone holds another SIM than before (seen by: {by})."),
        Text(
            "核实换卡是否经批准；换回原卡自动结束，认可新卡请处理此项。",
            "Find out whether that was allowed. The old SIM ends it by itself; to accept the new one, settle this.",
        ),
        Severity.WARNING,
        Basis.SELF_REPORTED,
        "heartbeat",
        SIM_CHANGED,
        ends=Ends.SETTLED,
    )
)
