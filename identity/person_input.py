"""What people type about people, cleaned before it is stored."""

from __future__ import annotations

import re
import unicodedata

from core.errors import Invalid
from core.text import Text
from identity import passwords
from notify.addresses import clean_address

_USERNAME = re.compile(r"\w[\w.@-]{0,63}")
_PLAIN = re.compile(r"[^\x00-\x1f\x7f]+")
_MEMBERS = {"name": Text("姓名", "A name"), "employee_no": Text("工号", "An employee number")}


def clean_username(username: str | None) -> str | None:
    """The user name as it is stored and looked up: composed, lower-case. Raises Invalid."""
    if username is None:
        return None
    plain = unicodedata.normalize("NFKC", username).casefold().strip()
    if not _USERNAME.fullmatch(plain):
        raise Invalid(
            "bad_username",
            Text(
                "用户名为 1 到 64 个字母、数字或 . _ @ -，以字母或数字开头。",
                "A user name has 1 to 64 letters, digits or . _ @ - and begins with a letter or digit.",
            ),
        )
    return plain


def new_password(password: str | None, username: str | None) -> str | None:
    """The hash of a new password, None for none. Raises Invalid for a weak one or one without a user name."""
    if password is None:
        return None
    check_password(password, username)
    return passwords.hash_password(password)


def check_password(password: str, username: str | None) -> None:
    """Raise Invalid for a weak password or one without a user name."""
    if username is None:
        raise Invalid("password_without_username", Text("设置密码前请先填写用户名。", "A password needs a user name."))
    passwords.check_new(password, username)


def clean_email(address: str | None) -> str | None:
    """The mail address as it is stored, None for none. Raises Invalid."""
    if address is None or not address.strip():
        return None
    try:
        return clean_address(address)
    except ValueError:
        raise Invalid("bad_email", Text("邮箱地址格式不正确。", "That is not a mail address.")) from None


def optional(value: str | None, member: str, limit: int) -> str | None:
    """The text cleaned, None when there is nothing in it. Raises Invalid."""
    return None if value is None or not value.strip() else clean(value, member, limit)


def clean(value: str | None, member: str, limit: int) -> str:
    """The text stripped. Raises Invalid when it is empty, too long or holds control characters."""
    plain = (value or "").strip()
    if not _PLAIN.fullmatch(plain) or len(plain) > limit:
        what = _MEMBERS.get(member, Text(member, f"“{member}”"))
        text = Text(f"{what.zh}应为 1 到 {limit} 个可见字符。", f"{what.en} has 1 to {limit} printable characters.")
        raise Invalid(f"bad_{member}", text)
    return plain
