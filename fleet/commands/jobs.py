"""What the clock does in this room."""

from __future__ import annotations

from datetime import timedelta

from core import jobs
from fleet.commands import deadlines


@jobs.register("commands-deadlines", every=timedelta(seconds=30))
def watch_deadlines() -> str:
    """Expire commands and mark wipes whose last word is overdue."""
    return f"{deadlines.expire()} expired, {deadlines.mark_overdue()} unconfirmed"


@jobs.register("commands-held", every=timedelta(minutes=1))
def retry_held() -> str:
    """Offer again what was held by a cap, by unsent records or by a guard."""
    return f"{deadlines.retry_held()} tried again"
