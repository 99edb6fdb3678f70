"""Which SIMs a phone is known by: the first that its heartbeats show, until a person accepts others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, select

from compliance.checks.sim import SIM_CHANGED
from compliance.facts import Facts
from compliance.models import SimBaseline
from core import clock
from core.bulk import texts
from core.db import session, upsert
from fleet.findings import Observation


def observations(loaded: Mapping[str, Facts], doubtful: Collection[str]) -> list[Observation]:
    """Compare what heartbeats show with what each phone is known by; a phone that shows none is unknown.

    Of a `doubtful` phone the old SIM proves nothing: the heartbeat may be that of its clone.
    """
    shown = {key: sorted(facts.phone.posture.get("sim") or ()) for key, facts in loaded.items() if facts.phone.posture}
    shown = {device_id: sims for device_id, sims in shown.items() if sims}
    known = _known(shown)
    rows: list[dict[str, Any]] = []
    seen: list[Observation] = []
    for device_id, sims in shown.items():
        base = known.get(device_id)
        changed = base is not None and base.sims != sims
        if device_id in doubtful and not changed:
            continue
        if base is None or base.changed is not changed:
            rows.append(
                {
                    "device_id": device_id,
                    "sims": base.sims if base else sims,
                    "changed": changed,
                    "since": base.since if base else clock.now(),
                }
            )
        if changed or (base is not None and base.changed):
            at = loaded[device_id].phone.heartbeat_at
            detail = {"by": "heartbeat"} if changed else {}
            seen.append(Observation(device_id, SIM_CHANGED, changed, detail, "heartbeat", at))
    upsert(session(), SimBaseline.__table__, rows, ["device_id"], update=["changed"])
    return seen


def forget(device_ids: Collection[str]) -> None:
    """Know these phones by what they show next: a person accepted it, or they left the fleet."""
    gone = delete(SimBaseline).where(SimBaseline.device_id.in_(texts(session(), device_ids)))
    session().execute(gone, execution_options={"synchronize_session": False})


def _known(device_ids: Collection[str]) -> dict[str, Any]:
    table = SimBaseline.__table__
    query = select(table).where(table.c.device_id.in_(texts(session(), device_ids)))
    return {row.device_id: row for row in session().execute(query)} if device_ids else {}
