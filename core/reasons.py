"""Reasons that people give: for approvals, for phones, for what is contested."""

from __future__ import annotations

from core.errors import Invalid
from core.text import Text

MAX_REASON = 500


def clean_reason(reason: str) -> str:
    """The reason without blanks around it. Raises Invalid when it says nothing or too much."""
    plain = reason.strip()
    if not plain or len(plain) > MAX_REASON:
        raise Invalid(
            "reason_required",
            Text(f"请填写原因（1 到 {MAX_REASON} 字）。", f"Give a reason of 1 to {MAX_REASON} characters."),
        )
    return plain
