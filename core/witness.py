"""The witness: an append-only file beside the database that outlives its restore.

It holds the audit chain's head minute by minute and what must never be undone by an older database (revocations,
erasures). A database that does not know the newest head in the file was restored; the server then starts frozen and
applies the file again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, clock, jobs
from core.actor import Actor, system_actor
from core.audit import AuditEntry, AuditHead
from core.db import session
from core.log import get_logger
from core.runtime import settings
from core.uow import after_commit

HEAD, RESTORED = "audit_head", "restored"
ACTION = "installation.restored"
BLOCK_BYTES = 16 * 1024
Line = dict[str, Any]
Recovery = Callable[[Actor], Mapping[str, Any]]

log = get_logger(__name__)
_recoveries: list[Recovery] = []


def after_restore(recovery: Recovery) -> Recovery:
    """Register what a room does when the database turns out to be restored; it returns figures for the audit log."""
    if recovery not in _recoveries:
        _recoveries.append(recovery)
    return recovery


def path() -> Path:
    """The witness file of this installation."""
    return settings().data_dir / "witness.jsonl"


def note(kind: str, data: Mapping[str, Any]) -> None:
    """Append a line once the current unit of work has committed, and the audit chain's head with it.

    Without the head, a database put back within the minute would not be known for restored, and the line not read.
    """
    file, line = path(), _line(kind, data)
    after_commit(lambda: _append(file, line))
    if kind != HEAD:
        note_head_after_commit()


def lines(kind: str) -> list[dict[str, Any]]:
    """What all lines of one kind say, oldest first."""
    raw_lines = path().read_bytes().splitlines() if path().exists() else []
    return [line["data"] for line in _read(raw_lines) if line["kind"] == kind]


def _newest(*kinds: str) -> Line | None:
    """The last line of one of the kinds, read from the end: the file grows for years, and is asked every minute."""
    return next((line for line in _read(_backwards(path())) if line["kind"] in kinds), None)


def _read(raw_lines: Iterable[bytes]) -> Iterator[Line]:
    """What lines say; one that was torn by a crash is passed over."""
    for raw in raw_lines:
        with suppress(ValueError, KeyError, TypeError):
            line = json.loads(raw)
            yield {"kind": line["kind"], "data": line["data"]}


def _backwards(file: Path) -> Iterator[bytes]:
    """The lines of a file, the last one first, read in blocks; none when there is no file."""
    if not file.exists():
        return
    with file.open("rb") as stream:
        end, rest = stream.seek(0, os.SEEK_END), b""
        while end > 0:
            start = max(0, end - BLOCK_BYTES)
            stream.seek(start)
            rest, *whole = (stream.read(end - start) + rest).split(b"\n")
            yield from reversed(whole)
            end = start
        yield rest


def mark_restored(file: Path, backup: Mapping[str, Any]) -> None:
    """Note that a backup was just brought in, so that the next start recovers even where the file is as old as it."""
    _append(file, _line(RESTORED, backup))


def is_restored(current: Session) -> bool:
    """Whether a backup was brought in, or the database lacks the newest audit entry that the file has seen."""
    newest = _newest(HEAD, RESTORED)
    if newest is None or newest["kind"] == RESTORED:
        return newest is not None
    known = current.scalar(select(AuditEntry.hash).where(AuditEntry.seq == newest["data"]["seq"]))
    return bool(known != newest["data"]["hash"])


def restored_at(current: Session) -> datetime | None:
    """When the database was last found to be restored: now, where nobody has seen to it yet; None: never."""
    return clock.now() if is_restored(current) else audit.newest(current, ACTION)


def recover() -> bool:
    """If the database was restored, let every room bring it up to the file. Run before the worker begins."""
    if not is_restored(session()):
        return False
    actor = system_actor("restore")
    figures: dict[str, Any] = {}
    for recovery in _recoveries:
        figures.update(recovery(actor))
    audit.record(actor, ACTION, ("installation", "database"), figures)
    note_head_after_commit()
    log.critical("database_restored", **figures)
    return True


def note_head_after_commit() -> None:
    """Write the chain's head as it is after the current unit has committed."""
    file = path()
    current = session()

    def write() -> None:
        head = current.execute(select(AuditHead.seq, AuditHead.hash)).one_or_none()
        current.rollback()
        if head:
            _append(file, _line(HEAD, {"seq": head.seq, "hash": head.hash}))

    after_commit(write)


@jobs.register("witness", every=timedelta(minutes=1))
def witness_head() -> str:
    """Write the audit chain's head into the file when it has moved."""
    head = session().execute(select(AuditHead.seq, AuditHead.hash)).one_or_none()
    seen = _newest(HEAD)
    if head is None or (seen and seen["data"]["seq"] == head.seq):
        return "unchanged"
    note(HEAD, {"seq": head.seq, "hash": head.hash})
    return f"head {head.seq}"


def _line(kind: str, data: Mapping[str, Any]) -> str:
    return json.dumps({"at": clock.to_wire(clock.now()), "kind": kind, "data": dict(data)}, ensure_ascii=False) + "\n"


def _append(file: Path, line: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as stream:
        stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())
