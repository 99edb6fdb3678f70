"""What phones still wait for, and retained blobs that none of them needs any more."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select, update

from core import clock, outbox
from core.db import session
from fleet import queries as fleet
from policies import desired
from policies.models import Blob, BundlePart, DesiredHistory, DesiredState, ReportedState

KEEP_RETAINED = timedelta(days=7)


def blobs_in_use() -> list[str]:
    """Digests of the blobs that desired states name, parts before bundles."""
    living = select(fleet.living_ids().subquery().c.id)
    bundles = list(session().scalars(select(DesiredState.bundle).where(DesiredState.device_id.in_(living)).distinct()))
    parts = select(BundlePart.blob_digest).where(BundlePart.bundle_digest.in_(bundles)).distinct()
    return [*session().scalars(parts), *bundles]


def devices_behind() -> list[str]:
    """Phones that have not reported their desired state as applied."""
    behind = or_(
        ReportedState.applied_generation.is_(None),
        ReportedState.applied_generation != DesiredState.generation,
    )
    query = select(DesiredState.device_id).outerjoin(ReportedState, ReportedState.device_id == DesiredState.device_id)
    living = select(fleet.living_ids().subquery().c.id)
    query = query.where(behind, DesiredState.device_id.in_(living))
    return list(session().scalars(query.order_by(DesiredState.device_id)))


def clear_unused_blobs() -> int:
    """Take blobs off the broker that no phone was told of for a week; their bytes stay stored. Returns how many."""
    recent = select(DesiredHistory.bundle).where(DesiredHistory.at > clock.now() - KEEP_RETAINED)
    bundles = {*session().scalars(select(DesiredState.bundle).union(recent))}
    parts = session().scalars(select(BundlePart.blob_digest).where(BundlePart.bundle_digest.in_(bundles)))
    needed = {*bundles, *parts}
    unused = [digest for digest in session().scalars(select(Blob.digest).where(Blob.retained)) if digest not in needed]
    quiet = {"synchronize_session": False}
    session().execute(update(Blob).where(Blob.digest.in_(unused)).values(retained=False), execution_options=quiet)
    outbox.enqueue(desired.BLOB_EFFECT, unused)
    return len(unused)
