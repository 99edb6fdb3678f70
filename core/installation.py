"""Facts of the running installation for its health page: database, disk, what waits, what the jobs did last."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from core import audit, jobs, outbox
from core.db import session
from core.jobs import JobRun
from core.runtime import settings

BACKED_UP = "installation.backed_up"
SIZE = {
    "postgresql": "SELECT pg_database_size(current_database())",
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
}


@dataclass(frozen=True, slots=True)
class Installation:
    """Kind and size of the database and what is left on the disk of the data folder (bytes); effects that wait, and
    since when the oldest one is due; the newest run of each job; when the newest backup was made."""

    database: str
    database_bytes: int
    free_bytes: int
    waiting: int
    due_since: datetime | None
    runs: dict[str, JobRun]
    backup_at: datetime | None


def facts() -> Installation:
    """The facts as they are now. Needs a unit of work."""
    current = session()
    kind = current.get_bind().dialect.name
    return Installation(
        database=kind,
        database_bytes=int(current.scalar(text(SIZE[kind])) or 0),
        free_bytes=shutil.disk_usage(settings().data_dir).free,
        waiting=outbox.depth(current),
        due_since=outbox.oldest(current),
        runs=jobs.last_runs(current),
        backup_at=audit.newest(current, BACKED_UP),
    )
