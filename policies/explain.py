"""Explain: for each effective value of a phone its policy, version and assignment; now, or at a past minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core import clock
from core.actor import Actor
from core.db import session
from core.permissions import Permission
from fleet import queries as fleet
from mqtt.contract.names import Outcome
from policies import bundles, desired, world
from policies.language.problems import path_text
from policies.models import DesiredHistory, Mixture, ReportedHistory
from policies.rules.merging import origins
from policies.world import Source, World


@dataclass(frozen=True, slots=True)
class Value:
    """One effective value and where it comes from."""

    path: str
    value: Any
    sources: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class InForceThen:
    """The bundle that a phone said it had in force, from when; `desired_at` is when the server asked for it."""

    generation: int | None
    bundle: str | None
    since: str
    desired_at: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is wanted of a phone and why. For a past minute `in_force` tells what the phone had then."""

    device_id: str
    at: str
    generation: int | None
    bundle: str | None
    policies: list[dict[str, Any]]
    in_force: InForceThen | None
    values: list[Value] = field(default_factory=list)


def explain(actor: Actor, device_id: str, at: datetime | None = None) -> Explanation:
    """Explain a phone in the actor's scope: what is wanted of it now, or what was at a past minute. Raises NotFound."""
    actor.require(Permission.DOCUMENT_READ)
    fleet.ref(actor, device_id)
    moment = at or clock.now()
    wanted = _wanted_then(device_id, moment)
    sources = _sources(wanted.mixture) if wanted else ()
    return Explanation(
        device_id,
        clock.to_wire(moment),
        wanted.generation if wanted else None,
        wanted.bundle if wanted else None,
        [source.plain() for source in sources],
        _in_force_then(device_id, moment),
        _values(sources),
    )


def _wanted_then(device_id: str, moment: datetime) -> desired.Desired | None:
    columns = (DesiredHistory.generation, DesiredHistory.bundle, DesiredHistory.mixture)
    query = select(*columns).where(DesiredHistory.device_id == device_id, DesiredHistory.at <= moment)
    row = session().execute(query.order_by(DesiredHistory.id.desc()).limit(1)).one_or_none()
    return desired.Desired(device_id, row.generation, row.bundle, row.mixture) if row else None


def _in_force_then(device_id: str, moment: datetime) -> InForceThen | None:
    query = select(ReportedHistory.generation, ReportedHistory.bundle, ReportedHistory.at).where(
        ReportedHistory.device_id == device_id,
        ReportedHistory.outcome == Outcome.APPLIED,
        ReportedHistory.at <= moment,
    )
    row = session().execute(query.order_by(ReportedHistory.at.desc(), ReportedHistory.id.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    asked = select(DesiredHistory.at).where(
        DesiredHistory.device_id == device_id, DesiredHistory.generation == row.generation
    )
    asked_at = session().scalar(asked.order_by(DesiredHistory.id).limit(1))
    return InForceThen(row.generation, row.bundle, clock.to_wire(row.at), clock.to_wire(asked_at) if asked_at else None)


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
        Value(path_text(origin.path), origin.value, [s for index in origin.sources for s in by_policy[policies[index]]])
        for origin in found
    ]
