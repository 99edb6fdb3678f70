"""Back-off after wrong passwords, for each user name, whether anybody bears it or not."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import delete, select

from core import clock
from core.db import session, upsert
from core.errors import TooMany
from core.text import Text
from identity.models import SignInThrottle

FREE_FAILURES = 5
FIRST_LOCK_S = 15
LONGEST_LOCK_S = 900
FORGET_AFTER = timedelta(hours=24)


def check(username: str) -> None:
    """Raise TooMany while the name is locked; the password is not even looked at then."""
    now = clock.now()
    until = session().scalar(select(SignInThrottle.locked_until).where(SignInThrottle.key == _key(username)))
    if until and until > now:
        seconds = int((until - now).total_seconds()) + 1
        raise TooMany(
            "sign_in_locked",
            Text(f"尝试次数过多，请在 {seconds} 秒后再试。", f"Too many attempts. Try again in {seconds} seconds."),
            retry_after=seconds,
            headers={"Retry-After": str(seconds)},
        )


def count_failure(username: str) -> None:
    """Count a failed attempt: from the sixth on, each locks the name for twice as long, up to 15 minutes."""
    key, now = _key(username), clock.now()
    current = session()
    row = current.scalars(select(SignInThrottle).where(SignInThrottle.key == key).with_for_update()).one_or_none()
    failures = row.failures + 1 if row and row.last_at > now - FORGET_AFTER else 1
    over = failures - FREE_FAILURES
    locked = now + timedelta(seconds=min(LONGEST_LOCK_S, FIRST_LOCK_S * 2 ** min(over - 1, 10))) if over > 0 else None
    values = {"key": key, "failures": failures, "last_at": now, "locked_until": locked}
    upsert(current, SignInThrottle.__table__, [values], ["key"])


def clear(username: str) -> None:
    """Forget failures after a success."""
    session().execute(delete(SignInThrottle).where(SignInThrottle.key == _key(username)))


def forget_old() -> None:
    """Drop counters that no longer count."""
    session().execute(delete(SignInThrottle).where(SignInThrottle.last_at < clock.now() - FORGET_AFTER))


def _key(username: str) -> str:
    # Hashed: people type passwords into the wrong field.
    return hashlib.sha256(username.encode()).hexdigest()
