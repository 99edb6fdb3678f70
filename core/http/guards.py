"""Input that no route ever wants: texts that are not Unicode scalar values, NUL, and nesting without end."""

from __future__ import annotations

from typing import Any

from flask import request

from core.errors import BadInput
from core.text import Text

MAX_DEPTH = 64


def check_request() -> None:
    """Refuse a request whose query or JSON body holds NUL, a lone surrogate or too deep nesting. Raises BadInput."""
    for name, value in (*request.args.items(multi=True), *(request.view_args or {}).items()):
        _check_text(str(name))
        _check_text(str(value))
    # A body that comes in chunks has no length.
    if request.is_json and (request.content_length or "Transfer-Encoding" in request.headers):
        try:
            body = request.get_json()
        except RecursionError as error:
            raise _too_deep() from error
        _check_value(body, MAX_DEPTH)


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


def _too_deep() -> BadInput:
    return BadInput("too_deep", Text("JSON 嵌套过深。", "The JSON is nested too deeply."))
