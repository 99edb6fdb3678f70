"""What the clock does in this room."""

from __future__ import annotations

from datetime import timedelta

from core import jobs
from policies import housekeeping, rollouts


@jobs.register("policies.rollouts", every=timedelta(seconds=30))
def finish_rollouts() -> str:
    """Finish rollouts all of whose phones have applied."""
    return f"{rollouts.finish_complete()} finished"


@jobs.register("policies.blobs", every=timedelta(days=1))
def clear_blobs() -> str:
    """Take blobs off the broker that no phone needs any more."""
    return f"{housekeeping.clear_unused_blobs()} cleared"
