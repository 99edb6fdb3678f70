"""Facts of the machine and the database that an installation runs on, for its health page."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from sqlalchemy import text

from core.db import session
from core.runtime import settings

SIZE = {
    "postgresql": "SELECT pg_database_size(current_database())",
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
}


@dataclass(frozen=True, slots=True)
class Installation:
    """Kind and size of the database (bytes), and what is left on the disk of the data folder (bytes)."""

    database: str
    database_bytes: int
    free_bytes: int


def facts() -> Installation:
    """The facts as they are now. Needs a unit of work."""
    kind = session().get_bind().dialect.name
    size = int(session().scalar(text(SIZE[kind])) or 0)
    return Installation(kind, size, shutil.disk_usage(settings().data_dir).free)
