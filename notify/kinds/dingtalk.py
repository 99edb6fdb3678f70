"""Group bots of DingTalk: `timestamp` (ms) and `sign` in the address, success is `errcode` 0.

The sign is the base64 of HMAC-SHA256 over "timestamp, newline, secret", keyed by the secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Annotated
from urllib.parse import urlencode

from pydantic import AfterValidator, Field, SecretStr

from core import clock
from core.text import Text
from notify.channel_kinds import (
    OPEN,
    AddressFields,
    ChannelKind,
    Message,
    call,
    checked_url,
    register,
    require_code_zero,
)


class DingtalkFields(AddressFields):
    """The bot's address with its token, and the secret `SEC…` where the bot demands signatures."""

    url: Annotated[str, AfterValidator(checked_url)] = Field(min_length=1, max_length=1800)
    secret: SecretStr | None = Field(None, max_length=200)


def sign(secret: str, timestamp_ms: int) -> str:
    """The value of `sign`, before it is encoded for an address."""
    content = f"{timestamp_ms}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), content, hashlib.sha256).digest()).decode()


def signed_url(url: str, secret: str, timestamp_ms: int) -> str:
    """The address of one request."""
    more = urlencode({"timestamp": timestamp_ms, "sign": sign(secret, timestamp_ms)})
    return f"{url}{'&' if '?' in url else '?'}{more}"


def _deliver(fields: DingtalkFields, message: Message) -> None:
    secret = fields.secret.get_secret_value() if fields.secret else ""
    url = signed_url(fields.url, secret, int(clock.now().timestamp() * 1000)) if secret else fields.url
    text = f"{message.headline()}\n\n[{OPEN.pick(message.language)}]({message.url})"
    body = {"msgtype": "markdown", "markdown": {"title": message.headline(), "text": text}}
    require_code_zero(call(url, body), "errcode")


KIND = register(ChannelKind("dingtalk", Text("钉钉群机器人", "DingTalk group bot"), DingtalkFields, _deliver))
