"""What the clock does in this room."""

from __future__ import annotations

from datetime import timedelta

from core import jobs, outbox
from core.runtime import settings
from core.uow import unit_of_work
from fleet import attestation, certificates, device_auth, findings, heartbeats, presence, timeline
from fleet.device import FLOOD

KEEP_HISTORY = timedelta(days=90)
FLOOD_SETTLES = timedelta(hours=1)


@jobs.register("fleet-overdue", every=timedelta(seconds=20))
def mark_overdue() -> str:
    """Mark phones offline whose heartbeats stayed away three times."""
    return f"{presence.mark_overdue()} overdue"


@jobs.register("fleet-revocation-list", cron="10 4 * * *")
def renew_revocation_list() -> str:
    """Have the revocation list signed again, so that it never ends."""
    outbox.enqueue(certificates.CRL_EFFECT, [certificates.CRL_KEY])
    return f"{len(certificates.revoked())} revoked"


@jobs.register("fleet-forget-timeline", every=timedelta(minutes=15))
def forget_timeline() -> str:
    """Drop lines of timelines that are older than the setting says."""
    return f"{timeline.forget_old(timedelta(days=settings().timeline_days))} dropped"


@jobs.register("fleet-attestation", every=timedelta(minutes=5), wanted=attestation.outdated, own_units=True)
def judge_attestations() -> str:
    """Judge attestations again where roots, the list of revoked serials or settings have changed."""
    judged = changed = 0
    while True:
        with unit_of_work():
            looked_at, different = attestation.judge_again()
        judged, changed = judged + looked_at, changed + different
        if looked_at < attestation.BATCH:
            return f"{judged} judged, {changed} different"


@jobs.register("fleet-forget", every=timedelta(minutes=15))
def forget() -> str:
    """Drop spent token ids and old history; close findings about floods that are over."""
    device_auth.forget_jtis()
    heartbeats.forget_old(KEEP_HISTORY)
    findings.close_old(FLOOD, FLOOD_SETTLES)
    return "done"
