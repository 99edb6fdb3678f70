"""The scheduler: starts registered jobs when they are due, in the worker process."""

from __future__ import annotations

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from flask import Flask

from core import jobs

JITTER_SECONDS = 5


def start(app: Flask, timezone: str) -> BackgroundScheduler:
    """Start the scheduler's thread; the caller shuts it down."""
    scheduler = BackgroundScheduler(timezone=timezone)
    for job in jobs.all_jobs():
        scheduler.add_job(
            _run,
            _trigger(job, timezone),
            args=(app, job.name),
            id=job.name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=3600,
        )
    scheduler.start()
    return scheduler


def _trigger(job: jobs.Job, timezone: str) -> BaseTrigger:
    if job.cron:
        return CronTrigger.from_crontab(job.cron, timezone)
    seconds = job.every.total_seconds() if job.every else 3600.0
    return IntervalTrigger(seconds=max(1, int(seconds)), jitter=min(JITTER_SECONDS, int(seconds) // 4) or None)


def _run(app: Flask, name: str) -> None:
    with app.app_context():
        jobs.run(name)
