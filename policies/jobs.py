"""What the clock does in this room."""

from __future__ import annotations

from datetime import timedelta

from core import jobs
from core.uow import unit_of_work
from policies import app_register, calendar_years, housekeeping, rollout_steps, rollouts

ROLLOUTS = "policies.rollouts"
LEASE = timedelta(seconds=20)
"""How long a run that was killed is waited for. A longer one may get company: steps bear that."""


@jobs.register(ROLLOUTS, every=timedelta(seconds=5), wanted=rollout_steps.wanted, own_units=True, lease=LEASE)
def take_rollouts_on() -> str:
    """Take rollouts that go ring by ring as far as they go now, and finish those that reached everybody."""
    steps = rollout_steps.run()
    with unit_of_work():
        finished = rollouts.finish_complete()
    return f"{steps} steps, {finished} finished"


@jobs.register("policies.blobs", every=timedelta(days=1))
def clear_blobs() -> str:
    """Take blobs off the broker that no phone needs any more."""
    return f"{housekeeping.clear_unused_blobs()} cleared"


@jobs.register("policies.calendars", cron="0 1 1,10,20 * *")
def remind_of_calendars() -> str:
    """Remind those who publish policies of calendars that lack this year or, from November, the next."""
    return f"{calendar_years.remind()} lacking"


@jobs.register("policies.apps", cron="10 1 * * mon")
def remind_of_apps() -> str:
    """Remind those who publish policies of permitted apps whose review is due."""
    return f"{app_register.remind()} due"
