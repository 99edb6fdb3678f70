"""The notice to the holder and its acceptance (§3)."""

from __future__ import annotations

from mqtt.contract.model import Label, LongText, Message, WireTime


class Notice(Message):
    """`GET notice`: texts by language."""

    version: Label
    texts: dict[Label, LongText]


class NoticeAcceptance(Message):
    """`POST device/notice`, and `notice` of an enrollment."""

    version: Label
    accepted_at: WireTime
