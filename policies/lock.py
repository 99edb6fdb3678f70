"""Who computes desired states waits for who changes what they are computed from, and the other way round."""

from __future__ import annotations

from sqlalchemy import select

from core.db import session, upsert
from policies.models import PolicyLock

_ROW = 1


def alone() -> None:
    """Wait until nobody computes or changes, then keep others out until the unit of work ends."""
    _hold(shared=False)


def together() -> None:
    """Wait until nobody changes policies; others who compute single phones may go on beside."""
    _hold(shared=True)


def _hold(*, shared: bool) -> None:
    query = select(PolicyLock.id).where(PolicyLock.id == _ROW).with_for_update(read=shared)
    if session().execute(query).one_or_none() is None:
        upsert(session(), PolicyLock.__table__, [{"id": _ROW}], ["id"], update=[])
        session().execute(query)
