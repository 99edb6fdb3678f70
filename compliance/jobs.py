"""What the clock does in this room."""

from __future__ import annotations

from datetime import timedelta

from compliance import evaluate, exceptions, history, states
from core import jobs
from fleet import findings

AT_A_TIME = 2000
"""So many phones take well under a second: ingest waits for the database no longer."""
KEEP_FINDINGS = timedelta(days=400)


@jobs.register("compliance-due", every=timedelta(seconds=10))
def judge_due() -> str:
    """Judge the phones of which time, or a change of many, may have made something else; the ladder goes on."""
    return f"{evaluate.run(states.due(AT_A_TIME), climb=True)} judged"


@jobs.register("compliance-exceptions", every=timedelta(minutes=1))
def expire_exceptions() -> str:
    """End the exceptions whose time is over."""
    return f"{exceptions.expire()} expired"


@jobs.register("compliance-history", cron="5 * * * *")
def sample_history() -> str:
    """Count phones by state and finding, for the graph."""
    return f"{history.sample()} figures"


@jobs.register("compliance-forget", cron="50 3 * * *")
def forget() -> str:
    """Drop old samples, and findings that ended long ago."""
    return f"{history.forget_old()} samples, {findings.forget_closed(KEEP_FINDINGS)} findings"
