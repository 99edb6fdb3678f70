"""What can stand in the way of a backup or a restore; each says what to do."""

from __future__ import annotations

from core.errors import Conflict, Invalid, Unavailable
from core.text import Text


def not_a_backup(why: str) -> Invalid:
    """The file is no backup of ours, or is damaged."""
    return Invalid(
        "not_a_backup",
        Text(
            f"文件不是完整的守机备份：{why}。请换用另一份备份。",
            f"This is no whole backup of Shouji: {why}. Take another one.",
        ),
    )


def wrong_passphrase() -> Invalid:
    """The keys' file does not open."""
    return Invalid(
        "wrong_passphrase",
        Text("口令不正确，或密钥文件已损坏。", "The passphrase is wrong, or the file of keys is damaged."),
    )


def weak_passphrase(least: int) -> Invalid:
    """Too short to protect every key of an installation."""
    return Invalid(
        "weak_passphrase",
        Text(f"口令至少需要 {least} 个字符。", f"The passphrase needs at least {least} characters."),
    )


def refused(code: str, zh: str, en: str) -> Conflict:
    """The restore would destroy or mix something."""
    return Conflict(code, Text(zh, en))


def program_failed(name: str, says: str) -> Unavailable:
    """One of PostgreSQL's programs did not do its work."""
    return Unavailable("program_failed", Text(f"{name} 执行失败：{says}", f"{name} failed: {says}"))
