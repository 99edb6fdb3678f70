"""Reported state: what phones say they made of their desired state, stored in batches."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, cast

from sqlalchemy import Text, insert, select
from sqlalchemy import cast as as_type

from core import live
from core.bulk import texts
from core.crypto.jose import BadToken
from core.db import session, upsert
from core.uow import start_writing
from fleet import findings, presence
from fleet import queries as fleet
from fleet.queries import DeviceKeys
from mqtt import signed
from mqtt.contract.codec import BadPayload
from mqtt.contract.limits import CLOCK_SKEW_S
from mqtt.contract.names import Outcome, RuleState, Typ
from mqtt.contract.reported import Reported, ReportedBody
from mqtt.routes import Inbound, Refusal
from policies import in_force, rollouts
from policies.capabilities import UNSUPPORTED
from policies.events import reports_taken
from policies.models import ReportedHistory, ReportedState

Applied = tuple[int | None, str | None, datetime | None]
NEVER: Applied = (None, None, None)
APPLIED_KEYS = ("applied_generation", "applied_bundle", "applied_at")
HISTORY_KEYS = ("device_id", "generation", "bundle", "outcome", "at", "received_at")
REJECTED = "policy_rejected"


@dataclass(frozen=True, slots=True)
class Said:
    """One report: of which phone, its server-judged `iat`, and what it says."""

    device_id: str
    iat: int
    body: ReportedBody
    received_at: datetime

    def row(self, applied: Applied) -> dict[str, Any]:
        """As it is stored; what is in force stays what was `applied` last."""
        body = self.body
        in_force = (body.generation, body.bundle, body.at) if body.outcome == Outcome.APPLIED else applied
        return {
            **dict(zip(APPLIED_KEYS, in_force, strict=True)),
            "device_id": self.device_id,
            "iat": self.iat,
            "generation": body.generation,
            "bundle": body.bundle,
            "outcome": str(body.outcome),
            "detail": body.detail,
            "at": body.at,
            "received_at": self.received_at,
            "rules": {name: str(state) for name, state in body.rules.items()},
        }


class Before(NamedTuple):
    """What was stored of a phone, as far as a newer report is compared with it; `rules` is JSON text."""

    device_id: str
    iat: int
    at: datetime
    generation: int | None
    bundle: str | None
    outcome: str
    rules: str


def record(batch: Sequence[Inbound]) -> list[Refusal]:
    """Store a batch of `up/reported`; those of unknown or closed phones, or older than the newest, change nothing."""
    keys = fleet.keys({message.device_id for message in batch})
    refusals: list[Refusal] = []
    said: list[Said] = []
    for message in batch:
        device = keys.get(message.device_id)
        if device is None or device.state not in ("active", "lost"):
            continue
        try:
            said.append(_verified(message, device))
        except (BadToken, BadPayload) as error:
            refusals.append(Refusal(message, error.reason, getattr(error, "detail", "")))
    # Signatures are what takes long: nobody waits for the lock meanwhile.
    start_writing()
    take(said)
    return refusals


def take(said: Sequence[Said]) -> None:
    """Store reports that are newer than what is stored; of several of one phone, the newest."""
    newest: dict[str, Said] = {}
    for one in said:
        if one.device_id not in newest or one.iat >= newest[one.device_id].iat:
            newest[one.device_id] = one
    stored = _before(list(newest))
    fresh = _completed([one for _, one in sorted(newest.items()) if _is_news(one, stored.get(one.device_id))])
    if not fresh:
        return
    applied = _applied([one.device_id for one in fresh if one.body.outcome != Outcome.APPLIED])
    rows = [one.row(applied.get(one.device_id, NEVER)) for one in fresh]
    upsert(session(), ReportedState.__table__, rows, ["device_id"])
    told = [row for row in rows if _differs(row, stored.get(row["device_id"]))]
    told_ids = [row["device_id"] for row in told]
    _keep_history(told_ids)
    _expect_heartbeats(told)
    rollouts.settled([(r["device_id"], r["generation"], r["outcome"]) for r in rows if r["generation"] is not None])
    _find(fresh, stored)
    live.announce("devices", told_ids)
    if told_ids:
        reports_taken.send(None, device_ids=told_ids)


def _completed(said: Sequence[Said]) -> list[Said]:
    """Reports in which a family that the applied bundle names and the phone passes over in silence is `unsupported`."""
    loaded = in_force.bundles({one.body.bundle for one in said if one.body.bundle and _applies(one)})
    return [_with_all(one, loaded.get(one.body.bundle or "")) if _applies(one) else one for one in said]


def _applies(one: Said) -> bool:
    return one.body.outcome == Outcome.APPLIED


def _with_all(one: Said, loaded: in_force.Loaded | None) -> Said:
    silent = set(loaded.bundle.rules) - set(one.body.rules) if loaded else set()
    if not silent:
        return one
    rules = {**one.body.rules, **dict.fromkeys(sorted(silent), RuleState.UNSUPPORTED)}
    return replace(one, body=one.body.model_copy(update={"rules": rules}))


def _keep_history(device_ids: Sequence[str]) -> None:
    """Add what these phones said just now to the history, from the rows that were written for it."""
    if not device_ids:
        return
    kept = [ReportedState.__table__.c[name] for name in HISTORY_KEYS]
    said = select(*kept).where(ReportedState.device_id.in_(texts(session(), device_ids)))
    rows = said.order_by(ReportedState.device_id)
    session().execute(insert(ReportedHistory.__table__).from_select(HISTORY_KEYS, rows))


def _expect_heartbeats(told: Sequence[Mapping[str, Any]]) -> None:
    """A phone beats as often as the bundle that it now has in force says."""
    applied = {row["device_id"]: row["bundle"] for row in told if row["outcome"] == Outcome.APPLIED and row["bundle"]}
    bundles = in_force.bundles(set(applied.values()))
    presence.expect(
        {device: bundles[digest].heartbeat_seconds for device, digest in applied.items() if digest in bundles}
    )


def of_devices(device_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The newest report of many phones in one query."""
    return {device_id: dict(row) for device_id, row in _stored(device_ids).items()}


