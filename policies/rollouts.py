"""Rollouts as they are stored: a change on its way to phones, at once or by rings, and what each phone made of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update

from core import clock, live
from core.actor import Actor
from core.bulk import insert_each, texts
from core.db import affected, insert_rows, session, upsert
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.text import Text
from mqtt.contract.names import Outcome
from policies.models import (
    EVERYWHERE,
    PolicyDocument,
    Rollout,
    RolloutDevice,
    RolloutItem,
    RolloutRing,
    VersionInForce,
)
from policies.rings import ALL, Ring
from policies.scopes import Place, scope_of

Kind = Literal["publish", "assignment", "org_unit", "rollback"]
DRAFT, PENDING, RUNNING, PAUSED = "draft", "pending_approval", "running", "paused"
STOPPED, FINISHED, ROLLED_BACK = "stopped", "finished", "rolled_back"
OPEN = (DRAFT, PENDING, RUNNING, PAUSED)
STATES = (*OPEN, STOPPED, FINISHED, ROLLED_BACK)
WAITING, FILLING, SOAKING = "waiting", "filling", "soaking"
UNCHANGED, TARGETED, SENT, APPLIED = "unchanged", "targeted", "sent", "applied"
REJECTED, FAILED, WITHDRAWN = "rejected", "failed", "withdrawn"
UNANSWERED = (TARGETED, SENT)
TOPIC = "rollouts"
Items = Sequence[tuple[str, int]]
_QUIET = {"synchronize_session": False}


def start(actor: Actor, kind: Kind, items: Items, *, reason: str = "", emergency: bool = False) -> str:
    """Begin a rollout of versions (document id, version) to everyone; they are in force at once. Returns its id.

    Raises Conflict where another rollout is still bringing one of the documents to phones.
    """
    rollout_id = create(actor, kind, items, [ALL], reason=reason, state=RUNNING, emergency=emergency)
    begun = update(RolloutRing).where(RolloutRing.rollout_id == rollout_id)
    session().execute(begun.values(state=RUNNING, started_at=clock.now()), execution_options=_QUIET)
    put_everywhere(rollout_id, items)
    return rollout_id


def create(
    actor: Actor,
    kind: Kind,
    items: Items,
    rings: Sequence[Ring],
    *,
    reason: str,
    state: str,
    emergency: bool = False,
    staged: bool = False,
    rolls_back: str | None = None,
) -> str:
    """Store a rollout and its rings, all waiting; returns its id. Raises Conflict for a document that is held."""
    document_ids = [document_id for document_id, _ in items]
    require_free(document_ids)
    now, rollout_id = clock.now(), new_id()
    session().add(
        Rollout(
            id=rollout_id,
            kind=kind,
            state=state,
            emergency=emergency,
            staged=staged,
            reason=reason,
            rolls_back=rolls_back,
            created_at=now,
            created_by=actor.name,
            created_by_id=actor.id,
            started_at=now if state == RUNNING else None,
            evaluated_at=now,
        )
    )
    session().flush()
    session().add_all(_ring(rollout_id, position, ring) for position, ring in enumerate(rings))
    session().flush()
    before = versions_everywhere(document_ids)
    carried = [
        {"rollout_id": rollout_id, "document_id": document_id, "version": version, "previous": before.get(document_id)}
        for document_id, version in items
    ]
    insert_rows(session(), RolloutItem.__table__, carried)
    live.announce(TOPIC, [rollout_id])
    return rollout_id


def _ring(rollout_id: str, position: int, ring: Ring) -> RolloutRing:
    return RolloutRing(
        rollout_id=rollout_id,
        position=position,
        name=ring.name,
        selector=ring.selector,
        gates=ring.gates.plain(),
        state=WAITING,
    )


def require_free(document_ids: Collection[str]) -> None:
    """Raise Conflict when a rollout that goes ring by ring still carries one of the documents."""
    query = (
        select(Rollout.id, PolicyDocument.kind, PolicyDocument.name, RolloutItem.version)
        .join(RolloutItem, RolloutItem.rollout_id == Rollout.id)
        .join(PolicyDocument, PolicyDocument.id == RolloutItem.document_id)
        .where(Rollout.staged, Rollout.state.in_(OPEN), RolloutItem.document_id.in_(document_ids))
    )
    held = session().execute(query.limit(1)).one_or_none()
    if held is not None:
        raise Conflict(
            "held_by_rollout",
            Text(
                f"{held.kind}“{held.name}”的版本 {held.version} 正在分阶段发布，未做任何更改。"
                "请先等待其完成，或停止、回退该发布。",
                f"A rollout still brings version {held.version} of {held.kind} “{held.name}” to phones; nothing was "
                "changed. Wait until it has finished, stop it or roll it back.",
            ),
            rollout=held.id,
            document={"kind": held.kind, "name": held.name, "version": held.version},
        )


def versions_everywhere(document_ids: Collection[str]) -> dict[str, int]:
    """Versions that are in force everywhere, by document id."""
    query = select(VersionInForce.document_id, VersionInForce.version).where(
        VersionInForce.document_id.in_(document_ids), VersionInForce.scope == EVERYWHERE
    )
    return {row.document_id: row.version for row in session().execute(query)}


def put_everywhere(rollout_id: str, items: Items) -> None:
    """Move versions into force for every phone; what rings had of these documents gives way."""
    put_in_force(rollout_id, items, EVERYWHERE)
    rings = delete(VersionInForce).where(
        VersionInForce.document_id.in_([document_id for document_id, _ in items]), VersionInForce.scope != EVERYWHERE
    )
    session().execute(rings, execution_options=_QUIET)


def put_in_ring(place: Place, items: Items) -> None:
    """Move versions into force for the phones of one ring."""
    put_in_force(place.rollout_id, items, scope_of(place))


def put_in_force(rollout_id: str, items: Items, scope: str) -> None:
    """Move versions into force for a device scope: from here on they are what is merged."""
    now = clock.now()
    rows = [
        {"document_id": item, "scope": scope, "version": version, "rollout_id": rollout_id, "since": now}
        for item, version in items
    ]
    upsert(session(), VersionInForce.__table__, rows, ["document_id", "scope"])


def locked(rollout_id: str) -> Rollout:
    """One rollout, locked until the unit of work ends. Raises NotFound."""
    row = session().get(Rollout, rollout_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise no_such_rollout()
    return row


def rings_of(rollout_id: str) -> list[RolloutRing]:
    """The rings of a rollout, in their order."""
    query = select(RolloutRing).where(RolloutRing.rollout_id == rollout_id).order_by(RolloutRing.position)
    return list(session().scalars(query.execution_options(populate_existing=True)))


def items_of(rollout_id: str) -> list[RolloutItem]:
    """What a rollout carries."""
    query = select(RolloutItem).where(RolloutItem.rollout_id == rollout_id).order_by(RolloutItem.document_id)
    return list(session().scalars(query))


def target(place: Place, device_ids: Sequence[str], generation: int) -> None:
    """Note which phones a rollout gave a new desired state."""
    news = {"generation": generation, "state": TARGETED, "targeted_at": clock.now()}
    same = {"rollout_id": place.rollout_id, "ring": place.position, **news}
    keys = ["rollout_id", "device_id"]
    insert_each(session(), RolloutDevice.__table__, "device_id", device_ids, same, keys=keys, update=list(news))


def sent(device_ids: Collection[str]) -> None:
    """Note that the newest desired state reached the sessions of these phones."""
    if device_ids:
        _move(device_ids, RolloutDevice.state == TARGETED, {"state": SENT})


def settled(outcomes: Sequence[tuple[str, int, str]]) -> None:
    """Note what phones reported: (device id, generation, outcome). One statement for each generation and outcome.

    A state holds all that the ones before it brought: a phone that has applied a newer one has applied these; one that
    could not take a newer one has not answered for these either, unless it did before.
    """
    groups: dict[tuple[int, str], list[str]] = {}
    for device_id, generation, outcome in outcomes:
        groups.setdefault((generation, outcome), []).append(device_id)
    moved = 0
    for (generation, outcome), device_ids in sorted(groups.items()):
        row = RolloutDevice
        older = row.state.in_((*UNANSWERED, REJECTED, FAILED) if outcome == Outcome.APPLIED else UNANSWERED)
        this = and_(row.generation == generation, row.state.not_in((outcome, UNCHANGED, WITHDRAWN)))
        which = or_(this, and_(row.generation < generation, older))
        moved += _move(device_ids, which, {"state": outcome, "settled_at": clock.now()})
    if moved:
        going = select(Rollout.id).where(Rollout.state.in_(OPEN))
        live.announce(TOPIC, session().scalars(going).all())


def withdraw_unanswered(rollout_id: str) -> None:
    """Phones that have not answered yet get something else instead."""
    rows = update(RolloutDevice).where(RolloutDevice.rollout_id == rollout_id, RolloutDevice.state.in_(UNANSWERED))
    session().execute(rows.values(state=WITHDRAWN), execution_options=_QUIET)


def _move(device_ids: Collection[str], which: ColumnElement[bool], values: Mapping[str, Any]) -> int:
    """Change the rows of phones, locked in key order: the relay and ingest move the same phones at the same time."""
    named = RolloutDevice.device_id.in_(texts(session(), device_ids))
    locked = select(RolloutDevice.device_id).where(named, which).order_by(RolloutDevice.device_id).with_for_update()
    query = update(RolloutDevice).where(RolloutDevice.device_id.in_(locked), which).values(**values)
    return affected(session(), query.execution_options(**_QUIET))


def finish_complete() -> int:
    """Finish rollouts to everyone at once all of whose phones have applied; returns how many."""
    row = RolloutDevice
    # Such a rollout has one ring; named with the states, the index finds the first phone that is not done.
    not_done = row.state.in_((*UNANSWERED, REJECTED, FAILED, WITHDRAWN))
    open_ones = exists().where(row.rollout_id == Rollout.id, row.ring == 0, not_done)
    done = Rollout.staged.is_(False), Rollout.state == RUNNING, ~open_ones
    complete = list(session().scalars(select(Rollout.id).where(*done)))
    if complete:
        end = {"state": FINISHED, "finished_at": clock.now()}
        session().execute(update(Rollout).where(Rollout.id.in_(complete)).values(**end), execution_options=_QUIET)
        rings = update(RolloutRing).where(RolloutRing.rollout_id.in_(complete)).values(**end)
        session().execute(rings, execution_options=_QUIET)
        live.announce(TOPIC, complete)
    return len(complete)


def no_such_rollout() -> NotFound:
    """The error for a rollout that is not there."""
    return NotFound("no_such_rollout", Text("没有这次发布。", "There is no such rollout."))
