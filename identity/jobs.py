"""What the clock does in this room."""

from __future__ import annotations

import re
from datetime import timedelta

from core import audit, jobs
from core.db import session
from core.log import get_logger
from identity import approvals, sessions, throttle
from identity.audit_trail import CHAIN_JOB

CHAIN_PART = 10_000

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


@jobs.register(CHAIN_JOB, every=timedelta(minutes=15))
def verify_audit_chain() -> str:
    """Walk on along the audit chain, from its beginning again after its end: a part each time, since writers wait."""
    run = jobs.last_run(CHAIN_JOB)
    place = re.fullmatch(r"part (\d+)", run.detail) if run and run.outcome == "done" else None
    after = int(place.group(1)) if place else 0
    reached, broken = audit.verify_part(session(), after, CHAIN_PART)
    if broken is not None:
        log.error("audit_chain_broken", seq=broken)
        return f"broken {broken}"
    return f"{'part' if reached == after + CHAIN_PART else 'whole'} {reached}"
