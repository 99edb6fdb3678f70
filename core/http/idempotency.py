"""Idempotency keys: a POST that is sent again gets the first answer, and nothing happens twice.

A key belongs to its actor and route; the same key with another body is refused. Answers are kept sealed for a day,
since some hold a token.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from flask import Response, current_app, request
from sqlalchemy import LargeBinary, String, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.db import Base, session
from core.errors import BadInput, Conflict, Invalid
from core.http.identity import ANONYMOUS, current_actor
from core.runtime import runtime
from core.text import Text
from core.uow import start_writing

HEADER = "Idempotency-Key"
MAX_KEY = 200
KEEP = timedelta(days=1)
KEPT_HEADERS = ("Content-Type", "Cache-Control", "ETag")


class IdempotentAnswer(Base):
    """The answer that a key got."""

    __tablename__ = "idempotent_answers"

    scope: Mapped[str] = mapped_column(String(64), primary_key=True)
    body_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(index=True)


def _scope() -> str | None:
    key = request.headers.get(HEADER)
    if request.method != "POST" or not key or current_actor() is ANONYMOUS:
        return None
    if len(key) > MAX_KEY or not key.isprintable():
        raise BadInput("bad_idempotency_key", Text("Idempotency-Key 无效。", "The Idempotency-Key is not valid."))
    parts = json.dumps([current_actor().kind, current_actor().id, request.path, key])
    return hashlib.sha256(parts.encode()).hexdigest()


def _body_hash() -> str:
    return hashlib.sha256(request.query_string + b"\0" + request.get_data()).hexdigest()


def replay() -> Response | None:
    """The first answer, when this request was seen before. Raises Invalid when the key now has another body."""
    scope = _scope()
    if scope is None:
        return None
    # Kept before a form is read from it, or there would be nothing left to compare.
    request.get_data()
    found = session().execute(select(IdempotentAnswer).where(IdempotentAnswer.scope == scope)).scalar_one_or_none()
    if found is None:
        return None
    if found.body_hash != _body_hash():
        raise Invalid(
            "idempotency_key_reused",
            Text(
                "该 Idempotency-Key 已用于不同的请求，请换一个。",
                "This Idempotency-Key was used for another request. Take a new one.",
            ),
        )
    body = runtime().envelope.open(found.answer, f"idempotent:{scope}")
    return current_app.response_class(body, status=found.status, headers=found.headers)


def remember(answer: Response) -> None:
    """Keep a success for whoever sends the same again. Raises Conflict when the twin is under way."""
    scope = _scope()
    if scope is None or answer.status_code >= 300:
        return
    start_writing()
    sealed = runtime().envelope.seal(answer.get_data(), f"idempotent:{scope}")
    session().add(
        IdempotentAnswer(
            scope=scope,
            body_hash=_body_hash(),
            status=answer.status_code,
            headers={name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers},
            answer=sealed,
            at=clock.now(),
        )
    )
    try:
        session().flush()
    except IntegrityError as error:
        raise Conflict(
            "request_under_way",
            Text("相同请求正在处理，请稍后重试。", "The same request is under way. Try again in a moment."),
        ) from error


def forget_old() -> None:
    """Drop answers older than a day."""
    session().execute(delete(IdempotentAnswer).where(IdempotentAnswer.at < clock.now() - KEEP))
