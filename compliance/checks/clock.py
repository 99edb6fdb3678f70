"""The phone's clock against the server's, as each hello shows it."""

from __future__ import annotations

from compliance.registry import Basis, Check, Severity, register
from core.text import Text

register(
    Check(
        "clock_skew",
        Text("时钟不准", "Clock is off"),
        Text("手机时间与服务器相差 {seconds} 秒。", "The phone's clock is {seconds} seconds off."),
        Text(
            "请使用人打开“自动设置时间”；策略可加 no_config_date_time 禁止修改。",
            "Have the holder turn on automatic time; a policy may forbid changes by no_config_date_time.",
        ),
        Severity.WARNING,
        Basis.SIGNED,
        "hello",
        "clock",
    )
)
