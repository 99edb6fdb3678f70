"""Jobs: work that the clock starts. A room registers them; the scheduler or the command line runs them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import again, clock, leases
from core.db import Base, session, upsert
from core.errors import NotFound
from core.ids import new_id
from core.log import get_logger
from core.text import Text
from core.uow import unit_of_work

Work = Callable[[], str | None]
LEASE = timedelta(minutes=10)

log = get_logger(__name__)


class JobRun(Base):
    """How the newest run of a job went."""

    __tablename__ = "job_runs"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(10))
    detail: Mapped[str] = mapped_column(String(500))


@dataclass(frozen=True, slots=True)
class Job:
    """A named piece of work and when it is due: `every` so long, or by `cron` (weekdays by name).

    `wanted` is asked first, cheaply, whether there is anything to do. With `own_units` the work opens its units of work
    itself, one for each of its steps, so that long work holds no lock for long and goes on where it was ended. `lease`
    is how long a run keeps others away, and so how long one that was killed is waited for.
    """

    name: str
    work: Work
    every: timedelta | None = None
    cron: str | None = None
    wanted: Callable[[], bool] | None = None
    own_units: bool = False
    lease: timedelta = LEASE


_jobs: dict[str, Job] = {}


def register(
    name: str,
    *,
    every: timedelta | None = None,
    cron: str | None = None,
    wanted: Callable[[], bool] | None = None,
    own_units: bool = False,
    lease: timedelta = LEASE,
) -> Callable[[Work], Work]:
    """Register a function as a job; what it returns is kept as the run's detail."""

    def add(work: Work) -> Work:
        _jobs[name] = Job(name, work, every, cron, wanted, own_units, lease)
        return work

    return add


def all_jobs() -> list[Job]:
    """Every registered job by name."""
    return sorted(_jobs.values(), key=lambda job: job.name)


def last_runs(current: Session) -> dict[str, JobRun]:
    """The newest run of each job that ever ran."""
    return {run.name: run for run in current.scalars(select(JobRun))}


def last_run(name: str) -> JobRun | None:
    """The newest run of one job; None before the first. Needs a unit of work."""
    return session().get(JobRun, name)


def run(name: str) -> str:
    """Run one job in its own unit of work, unless it runs elsewhere; needs an app context.

    Returns `done`, `failed`, `busy` or, where nothing is to be done, `idle`. Raises NotFound for an unknown name.
    """
    job = _jobs.get(name)
    if job is None:
        raise NotFound("no_such_job", Text(f"没有名为“{name}”的任务。", f"There is no job named “{name}”."))
    if job.wanted is not None and not job.wanted():
        return "idle"
    owner = new_id()
    with unit_of_work() as current:
        if not leases.acquire(current, f"job:{name}", owner, job.lease):
            return "busy"
    return _run_held(job, owner)


def _run_held(job: Job, owner: str) -> str:
    started = clock.now()
    outcome, detail = "done", ""
    try:
        detail = again.run(lambda: _work(job), f"job:{job.name}")
    except Exception as error:
        outcome, detail = "failed", type(error).__name__
        log.exception("job_failed", job=job.name)
    again.run(lambda: _note(job, owner, started, outcome, detail), "job:note")
    return outcome


def _work(job: Job) -> str:
    with nullcontext() if job.own_units else unit_of_work():
        return job.work() or ""


def _note(job: Job, owner: str, started: datetime, outcome: str, detail: str) -> None:
    row = {
        "name": job.name,
        "started_at": started,
        "finished_at": clock.now(),
        "outcome": outcome,
        "detail": detail[:500],
    }
    with unit_of_work() as current:
        upsert(current, JobRun.__table__, [row], ["name"])
        leases.release(current, f"job:{job.name}", owner)
