"""Tables of imports; private to this room. What a file says lies sealed, and only as long as it is needed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, IdColumn, IdKey


class Import(Base):
    """One file that somebody gave, what it would do (`planned`) and what it did (`done`)."""

    __tablename__ = "imports"
    __table_args__ = (Index("ix_imports_created", "created_at", "id"), Index("ix_imports_state", "state", "created_at"))

    id: Mapped[IdKey]
    kind: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(10))
    file_name: Mapped[str] = mapped_column(String(200))
    form: Mapped[str] = mapped_column(String(10))
    encoding: Mapped[str | None] = mapped_column(String(20))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    unit_id: Mapped[IdColumn]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(64))
    created_by_name: Mapped[str] = mapped_column(String(200))
    layout: Mapped[dict[str, Any]]
    rows: Mapped[int]
    applied: Mapped[int]
    planned: Mapped[dict[str, Any]]
    done: Mapped[dict[str, Any]]
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None] = mapped_column(String(64))
    confirmed_by_name: Mapped[str | None] = mapped_column(String(200))
    finished_at: Mapped[datetime | None]
    failure: Mapped[dict[str, Any] | None]
    attempts: Mapped[int]


class ImportFile(Base):
    """The bytes of a file until they have been read; sealed."""

    __tablename__ = "import_files"

    import_id: Mapped[str] = mapped_column(String(36), ForeignKey("imports.id"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class ImportBatch(Base):
    """Some lines of a file with what is thought of them; sealed. Once applied, only the lines with errors are left."""

    __tablename__ = "import_batches"

    import_id: Mapped[str] = mapped_column(String(36), ForeignKey("imports.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rows: Mapped[int]
    outcomes: Mapped[dict[str, Any]]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    applied_at: Mapped[datetime | None]
