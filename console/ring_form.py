"""How a version goes to phones, as the form to publish asks for it: to everyone at once, or by rings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from console import forms
from core.errors import Invalid
from core.text import Text
from policies.publish import AT_ONCE, Staging

NOW, RINGS, DRAFT = "now", "rings", "draft"
WAYS = {
    NOW: Text("立即下发到全部设备", "To everyone at once"),
    RINGS: Text("分环下发", "By rings"),
    DRAFT: Text("分环下发，暂存为草稿，稍后开始", "By rings, kept as a draft until it is started"),
}
NONE, PERCENTAGE, GROUP, QUERY = "", "percentage", "group", "query"
WHO = {
    NONE: Text("不使用", "Not used"),
    PERCENTAGE: Text("累计百分比", "Up to a %"),
    GROUP: Text("分组", "Group"),
    QUERY: Text("设备查询", "Query"),
}
SOAKS = {
    "0s": Text("不观察", "None"),
    "15m": Text("15 分钟", "15 minutes"),
    "1h": Text("1 小时", "1 hour"),
    "4h": Text("4 小时", "4 hours"),
    "1d": Text("1 天", "1 day"),
    "3d": Text("3 天", "3 days"),
}
SILENT_AFTER = {
    "15m": Text("15 分钟", "15 minutes"),
    "1h": Text("1 小时", "1 hour"),
    "4h": Text("4 小时", "4 hours"),
    "1d": Text("1 天", "1 day"),
    "3d": Text("3 天", "3 days"),
}
WITHIN = {key: text for key, text in SOAKS.items() if key != "0s"}
MAX_DIGITS = 9
ROWS = 4
"""Rings that a form offers before the last, which is always everyone. The API takes more."""
PROPOSED: tuple[Mapping[str, str], ...] = (
    {"who": PERCENTAGE, "value": "5", "success": "95", "stop": "5", "silent": "30", "within": "1h", "soak": "1h"},
    {"who": PERCENTAGE, "value": "25", "success": "95", "stop": "5", "silent": "30", "within": "4h", "soak": "4h"},
)
_BLANK = {
    "who": NONE,
    "value": "",
    "success": "",
    "within": "1h",
    "stop": "",
    "silent": "",
    "sample": "",
    "silent_after": "1h",
    "soak": "0s",
    "approval": "",
}


def rows() -> list[dict[str, str]]:
    """What stands in the form, ring by ring: what was sent, else what is proposed."""
    if "way" not in request.form:
        return [{**_BLANK, **(PROPOSED[number] if number < len(PROPOSED) else {})} for number in range(ROWS)]
    return [_sent(number) for number in range(ROWS)]


def way() -> str:
    """The chosen way. Raises Invalid."""
    chosen = forms.field("way", 10) or NOW
    if chosen not in WAYS:
        raise Invalid("bad_way", Text("请选择下发方式。", "Choose how it goes to phones."))
    return chosen


def staging() -> Staging:
    """How the version goes to phones. Raises Invalid for a number that is none; the rings themselves are checked on."""
    chosen = way()
    if chosen == NOW:
        return AT_ONCE
    found = [_ring(f"ring-{number + 1}", row) for number, row in enumerate(rows()) if row["who"]]
    return Staging(
        [*found, {"name": "all", "everyone": True, "approval": bool(forms.field("last_approval"))}],
        draft=chosen == DRAFT,
    )


def _sent(number: int) -> dict[str, str]:
    return {name: forms.field(f"ring{number}_{name}").strip() for name in _BLANK}


def _ring(name: str, row: Mapping[str, str]) -> dict[str, Any]:
    if row["who"] not in WHO:
        raise Invalid("bad_ring", Text(f"{name}：请选择对象。", f"{name}: choose whom it holds."))
    who: Any = _percent(name, row["value"]) if row["who"] == PERCENTAGE else row["value"]
    ring: dict[str, Any] = {"name": name, row["who"]: who, "soak": row["soak"] or "0s"}
    ring["silent_after"] = row["silent_after"] or "1h"
    if row["success"]:
        ring["success"] = {"percent": _percent(name, row["success"]), "within": row["within"] or "1h"}
    stop = _stop(name, row)
    if stop:
        ring["stop"] = stop
    return {**ring, "approval": bool(row["approval"])}


def _stop(name: str, row: Mapping[str, str]) -> dict[str, Any]:
    """The error stop; a minimum sample alone stops nothing."""
    found: dict[str, Any] = {}
    if row["stop"]:
        found |= dict.fromkeys(("failed", "rejected"), _percent(name, row["stop"]))
    if row["silent"]:
        found["silent"] = _percent(name, row["silent"])
    if found and row["sample"]:
        found["sample"] = _phones(name, row["sample"])
    return found


def _phones(name: str, text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS:
        return int(text)
    raise Invalid(
        "bad_ring", Text(f"{name}：“{text[:20]}”不是设备数。", f"{name}: “{text[:20]}” is no number of phones.")
    )


def _percent(name: str, text: str) -> float:
    try:
        return float(text.removesuffix("%"))
    except ValueError as error:
        raise Invalid(
            "bad_ring", Text(f"{name}：“{text[:20]}”不是百分比。", f"{name}: “{text[:20]}” is no percentage.")
        ) from error