def bundles_in_force(device_ids: Collection[str]) -> dict[str, str]:
    """Digests of the bundles that phones said they applied last; a phone that never applied one is missing."""
    query = select(ReportedState.device_id, ReportedState.applied_bundle).where(ReportedState.device_id.in_(device_ids))
    return {row.device_id: row.applied_bundle for row in session().execute(query) if row.applied_bundle}


def _verified(message: Inbound, device: DeviceKeys) -> Said:
    keys = {device.signing_kid: device.signing}
    body = signed.read(Reported, message.payload, typ=Typ.REPORTED, keys=keys, sub=message.device_id)
    return Said(message.device_id, judged_iat(body.iat, message.received_at), body, message.received_at)


def judged_iat(iat: int, received_at: datetime) -> int:
    """The phone's time, or the receive time where it runs more than 120 s ahead (PROTOCOL 4)."""
    received = int(received_at.timestamp())
    return received if iat > received + CLOCK_SKEW_S else iat


def _stored(device_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    columns = ReportedState.__table__.c
    query = select(*columns).where(columns.device_id.in_(texts(session(), device_ids))).order_by(columns.device_id)
    return {row["device_id"]: cast(Mapping[str, Any], row) for row in session().execute(query).mappings()}


def _before(device_ids: Sequence[str]) -> dict[str, Before]:
    columns = ReportedState.__table__.c
    shown = [columns[name] for name in Before._fields[:-1]]
    query = select(*shown, as_type(columns.rules, Text)).where(columns.device_id.in_(texts(session(), device_ids)))
    return {row[0]: Before._make(row) for row in session().execute(query)}


def _applied(device_ids: Sequence[str]) -> dict[str, Applied]:
    if not device_ids:
        return {}
    columns = ReportedState.__table__.c
    query = select(columns.device_id, *(columns[name] for name in APPLIED_KEYS))
    rows = session().execute(query.where(columns.device_id.in_(texts(session(), device_ids))))
    return {device_id: (generation, bundle, at) for device_id, generation, bundle, at in rows}


@lru_cache(maxsize=1024)
def _lacked(rules: str) -> bool:
    """Whether a family was not enforced by rules as they are stored; most phones say the same."""
    return any(state != RuleState.ENFORCED for state in json.loads(rules).values())


def _is_news(one: Said, stored: Before | None) -> bool:
    """Newer, or as old and different: `iat` counts seconds, and a phone may report twice in one."""
    if stored is None or one.iat > stored.iat:
        return True
    return bool(one.iat == stored.iat and one.body.at > stored.at)


def _differs(row: Mapping[str, Any], stored: Before | None) -> bool:
    said = (row["generation"], row["bundle"], row["outcome"])
    return stored is None or said != (stored.generation, stored.bundle, stored.outcome)


def _find(fresh: Sequence[Said], stored: Mapping[str, Before]) -> None:
    """Findings of phones that lack a family or can never apply their bundle; looked at only where there is news."""
    observations = []
    for one in fresh:
        before = stored.get(one.device_id)
        lacking = sorted(name for name, state in one.body.rules.items() if state != RuleState.ENFORCED)
        if lacking or (before and _lacked(before.rules)):
            lack = {"lacking": lacking} if lacking else {}
            observations.append(findings.Observation(one.device_id, UNSUPPORTED, bool(lacking), lack))
        refused = one.body.outcome == Outcome.REJECTED
        if refused or (before and before.outcome == Outcome.REJECTED):
            which = {"generation": one.body.generation} if refused else {}
            observations.append(findings.Observation(one.device_id, REJECTED, refused, which))
    findings.observe(observations)
