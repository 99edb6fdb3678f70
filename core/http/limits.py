"""How often one address may try to sign in and fail; wrong passwords for one name are counted apart, by identity.

Failures are counted in the database, so that all web processes count together. Successes cost nothing: a whole office
behind one address would lock itself out in the morning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Response, after_this_request, request
from sqlalchemy import Index, String, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.db import Base, SerialKey, session
from core.errors import TooMany
from core.runtime import settings
from core.text import Text
from core.uow import unit_of_work

SPAN = timedelta(minutes=1)
REFUSED = (401, 404)
P = ParamSpec("P")
R = TypeVar("R")


class FailedSignIn(Base):
    """One failed attempt of one address, kept for a minute."""

    __tablename__ = "failed_sign_ins"
    __table_args__ = (Index("ix_failed_sign_ins_address", "address", "at"),)

    id: Mapped[SerialKey]
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


def caller_address() -> str:
    """Where the request comes from; behind the declared proxy what that one adds, the last address in the list.

    What stands before it is the caller's own word, and the proxy's own address would be one counter for everybody.
    """
    forwarded = request.headers.get("X-Forwarded-For", "") if settings().http_proxy else ""
    return forwarded.rpartition(",")[2].strip() or request.remote_addr or "unknown"


def sign_in_limit(view: Callable[P, R]) -> Callable[P, R]:
    """Have a view refuse an address with TooMany once it has failed as often within a minute as the settings allow."""

    @wraps(view)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        # Hashed: it is compared and nothing else.
        address = hashlib.sha256(caller_address().encode()).hexdigest()
        _check(address)

        @after_this_request
        def count(answer: Response) -> Response:
            if answer.status_code in REFUSED:
                # The attempt's own transaction is gone.
                with unit_of_work() as current:
                    current.add(FailedSignIn(address=address, at=clock.now()))
            return answer

        return view(*args, **kwargs)

    return limited


def forget_old() -> None:
    """Drop failures that no longer count."""
    session().execute(delete(FailedSignIn).where(FailedSignIn.at < clock.now() - SPAN))


def _check(address: str) -> None:
    now = clock.now()
    query = select(func.count(), func.min(FailedSignIn.at))
    failed, first = session().execute(query.where(FailedSignIn.address == address, FailedSignIn.at > now - SPAN)).one()
    if failed < settings().sign_in_failures:
        return
    seconds = max(1, round((first + SPAN - now).total_seconds()))
    raise TooMany(
        "too_many",
        Text("失败次数过多，请稍等一分钟再试。", "Too many failed attempts. Wait a minute and try again."),
        headers={"Retry-After": str(seconds)},
    )
