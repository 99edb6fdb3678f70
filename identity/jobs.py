"""What the clock does in this room."""

from __future__ import annotations

from datetime import timedelta

from core import audit, jobs
from core.db import session
from core.log import get_logger
from identity import approvals, sessions, throttle
from identity.audit_trail import CHAIN_JOB

log = get_logger(__name__)


@jobs.register("identity-lapse-approvals", every=timedelta(minutes=1))
def lapse_approvals() -> str:
    """End approvals whose time is over."""
    return f"{approvals.lapse_overdue()} lapsed"


@jobs.register("identity-forget-sessions", cron="20 3 * * *")
def forget_sessions() -> str:
    """Drop sessions and sign-in counters that no longer count."""
    throttle.forget_old()
    return f"{sessions.forget_ended()} sessions dropped"


@jobs.register(CHAIN_JOB, cron="40 * * * *")
def verify_audit_chain() -> str:
    """Walk the audit chain every hour, so that the console can say when it was last seen whole."""
    broken = audit.verify_chain(session())
    if broken is not None:
        log.error("audit_chain_broken", seq=broken)
    return "intact" if broken is None else f"broken at {broken}"
