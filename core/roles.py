"""What each process says of itself: the web process shows when the worker is away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.db import Base, session, upsert

REPORT_EVERY = timedelta(seconds=5)
STALE_AFTER = timedelta(seconds=20)


class ProcessReport(Base):
    """The newest word of one process role."""

    __tablename__ = "process_reports"

    role: Mapped[str] = mapped_column(String(16), primary_key=True)
    pid: Mapped[int]
    at: Mapped[datetime]
    detail: Mapped[dict[str, Any]]


def report(current: Session, role: str, pid: int, detail: Mapping[str, Any]) -> None:
    """Say that a role is alive, with figures."""
    row = {"role": role, "pid": pid, "at": clock.now(), "detail": dict(detail)}
    upsert(current, ProcessReport.__table__, [row], ["role"])


def alive(current: Session, role: str) -> ProcessReport | None:
    """The role's report when it is fresh, else None."""
    found = current.execute(select(ProcessReport).where(ProcessReport.role == role)).scalar_one_or_none()
    return found if found and clock.now() - found.at < STALE_AFTER else None


def reports() -> list[ProcessReport]:
    """The newest report of every role, by name."""
    return list(session().scalars(select(ProcessReport).order_by(ProcessReport.role)))


def age_seconds(found: ProcessReport) -> float:
    """Seconds since a report."""
    return (clock.now() - found.at).total_seconds()


def away() -> list[str]:
    """The parts of the server that are away: `worker`, or `broker` as the worker sees it. Needs a unit of work."""
    worker = alive(session(), "worker")
    if worker is None:
        return ["worker"]
    connected = worker.detail.get("ingest_connected") and worker.detail.get("relay_connected")
    return [] if connected else ["broker"]
