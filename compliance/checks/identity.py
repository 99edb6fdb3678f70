"""One identity on two phones, and phones that send more than they may."""

from __future__ import annotations

from compliance.registry import Basis, Check, Ends, Severity, register
from core.text import Text
from fleet.device import FLOOD
from fleet.hello import CLONED

register(
    Check(
        CLONED,
        Text("身份疑似被复制", "Identity may be cloned"),
        Text(
            "两台手机在用同一身份（依据：{by}），不再下发通讯录与拨号。",
            "Two phones use one identity (seen by: {by}); it gets no contacts and no dialling.",
        ),
        Text(
            "核对手机实物；确认后处理完毕，若被复制请吊销并重新注册。",
            "Look at the phone itself. Settle this once it is clear; if it was cloned, revoke it and enroll anew.",
        ),
        Severity.CRITICAL,
        Basis.SERVER,
        "broker",
        "cloned",
        ends=Ends.SETTLED,
    )
)
register(
    Check(
        FLOOD,
        Text("消息过多", "Too many messages"),
        Text("手机发送的消息超过限制，连接被多次切断。", "The phone sent more than it may; its session was cut."),
        Text(
            "一小时内不再发生即自动结束；反复出现请更新代理程序或检查手机。",
            "It ends by itself after a quiet hour; if it returns, update the agent or look at the phone.",
        ),
        Severity.WARNING,
        Basis.SERVER,
        "broker",
        "flood",
    )
)
