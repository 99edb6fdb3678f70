"""What a rollout has reached: figures of its rings, and the conditions behind them, so that lists and figures agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, case, func, literal, select

from core import clock
from core.db import UtcDateTime, session
from fleet import queries as fleet
from policies.models import RolloutDevice, RolloutRing
from policies.rollouts import APPLIED, FAILED, REJECTED, SENT, TARGETED, UNANSWERED, UNCHANGED, WITHDRAWN

SILENT, PENDING_ANSWER, GONE = "silent", "waiting", "gone"
CLASSES = (TARGETED, SENT, APPLIED, REJECTED, FAILED, SILENT, PENDING_ANSWER, GONE, WITHDRAWN, UNCHANGED)
"""targeted: given a new desired state; sent: it reached a session; then what became of them. silent and waiting have
not answered, for longer or less long than the ring allows; gone left the fleet first; withdrawn got something else
first; unchanged are in the ring, and the rollout makes no difference to them."""
QUANTILES = (50, 90, 99)
Figures = dict[str, int]


def conditions(rings: Sequence[RolloutRing], living: Subquery) -> Mapping[str, ColumnElement[bool]]:
    """For each class the condition on `RolloutDevice`, outer-joined with the phones that are in the fleet."""
    row, now = RolloutDevice, clock.now()
    limits: dict[int, ColumnElement[Any]] = {
        ring.position: literal(now - timedelta(seconds=ring.gates.get("silent_after", 3600)), UtcDateTime())
        for ring in rings
    }
    late = row.targeted_at <= case(limits, value=row.ring)
    open_, there = row.state.in_(UNANSWERED), living.c.id.is_not(None)
    return {
        TARGETED: row.state != UNCHANGED,
        SENT: row.state.not_in((UNCHANGED, TARGETED, WITHDRAWN)),
        SILENT: and_(open_, there, late),
        PENDING_ANSWER: and_(open_, there, ~late),
        GONE: and_(open_, ~there),
        **{state: row.state == state for state in (APPLIED, REJECTED, FAILED, WITHDRAWN, UNCHANGED)},
    }


def figures(rollout_id: str, rings: Sequence[RolloutRing]) -> dict[int, Figures]:
    """How many phones of each ring are in each class, in one statement."""
    if not rings:
        return {}
    living = fleet.living_ids().subquery()
    counted = [
        func.coalesce(func.sum(case((condition, 1), else_=0)), 0).label(name)
        for name, condition in conditions(rings, living).items()
    ]
    query = (
        select(RolloutDevice.ring, *counted)
        .outerjoin(living, living.c.id == RolloutDevice.device_id)
        .where(RolloutDevice.rollout_id == rollout_id)
        .group_by(RolloutDevice.ring)
    )
    found = {
        row["ring"]: {name: int(row[name]) for name in CLASSES} for row in session().execute(query).mappings().all()
    }
    return {ring.position: found.get(ring.position, dict.fromkeys(CLASSES, 0)) for ring in rings}


def answer_times(rollout_id: str) -> dict[int, dict[str, float]]:
    """Seconds from the push to the report that it is applied: for each ring the quantiles `p50`, `p90`, `p99`."""
    row = RolloutDevice
    seconds = _seconds()
    ordered = (
        select(
            row.ring,
            seconds.label("seconds"),
            func.row_number().over(partition_by=row.ring, order_by=seconds).label("place"),
            func.count().over(partition_by=row.ring).label("of"),
        )
        .where(row.rollout_id == rollout_id, row.state == APPLIED, row.settled_at.is_not(None))
        .subquery()
    )
    found: dict[int, dict[str, float]] = {}
    ranks = {quantile: (ordered.c.of * quantile + 99) // 100 for quantile in QUANTILES}
    query = select(ordered).where(ordered.c.place.in_(list(ranks.values())))
    for one in session().execute(query):
        for quantile in QUANTILES:
            if one.place == (one.of * quantile + 99) // 100:
                found.setdefault(one.ring, {})[f"p{quantile}"] = round(max(0.0, float(one.seconds)), 3)
    return found


def _seconds() -> ColumnElement[Any]:
    row = RolloutDevice
    if session().get_bind().dialect.name == "postgresql":
        return func.extract("epoch", row.settled_at - row.targeted_at)
    return (func.julianday(row.settled_at) - func.julianday(row.targeted_at)) * 86_400


def counting(figures_of_ring: Figures) -> int:
    """How many phones count in shares: all that were targeted and could still answer."""
    return figures_of_ring[TARGETED] - figures_of_ring[GONE] - figures_of_ring[WITHDRAWN]


def share(part: int, of: int) -> float:
    """A part in percent; all of nothing is everything."""
    return 100.0 if of == 0 else part * 100.0 / of
