"""What is wrong with a value that somebody gave, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.text import Text

_TEXTS = {
    "missing": Text("缺少此项", "this member is missing"),
    "extra_forbidden": Text("未知项，请检查拼写", "unknown member, check its spelling"),
    "string_type": Text("应为文本", "expected a text"),
    "too_short": Text("项目太少", "too few"),
    "too_long": Text("项目太多", "too many"),
    "string_too_short": Text("太短", "too short"),
    "string_too_long": Text("太长", "too long"),
    "string_pattern_mismatch": Text("格式不符", "not of the expected form"),
    "int_type": Text("应为整数", "expected an integer"),
    "int_parsing": Text("应为整数", "expected an integer"),
    "bool_type": Text("应为 true 或 false", "expected true or false"),
    "bool_parsing": Text("应为 true 或 false", "expected true or false"),
    "list_type": Text("应为数组", "expected an array"),
    "dict_type": Text("应为对象", "expected an object"),
    "model_type": Text("应为对象", "expected an object"),
    "model_attributes_type": Text("应为对象", "expected an object"),
    "greater_than_equal": Text("小于允许的最小值", "less than the least value allowed"),
    "less_than_equal": Text("大于允许的最大值", "more than the greatest value allowed"),
    "literal_error": Text("不是允许的取值", "not one of the allowed values"),
    "enum": Text("不是允许的取值", "not one of the allowed values"),
    "uuid_parsing": Text("应为 UUID", "expected a UUID"),
}


class Unfit(ValueError):
    """For validators: a value that does not fit, and why; the value itself is never told."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(zh, en)


def field_text(item: Mapping[str, Any]) -> Text:
    """What one error of pydantic says; a validator of ours says it in both languages itself."""
    cause = item.get("ctx", {}).get("error")
    if isinstance(cause, Unfit):
        return cause.text
    known = _TEXTS.get(item["type"])
    message = str(item["msg"]).removeprefix("Value error, ")
    return Text(known.zh, f"{known.en} ({message})") if known else Text(message, message)
