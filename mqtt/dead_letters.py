"""Quarantine: what could not be stored is kept sealed, with its reason, in bounded numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import LargeBinary, Select, String, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from core import audit, clock, jobs
from core.actor import Actor
from core.db import Base, IdKey, insert_rows, session
from core.errors import Conflict, NotFound
from core.ids import is_uuid, new_id
from core.paging import Page, keyset
from core.permissions import Permission
from core.runtime import runtime
from core.text import Text
from mqtt import refusal_words
from mqtt.routes import Inbound, Refusal, Router
from mqtt.views import LetterView

KEPT_PER_DEVICE_AND_DAY = 100
KEPT_BYTES = 8 * 1024
KEEP = timedelta(days=30)


class DeadLetter(Base):
    """One refused message."""

    __tablename__ = "dead_letters"

    id: Mapped[IdKey]
    device_id: Mapped[str] = mapped_column(String(36), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(64))
    detail: Mapped[str] = mapped_column(String(300))
    size: Mapped[int]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    truncated: Mapped[bool]
    received_at: Mapped[datetime] = mapped_column(index=True)
    replayed_at: Mapped[datetime | None]


class DeadLetterCount(Base):
    """How many messages of a device were refused on a day, kept or not."""

    __tablename__ = "dead_letter_counts"

    device_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    refused: Mapped[int]


def keep(refusals: Sequence[Refusal]) -> None:
    """Keep refused messages sealed, at most a hundred a device and day; all are counted."""
    if not refusals:
        return
    day = clock.now().date().isoformat()
    counts = _count(Counter(refusal.message.device_id for refusal in refusals), day)
    rows = []
    for refusal in refusals:
        device_id = refusal.message.device_id
        if counts[device_id] < KEPT_PER_DEVICE_AND_DAY:
            rows.append(_row(refusal))
        counts[device_id] += 1
    insert_rows(session(), DeadLetter.__table__, rows)


def _count(refused: Counter[str], day: str) -> dict[str, int]:
    """Add to the day's counts; what they were before, by device."""
    current = session()
    before: dict[str, int] = {}
    for device_id in sorted(refused):
        row = current.get(DeadLetterCount, (device_id, day))
        if row is None:
            row = DeadLetterCount(device_id=device_id, day=day, refused=0)
            current.add(row)
        before[device_id] = row.refused
        row.refused += refused[device_id]
    return before


def _row(refusal: Refusal) -> dict[str, object]:
    message, letter_id = refusal.message, new_id()
    sealed = runtime().envelope.seal(message.payload[:KEPT_BYTES], f"dead_letter:{letter_id}")
    return {
        "id": letter_id,
        "device_id": message.device_id if is_uuid(message.device_id) else "",
        "kind": message.kind[:16],
        "reason": refusal.reason[:64],
        "detail": refusal.detail[:300],
        "size": len(message.payload),
        "sealed": sealed,
        "truncated": len(message.payload) > KEPT_BYTES,
        "received_at": message.received_at,
        "replayed_at": None,
    }


def list_letters(
    actor: Actor, cursor: str | None, limit: int, *, device_id: str | None = None, reason: str | None = None
) -> Page[LetterView]:
    """Refused messages of the whole fleet, newest first, without their bytes; of one phone or one reason if named."""
    actor.require(Permission.QUARANTINE_READ)
    actor.require_everything()
    query = _narrowed(select(DeadLetter), device_id, reason)
    columns = [DeadLetter.received_at, DeadLetter.id]
    return keyset(session(), query, columns, cursor, limit, descending=True).map(_view)


def count_letters(actor: Actor, *, device_id: str | None = None, reason: str | None = None) -> int:
    """How many kept messages the same filters find."""
    actor.require(Permission.QUARANTINE_READ)
    actor.require_everything()
    return session().scalar(_narrowed(select(func.count(DeadLetter.id)), device_id, reason)) or 0


def refused_on(actor: Actor, day: str) -> int:
    """How many messages were refused on a day (UTC, `2026-11-23`), whether they were kept or not."""
    actor.require(Permission.QUARANTINE_READ)
    actor.require_everything()
    return session().scalar(select(func.sum(DeadLetterCount.refused)).where(DeadLetterCount.day == day)) or 0


def get_letter(actor: Actor, letter_id: str) -> LetterView:
    """One kept message, without its bytes. Raises NotFound."""
    actor.require(Permission.QUARANTINE_READ)
    actor.require_everything()
    return _view(_letter(letter_id))


def show_bytes(actor: Actor, letter_id: str) -> bytes:
    """What was kept of a message; it may hold content of people, so each look is audited. Raises NotFound."""
    actor.require(Permission.QUARANTINE_READ)
    actor.require_everything()
    letter = _letter(letter_id)
    audit.record(
        actor, "quarantine.shown", ("dead_letter", letter.id), {"device": letter.device_id, "kind": letter.kind}
    )
    return _opened(letter)


def _narrowed(query: Select[Any], device_id: str | None, reason: str | None) -> Select[Any]:
    if device_id:
        query = query.where(DeadLetter.device_id == device_id)
    return query.where(DeadLetter.reason == reason) if reason else query


def _letter(letter_id: str, *, locked: bool = False) -> DeadLetter:
    letter = session().get(DeadLetter, letter_id, with_for_update=locked)
    if letter is None:
        raise NotFound("no_such_letter", Text("隔离区中没有该消息。", "There is no such message in quarantine."))
    return letter


def _view(letter: DeadLetter) -> LetterView:
    return LetterView.model_validate(letter, from_attributes=True)


def _opened(letter: DeadLetter) -> bytes:
    return runtime().envelope.open(letter.sealed, f"dead_letter:{letter.id}")


def replay(actor: Actor, letter_id: str, router: Router) -> LetterView:
    """Hand a kept message to its handler again.

    Raises NotFound, or Conflict when only a part of it was kept or it is refused again.
    """
    actor.require(Permission.QUARANTINE_REPLAY)
    actor.require_everything()
    letter = _letter(letter_id, locked=True)
    if letter.truncated:
        raise Conflict(
            "letter_truncated",
            Text(
                "该消息过大，仅保留了开头部分，无法重放。",
                "The message was too large and only its start was kept.",
            ),
        )
    refusals = router.handle([Inbound(letter.device_id, letter.kind, _opened(letter), letter.received_at)])
    if refusals:
        why = refusal_words.reason(refusals[0].reason)
        raise Conflict(
            "refused_again",
            Text(f"重放后仍被拒绝：{why.zh}。", f"It was refused again: {why.en}."),
            reason=refusals[0].reason,
            audit=True,
        )
    letter.replayed_at = clock.now()
    audit.record(
        actor,
        "quarantine.replayed",
        ("dead_letter", letter.id),
        {"device": letter.device_id, "kind": letter.kind},
    )
    return _view(letter)


def total() -> int:
    """How many refused messages are kept."""
    return session().scalar(select(func.count()).select_from(DeadLetter)) or 0


@jobs.register("quarantine-purge", cron="20 3 * * *")
def purge() -> str:
    """Drop what is older than thirty days."""
    gone = session().execute(delete(DeadLetter).where(DeadLetter.received_at < clock.now() - KEEP))
    limit = (clock.now() - KEEP).date().isoformat()
    session().execute(delete(DeadLetterCount).where(DeadLetterCount.day < limit))
    return f"{gone.rowcount} dropped"  # type: ignore[attr-defined]
