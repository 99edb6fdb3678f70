"""The kernel's own jobs: what has served its time is dropped."""

from __future__ import annotations

from datetime import timedelta

from core import jobs, live
from core.db import session
from core.http import idempotency, limits


@jobs.register("housekeeping", every=timedelta(minutes=5))
def housekeeping() -> None:
    """Drop old live events, remembered answers and failed attempts."""
    live.forget_old(session())
    idempotency.forget_old()
    limits.forget_old()
