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
from sqlalchemy import LargeBinary, String, Table, delete, update
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.conflicts import insert_into
from core.db import Base, session
from core.errors import BadInput, Invalid
from core.http.identity import ANONYMOUS, current_actor
from core.runtime import runtime
from core.text import Text

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


def asked() -> bool:
    """Whether this request has a key: its unit of work writes from the start, since the key is claimed in it."""
    return request.method == "POST" and HEADER in request.headers


def replay() -> Response | None:
    """Claim the key of this request, or give the answer that its twin got; one under way is waited for.

    Raises Invalid when the key was used with another body.
    """
    scope = _scope()
    if scope is None:
        return None
    # Kept before a form is read from it, or there would be nothing left to compare.
    request.get_data()
    if _claim(scope):
        return None
    found = session().get_one(IdempotentAnswer, scope)
    if found.body_hash != _body_hash():
        raise Invalid(
            "idempotency_key_reused",
            Text(
                "该 Idempotency-Key 已用于不同的请求，请换一个。",
                "This Idempotency-Key was used for another request. Take a new one.",
            ),
        )
    body = runtime().envelope.open(found.answer, _place(scope))
    return current_app.response_class(body, status=found.status, headers=found.headers)


def remember(answer: Response) -> None:
    """Keep a success for whoever sends the same again; anything else gives the key back."""
    scope = _scope()
    if scope is None:
        return
    if answer.status_code >= 300:
        session().execute(delete(IdempotentAnswer).where(IdempotentAnswer.scope == scope))
        return
    kept = {
        "status": answer.status_code,
        "headers": {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers},
        "answer": runtime().envelope.seal(answer.get_data(), _place(scope)),
    }
    session().execute(update(IdempotentAnswer).where(IdempotentAnswer.scope == scope).values(kept))


def _claim(scope: str) -> bool:
    """Take the key for this unit of work; False when an answer stands there. The database makes twins wait here."""
    table: Table = IdempotentAnswer.__table__
    row = {"scope": scope, "body_hash": _body_hash(), "status": 0, "headers": {}, "answer": b"", "at": clock.now()}
    statement = insert_into(session(), table).values(row).on_conflict_do_nothing().returning(table.c.scope)
    return session().execute(statement).one_or_none() is not None


def _place(scope: str) -> str:
    return f"idempotent:{scope}"


def forget_old() -> None:
    """Drop answers older than a day."""
    session().execute(delete(IdempotentAnswer).where(IdempotentAnswer.at < clock.now() - KEEP))
