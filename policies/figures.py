"""Figures of this room for /metrics."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select

from core import clock, metrics
from core.db import session
from core.metrics import Gauge
from policies.models import Rollout, RolloutDevice
from policies.rollouts import OPEN, RUNNING


@metrics.collects
def rollout_gauges() -> Iterable[Gauge]:
    """Rollouts by state, phones of open ones by state, and how long ago the slowest was looked at."""
    states = session().execute(select(Rollout.state, func.count()).group_by(Rollout.state).order_by(Rollout.state))
    yield Gauge("rollouts", "Rollouts by state.", [({"state": name}, float(count)) for name, count in states])
    query = (
        select(RolloutDevice.state, func.count())
        .join(Rollout, Rollout.id == RolloutDevice.rollout_id)
        .where(Rollout.state.in_(OPEN))
        .group_by(RolloutDevice.state)
        .order_by(RolloutDevice.state)
    )
    found = [({"state": name}, float(count)) for name, count in session().execute(query)]
    yield Gauge("rollout_devices", "Phones of open rollouts by state.", found)
    oldest = session().scalar(select(func.min(Rollout.evaluated_at)).where(Rollout.staged, Rollout.state == RUNNING))
    age = max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0
    yield Gauge("rollout_evaluated_seconds", "Seconds since a running rollout was last taken on.", [({}, age)])
