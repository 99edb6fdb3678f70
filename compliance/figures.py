"""Figures of compliance for /metrics."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select

from compliance import exceptions
from compliance.models import ComplianceState as Row
from core import clock
from core.db import session
from core.metrics import Gauge, collects


@collects
def compliance_figures() -> Iterable[Gauge]:
    """Phones by state and by step of the ladder, locks that wait, exceptions that run, phones that wait for the job."""
    for column, name, text in (
        (Row.state, "state", "Phones by compliance state."),
        (Row.step, "step", "Phones by the ladder's step."),
    ):
        rows = session().execute(select(column, func.count()).group_by(column).order_by(column))
        yield Gauge(f"compliance_{name}s", text, [({name: value}, float(count)) for value, count in rows])
    held = session().scalar(select(func.count()).select_from(Row).where(Row.step_held.is_not(None))) or 0
    yield Gauge("compliance_locks_held", "Locks of the ladder that wait.", [({}, float(held))])
    yield Gauge("compliance_exceptions", "Exceptions that run.", [({}, float(exceptions.running_count()))])
    overdue = session().scalar(select(func.count()).select_from(Row).where(Row.due_at <= clock.now())) or 0
    yield Gauge("compliance_due", "Phones that wait to be judged again.", [({}, float(overdue))])
