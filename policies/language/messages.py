"""Texts for the faults that the models find, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.text import Text

_TEXTS = {
    "missing": Text("缺少此成员。", "This member is missing."),
    "extra_forbidden": Text("没有这个成员，请检查拼写。", "There is no such member: check its spelling."),
    "literal_error": Text("只能是：{expected}。", "It must be one of: {expected}."),
    "string_type": Text("应为文本；数字请加引号。", "It must be text: put a number in quotes."),
    "int_type": Text("应为整数。", "It must be a whole number."),
    "float_type": Text("应为数字。", "It must be a number."),
    "bool_type": Text("应为 true 或 false。", "It must be true or false."),
    "list_type": Text("应为列表。", "It must be a list."),
    "tuple_type": Text("应为列表。", "It must be a list."),
    "dict_type": Text("应为“成员: 值”的形式。", "It must have members."),
    "model_type": Text("应为“成员: 值”的形式。", "It must have members."),
    "model_attributes_type": Text("应为“成员: 值”的形式。", "It must have members."),
    "string_pattern_mismatch": Text("格式不符，应匹配 {pattern}。", "It does not have the form {pattern}."),
    "string_too_short": Text("至少 {min_length} 个字符。", "It needs at least {min_length} character(s)."),
    "string_too_long": Text("最多 {max_length} 个字符。", "It has at most {max_length} characters."),
    "too_short": Text("至少 {min_length} 项。", "It needs at least {min_length} item(s)."),
    "too_long": Text("最多 {max_length} 项。", "It has at most {max_length} items."),
    "greater_than_equal": Text("不能小于 {ge}。", "It must be {ge} or more."),
    "less_than_equal": Text("不能大于 {le}。", "It must be {le} or less."),
    "greater_than": Text("必须大于 {gt}。", "It must be more than {gt}."),
}
_CODES = {"extra_forbidden": "unknown_member", "missing": "missing_member", "literal_error": "not_a_choice"}


def code_of(kind: str) -> str:
    """The stable code of a fault."""
    return _CODES.get(kind, kind)


def text_for(kind: str, context: Mapping[str, Any], message: str) -> Text:
    """The text of a fault; `context` holds the figures, or both texts when a rule wrote its own."""
    if "zh" in context and "en" in context:
        return Text(str(context["zh"]), str(context["en"]))
    known = _TEXTS.get(kind)
    return known.format(**context) if known else Text(f"该值不符合要求：{message}", f"{message}.")
