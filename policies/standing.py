"""How phones stand with their policy: what they should have, since when, and what they last made of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from core.bulk import texts
from core.db import session
from mqtt.contract.names import Outcome
from policies import in_force
from policies.engine.families.compliance import Rung
from policies.engine.families.device import Device
from policies.models import DesiredState, ReportedState


@dataclass(frozen=True, slots=True)
class Standing:
    """One phone: its desired state, the report on it, and the rules of the effective policy that judge the phone."""

    generation: int | None = None
    bundle: str | None = None
    since: datetime | None = None
    outcome: str | None = None
    reported_generation: int | None = None
    reported_at: datetime | None = None
    applied_bundle: str | None = None
    device: Device = field(default_factory=Device)
    ladder: tuple[Rung, ...] = ()

    @property
    def in_force(self) -> bool:
        """Whether the phone said that it has in force what it should have."""
        return self.bundle is not None and self.applied_bundle == self.bundle

    @property
    def failed(self) -> bool:
        """Whether the phone tried what it should have, and could not."""
        return self.outcome == Outcome.FAILED and self.reported_generation == self.generation


NONE = Standing()


def of_devices(device_ids: Collection[str]) -> dict[str, Standing]:
    """Standings of many phones in one statement; one without a desired state is missing."""
    wanted, said = DesiredState, ReportedState
    query = (
        select(
            wanted.device_id,
            wanted.generation,
            wanted.bundle,
            wanted.since,
            said.outcome,
            said.generation.label("reported_generation"),
            said.received_at.label("reported_at"),
            said.applied_bundle,
        )
        .outerjoin(said, said.device_id == wanted.device_id)
        .where(wanted.device_id.in_(texts(session(), device_ids)))
    )
    rows = session().execute(query).mappings().all()
    bundles = in_force.bundles({row["bundle"] for row in rows})
    found = {}
    for row in rows:
        rules = bundles[row["bundle"]].bundle.rules if row["bundle"] in bundles else {}
        plain = {name: value for name, value in row.items() if name != "device_id"}
        found[row["device_id"]] = Standing(
            **plain, device=rules.get("device") or Device(), ladder=tuple(rules.get("compliance") or ())
        )
    return found
