"""Group bots of WeCom: Markdown of at most 4096 bytes, the key stands in the address, success is `errcode` 0."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from core.text import Text
from notify.channel_kinds import (
    OPEN,
    ChannelKind,
    Fields,
    Message,
    call,
    checked_url,
    host_of,
    register,
    require_code_zero,
)
from notify.topics import Severity

_COLOURS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "warning"}


class WecomFields(Fields):
    """The bot's address with its key."""

    url: Annotated[str, AfterValidator(checked_url)] = Field(min_length=1, max_length=2000)

    def target(self) -> str:
        """Scheme and host."""
        return host_of(self.url)


def _deliver(fields: WecomFields, message: Message) -> None:
    colour = _COLOURS[message.topic.severity]
    content = f'<font color="{colour}">{message.headline()}</font>\n[{OPEN.pick(message.language)}]({message.url})'
    require_code_zero(call(fields.url, {"msgtype": "markdown", "markdown": {"content": content}}), "errcode")


KIND = register(ChannelKind("wecom", Text("企业微信群机器人", "WeCom group bot"), WecomFields, _deliver))
