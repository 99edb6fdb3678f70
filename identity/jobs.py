"""What the clock does in this room."""

from __future__ import annotations

from datetime import timedelta

from core import jobs
from identity import approvals, sessions, throttle


@jobs.register("identity-lapse-approvals", every=timedelta(minutes=1))
def lapse_approvals() -> str:
    """End approvals whose time is over."""
    return f"{approvals.lapse_overdue()} lapsed"


@jobs.register("identity-forget-sessions", cron="20 3 * * *")
def forget_sessions() -> str:
    """Drop sessions and sign-in counters that no longer count."""
    throttle.forget_old()
    return f"{sessions.forget_ended()} sessions dropped"
