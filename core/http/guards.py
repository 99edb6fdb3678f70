"""Input that no route ever wants: texts that are not Unicode scalar values, NUL, nesting without end, other types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from core.errors import BadInput, Invalid
from core.http.access import RouteRule
from core.text import Text

MAX_DEPTH = 64
MAX_SHOWN = 64
MAX_DISCARDED = 36 * 1024 * 1024
CHUNK = 64 * 1024


def check_request(rule: RouteRule) -> None:
    """Refuse a request whose query or JSON body holds NUL, a lone surrogate or too deep nesting, whose query has a
    member that the route does not know, or whose body is of another type than the route takes: it would count as left
    out. Raises BadInput, Invalid, UnsupportedMediaType."""
    for name, value in (*request.args.items(multi=True), *(request.view_args or {}).items()):
        _check_text(str(name))
        _check_text(str(value))
    if rule.query is not None:
        _check_members(rule.query)
    # A body that comes in chunks has no length.
    if not request.content_length and "Transfer-Encoding" not in request.headers:
        return
    if rule.takes_json and not request.is_json:
        raise UnsupportedMediaType
    if request.is_json:
        try:
            body = request.get_json()
        except RecursionError as error:
            raise _too_deep() from error
        _check_value(body, MAX_DEPTH)


def discard_body() -> None:
    """Read what nobody read of a refused request, up to a bound: a connection that is closed on unread bytes is
    reset, and the answer is lost with it."""
    left = MAX_DISCARDED
    while left > 0 and (chunk := request.environ["wsgi.input"].read(CHUNK)):
        left -= len(chunk)


def _check_value(value: Any, depth: int) -> None:
    if depth == 0:
        raise _too_deep()
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check_value(item, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _check_value(item, depth - 1)


def _check_text(text: str) -> None:
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text if char > "\ud7ff"):
        raise BadInput(
            "bad_text",
            Text("文本含有空字符或不成对的代理字符。", "A text holds NUL or a lone surrogate. Remove it."),
        )


def _check_members(known: Sequence[str]) -> None:
    """A misspelt filter would otherwise list everything."""
    unknown = [name[:MAX_SHOWN] for name in request.args if name not in known]
    if not unknown:
        return
    what = Text("未知的查询参数，请检查拼写", "unknown query member, check its spelling")
    listed = Text("、".join(known) or "（无）", ", ".join(known) or "none")
    raise Invalid(
        "unknown_query_member",
        Text(
            f"没有名为 {unknown[0]} 的查询参数。可用：{listed.zh}。",
            f"There is no query member “{unknown[0]}”. Allowed: {listed.en}.",
        ),
        errors=[{"path": name, "code": "extra_forbidden", "text": what} for name in unknown],
        allowed=list(known),
    )


def _too_deep() -> BadInput:
    return BadInput("too_deep", Text("JSON 嵌套过深。", "The JSON is nested too deeply."))
