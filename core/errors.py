"""The one error tree. A room raises these; the edges turn them into answers.

ShoujiError
├── Waits 202             held back: a second person is asked; nothing is changed until they let it happen
├── BadInput 400          the request itself cannot be read
├── Unauthenticated 401   nobody, or not who they say
├── Forbidden 403         known, but not allowed; audited as refused
├── NotFound 404          not there, or not yours: the two look alike
├── Conflict 409          the state does not allow it, or somebody was faster
├── TooLarge 413
├── Invalid 422           readable, but wrong; names the member
├── PreconditionRequired 428
├── TooMany 429
└── Unavailable 503       try again later
"""

from __future__ import annotations

from typing import Any, ClassVar

from core.text import Text


class ShoujiError(Exception):
    """Base of all expected errors: a stable `code`, a text that says what to do, members for the problem document."""

    status: ClassVar[int] = 500
    title: ClassVar[Text] = Text("内部错误", "Internal error")

    def __init__(self, code: str, text: Text, **members: Any) -> None:
        super().__init__(f"{code}: {text.en}")
        self.code = code
        self.text = text
        self.members = members


class Waits(ShoujiError):
    """Held back until a second person lets it happen: nothing is changed, `approval` is what was asked for.

    The unit of work that raises it is rolled back. Once the request is stored, `approval` holds it.
    """

    status = 202
    title = Text("等待第二人批准", "Waits for a second person")

    def __init__(self, code: str, text: Text, **members: Any) -> None:
        super().__init__(code, text, **members)
        self.approval: Any = None


class BadInput(ShoujiError):
    """The request cannot be read."""

    status = 400
    title = Text("请求无法解析", "The request cannot be read")


class Unauthenticated(ShoujiError):
    """No valid credential."""

    status = 401
    title = Text("请先登录", "Sign in first")


class Forbidden(ShoujiError):
    """The actor is known and may not do this."""

    status = 403
    title = Text("没有权限", "Not allowed")


class NotFound(ShoujiError):
    """Not there, or outside the actor's scope."""

    status = 404
    title = Text("未找到", "Not found")


class Conflict(ShoujiError):
    """The present state does not allow it."""

    status = 409
    title = Text("与当前状态冲突", "Conflict with the present state")


class TooLarge(ShoujiError):
    """More bytes than are taken."""

    status = 413
    title = Text("内容过大", "Too large")


class Invalid(ShoujiError):
    """Readable, but wrong."""

    status = 422
    title = Text("内容有误", "Invalid input")


class PreconditionRequired(ShoujiError):
    """Something must be accepted first."""

    status = 428
    title = Text("需要先完成前置步骤", "A precondition is missing")


class TooMany(ShoujiError):
    """A rate or a cap is reached."""

    status = 429
    title = Text("操作过于频繁", "Too many requests")


class Unavailable(ShoujiError):
    """A part of the server is away; nothing was changed."""

    status = 503
    title = Text("服务暂不可用", "Temporarily unavailable")
