"""Webhooks, signed in the form of Standard Webhooks 1.0: `v1,` and base64 of HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr

from core import clock
from core.field_texts import Unfit
from core.text import Text
from notify.channel_kinds import AddressFields, ChannelKind, Message, call, register

PREFIX = "whsec_"
SECRET_BYTES = 32


def _usable(secret: SecretStr) -> SecretStr:
    key_of(secret.get_secret_value())
    return secret


class WebhookFields(AddressFields):
    """An address and the secret that its messages are signed with."""

    secret: Annotated[SecretStr, AfterValidator(_usable)] = Field(max_length=200)


def key_of(secret: str) -> bytes:
    """The key in a `whsec_…` secret. Raises ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise Unfit("密钥为 whsec_ 加 24 到 64 字节的 base64", "a secret is whsec_ and the base64 of 24 to 64 bytes")
    return key


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key_of(secret), content, hashlib.sha256).digest()).decode()


def _with_secret(given: dict[str, Any]) -> dict[str, Any]:
    if given.get("secret") is not None:
        return given
    return {**given, "secret": PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}


def _deliver(fields: WebhookFields, message: Message) -> None:
    body = json.dumps(
        {
            "type": message.topic.kind,
            "timestamp": clock.to_wire(message.at),
            "data": {
                "id": message.id,
                "severity": message.topic.severity.code,
                "text": {"zh": message.text.zh, "en": message.text.en},
                "about": {"kind": message.about[0], "id": message.about[1]},
                "url": message.url,
                "test": message.test,
            },
        },
        ensure_ascii=False,
    ).encode()
    now = int(clock.now().timestamp())
    headers = {
        "webhook-id": message.id,
        "webhook-timestamp": str(now),
        "webhook-signature": signature(fields.secret.get_secret_value(), message.id, now, body),
    }
    call(fields.url, body, headers)


KIND = register(ChannelKind("webhook", Text("Webhook", "Webhook"), WebhookFields, _deliver, _with_secret))
