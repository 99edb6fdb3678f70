"""What can go wrong with the broker, as the edges and people are told."""

from __future__ import annotations

from core.errors import Unavailable
from core.text import Text


class BrokerError(Unavailable):
    """Base of the broker's errors."""


class BrokerAway(BrokerError):
    """The broker does not answer: nothing can be said of its state, and nothing was done."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "broker_away",
            Text(
                "消息服务器没有响应，请稍后重试；若持续发生，请运行 flask broker check。",
                "The broker does not answer. Try again soon; if it lasts, run `flask broker check`.",
            ),
            detail=detail,
        )


class BrokerUnsafe(BrokerError):
    """A canary got through a door that must be shut, or not through its own: the broker was stopped or is refused."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(
            "broker_unsafe",
            Text(
                "消息服务器的访问控制不可信，已停止使用：{reasons}。",
                "The broker's access control cannot be trusted and it is out of use: {reasons}.",
            ).format(reasons=", ".join(reasons)),
            reasons=reasons,
        )


class BrokerUnusable(BrokerError):
    """The broker cannot be started as it is set up; the text says what to change."""

    def __init__(self, text: Text) -> None:
        super().__init__("broker_unusable", text)
