"""Mail addresses as people type them."""

from __future__ import annotations

import re

from core.field_texts import Unfit

MAX_ADDRESS = 254
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*")


def clean_address(address: str) -> str:
    """The address without blanks around it. Raises ValueError."""
    plain = address.strip()
    if len(plain) > MAX_ADDRESS or not _ADDRESS.fullmatch(plain):
        raise Unfit("邮箱地址格式不正确", "not a mail address")
    return plain
