"""Explain: for each effective value of a phone its policy, version and assignment; now, or at a past minute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from core import clock
from core.actor import Actor
from core.db import session
from core.permissions import Permission
from fleet import queries as fleet
from policies import bundles, desired, in_force_when, world
from policies.language.problems import path_text
from policies.models import DesiredHistory, Mixture
from policies.rules.merging import origins
from policies.views import Explanation, Value
from policies.world import Source, World


def explain(actor: Actor, device_id: str, at: datetime | None = None) -> Explanation:
    """Explain a phone in the actor's scope: what is wanted of it now, or what was at a past minute. Raises NotFound."""
    actor.require(Permission.DOCUMENT_READ)
    fleet.ref(actor, device_id)
    moment = at or clock.now()
    wanted = _wanted_then(device_id, moment)
    sources = _sources(wanted.mixture) if wanted else ()
    return Explanation(
        device_id=device_id,
        at=moment,
        generation=wanted.generation if wanted else None,
        bundle=wanted.bundle if wanted else None,
        policies=[source.plain() for source in sources],
        in_force=in_force_when.then(device_id, moment),
        values=_values(sources),
    )


def _wanted_then(device_id: str, moment: datetime) -> desired.Desired | None:
    columns = (DesiredHistory.generation, DesiredHistory.bundle, DesiredHistory.mixture)
    query = select(*columns).where(DesiredHistory.device_id == device_id, DesiredHistory.at <= moment)
    row = session().execute(query.order_by(DesiredHistory.id.desc()).limit(1)).one_or_none()
    return desired.Desired(device_id, row.generation, row.bundle, row.mixture) if row else None


def _sources(mixture: str) -> tuple[Source, ...]:
    plain = session().scalar(select(Mixture.sources).where(Mixture.digest == mixture)) or []
    return tuple(Source(source["policy"], source["version"], source["assignment"]) for source in plain)


def _values(sources: Sequence[Source]) -> list[Value]:
    then: World = world.at_versions(sources)
    policies = sorted({source.policy for source in sources})
    merged = bundles.merged(then, tuple(sources))
    by_policy = {name: [source.plain() for source in sources if source.policy == name] for name in policies}
    found = origins(merged, [then.fragments(name) for name in policies])
    return [
        Value(
            path=path_text(origin.path),
            value=origin.value,
            sources=[s for index in origin.sources for s in by_policy[policies[index]]],
        )
        for origin in found
    ]
