"""JSON on the wire, read without mercy: one meaning per text, or `BadPayload` with a stable reason.

Python's own reader is lenient where peers disagree (two members of a name, NaN, lone surrogates, numbers
without bound); what passes here means the same to every JSON library.
"""

from __future__ import annotations

import json
import math
from enum import StrEnum
from typing import Any

from mqtt.contract.limits import JSON_DEPTH_MAX, PAYLOAD_MAX


class Reason(StrEnum):
    """Why a payload was refused; stable, used as a label in the quarantine and in metrics."""

    TOO_LARGE = "too_large"
    EMPTY = "empty"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_OBJECT = "not_object"
    DUPLICATE_MEMBER = "duplicate_member"
    TOO_DEEP = "too_deep"
    NUL = "nul"
    LONE_SURROGATE = "lone_surrogate"
    NUMBER = "number"
    FORM = "form"


class BadPayload(ValueError):
    """A payload that fails its form. `detail` names the place, never the content."""

    def __init__(self, reason: Reason | str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = str(reason)
        self.detail = detail


def decode(raw: bytes, *, limit: int = PAYLOAD_MAX, depth: int = JSON_DEPTH_MAX) -> Any:
    """Read one JSON value from at most `limit` bytes. Raises BadPayload."""
    if len(raw) > limit:
        raise BadPayload(Reason.TOO_LARGE, f"{len(raw)} bytes, at most {limit}")
    if not raw:
        raise BadPayload(Reason.EMPTY)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadPayload(Reason.NOT_UTF8, f"byte {error.start}") from None
    value = _parse(text)
    # Brackets inside strings only make this bound larger, so the walk is skipped for nearly every message.
    if raw.count(b"[") + raw.count(b"{") > depth:
        _check_depth(value, depth)
    # Without an escape UTF-8 holds no surrogate, and the reader refuses a raw control character.
    if b"\\u" in raw:
        _check_strings(value)
    return value


def decode_object(raw: bytes, *, limit: int = PAYLOAD_MAX, depth: int = JSON_DEPTH_MAX) -> dict[str, Any]:
    """Read one JSON object. Raises BadPayload."""
    value = decode(raw, limit=limit, depth=depth)
    if not isinstance(value, dict):
        raise BadPayload(Reason.NOT_OBJECT, type(value).__name__)
    return value


def encode(value: Any) -> bytes:
    """Render JSON without spaces, in UTF-8. Raises ValueError on NaN, UnicodeEncodeError on a surrogate."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8")


def clean_text(text: str) -> str:
    """Replace U+0000 and surrogates by U+FFFD, as a device does before it sends (§4)."""
    if text.isascii() and "\x00" not in text:
        return text
    return "".join("�" if char == "\x00" or "\ud800" <= char <= "\udfff" else char for char in text)


def _parse(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except BadPayload:
        raise
    except RecursionError:
        raise BadPayload(Reason.TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise BadPayload(Reason.NOT_JSON, f"character {error.pos}") from None
    except ValueError:
        raise BadPayload(Reason.NOT_JSON) from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadPayload(Reason.DUPLICATE_MEMBER)
    return members


def _integer(digits: str) -> int:
    if len(digits) > 20:
        raise BadPayload(Reason.NUMBER, "too many digits")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise BadPayload(Reason.NUMBER, "not finite")
    return value


def _constant(_name: str) -> Any:
    raise BadPayload(Reason.NUMBER, "not finite")


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_integer, parse_float=_float, parse_constant=_constant)


def _check_depth(value: Any, depth: int) -> None:
    level = _containers([value])
    for _ in range(depth):
        level = [child for node in level for child in _containers(node)]
        if not level:
            return
    raise BadPayload(Reason.TOO_DEEP, f"more than {depth} levels")


def _containers(node: Any) -> list[Any]:
    children = node.values() if isinstance(node, dict) else node
    return [child for child in children if isinstance(child, dict | list)]


def _check_strings(value: Any) -> None:
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            _check_string(node)
        elif isinstance(node, dict):
            stack.extend(node.keys())
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _check_string(text: str) -> None:
    if "\x00" in text:
        raise BadPayload(Reason.NUL)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise BadPayload(Reason.LONE_SURROGATE) from None
