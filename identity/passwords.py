"""Passwords: argon2id, and what a new one must be."""

from __future__ import annotations

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from core.errors import Invalid
from core.text import Text

MIN_LENGTH = 12
MAX_LENGTH = 256
MIN_DIFFERENT = 5

# 19 MiB and two passes: the least that OWASP asks for, so that many sign-ins at once do not exhaust a small server.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def check_new(password: str, username: str | None) -> None:
    """Raise Invalid unless the password is long enough, varied enough and not the user name."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise Invalid(
            "password_length",
            Text(
                f"密码至少 {MIN_LENGTH} 个字符，最多 {MAX_LENGTH} 个。",
                f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.",
            ),
        )
    plain = password.casefold()
    if len(set(plain)) < MIN_DIFFERENT:
        raise Invalid(
            "password_too_simple", Text("密码过于简单，请使用更多不同的字符。", "Use more different characters.")
        )
    if username and plain.strip() == username.casefold():
        raise Invalid("password_is_username", Text("密码不能与用户名相同。", "The password must not be the user name."))


def hash_password(password: str) -> str:
    """The argon2id hash to store."""
    return _hasher.hash(_normal(password))


def verify(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one. Takes as long when nothing is stored, so the time tells nothing."""
    try:
        _hasher.verify(stored or _nobody(), _normal(password[:MAX_LENGTH]))
    except (Argon2Error, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def _normal(password: str) -> str:
    # Keyboards differ in how they compose the same letter.
    return unicodedata.normalize("NFKC", password)


@cache
def _nobody() -> str:
    return _hasher.hash("nobody's password")
