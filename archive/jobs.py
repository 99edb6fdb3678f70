"""What the clock does in this room."""

from __future__ import annotations

from archive import shadow, verify, waiting
from core import jobs

VERIFIED_A_NIGHT = 500_000


@jobs.register("archive-verify", cron="40 3 * * *")
def verify_some() -> str:
    """Verify the stored chains that were not looked at for longest."""
    reports = verify.longest_unverified(VERIFIED_A_NIGHT)
    broken = sum(not report.intact for report in reports)
    return f"{len(reports)} chains, {sum(report.records for report in reports)} records, {broken} broken"


@jobs.register("archive-forget-waiting", cron="30 3 * * *")
def forget_waiting() -> str:
    """Drop batches whose gap has not closed for long."""
    return f"{waiting.forget_old()} dropped"


@jobs.register("archive-forget-shadow", cron="50 3 * * *")
def forget_shadow() -> str:
    """Drop counts of shadow rules that nobody looks at any more."""
    return f"{shadow.forget_old()} dropped"
