"""Custom bots of Feishu: `timestamp` (s) and `sign` in the body, success is `code` 0 (`StatusCode` in older answers).

The sign is the base64 of HMAC-SHA256 over nothing, keyed by "timestamp, newline, secret".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from pydantic import Field, SecretStr

from core import clock
from core.text import Text
from notify.channel_kinds import (
    OPEN,
    AddressFields,
    ChannelKind,
    Message,
    call,
    register,
    require_code_zero,
)


class FeishuFields(AddressFields):
    """The bot's address, and its secret where the bot demands signatures."""

    secret: SecretStr | None = Field(None, max_length=200)


def sign(secret: str, timestamp: int) -> str:
    """The value of `sign`."""
    return base64.b64encode(hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()


def _deliver(fields: FeishuFields, message: Message) -> None:
    body: dict[str, Any] = {
        "msg_type": "post",
        "content": {
            "post": {
                "en_us" if message.language == "en" else "zh_cn": {
                    "title": message.headline(),
                    "content": [[{"tag": "a", "text": OPEN.pick(message.language), "href": message.url}]],
                }
            }
        },
    }
    if fields.secret:
        now = int(clock.now().timestamp())
        body |= {"timestamp": str(now), "sign": sign(fields.secret.get_secret_value(), now)}
    require_code_zero(call(fields.url, body), "code", "StatusCode")


KIND = register(ChannelKind("feishu", Text("飞书群机器人", "Feishu group bot"), FeishuFields, _deliver))
