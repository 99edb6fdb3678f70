"""Group bots of WeCom: Markdown of at most 4096 bytes, the key stands in the address, success is `errcode` 0."""

from __future__ import annotations

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
from notify.topics import Severity

_COLOURS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "warning"}


class WecomFields(AddressFields):
    """The bot's address with its key."""


def _deliver(fields: WecomFields, message: Message) -> None:
    colour = _COLOURS[message.topic.severity]
    content = f'<font color="{colour}">{message.headline()}</font>\n[{OPEN.pick(message.language)}]({message.url})'
    require_code_zero(call(fields.url, {"msgtype": "markdown", "markdown": {"content": content}}), "errcode")


KIND = register(ChannelKind("wecom", Text("企业微信群机器人", "WeCom group bot"), WecomFields, _deliver))
