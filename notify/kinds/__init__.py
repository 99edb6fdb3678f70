"""Kinds of channels, one module each; importing this package registers them all."""

from __future__ import annotations

from notify.kinds import dingtalk, feishu, mail, webhook, wecom

__all__ = ["dingtalk", "feishu", "mail", "webhook", "wecom"]
