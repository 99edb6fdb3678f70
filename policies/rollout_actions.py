"""What people do with a rollout under way: each act needs the right to publish, gives a reason and is audited."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from core import audit, clock, live
from core.actor import Actor
from core.db import session
from core.errors import Conflict
from core.permissions import Permission
from core.reasons import clean_reason
from core.text import Text
from fleet import queries as fleet
from identity import approvals
from identity.events import approval_decided, approvals_lapsed
from identity.operations import Doing, operation
from identity.queries import ROOT_ID
from policies import desired, lock, publish, rollout_figures, rollout_steps, rollouts, second_person, world
from policies.models import DocumentVersion, PolicyDocument, Rollout, RolloutDevice, RolloutItem
from policies.rings import ALL
from policies.rollouts import (
    DRAFT,
    FINISHED,
    OPEN,
    PAUSED,
    PENDING,
    ROLLED_BACK,
    RUNNING,
    SOAKING,
    STOPPED,
    TOPIC,
)
from policies.world import InForce

START, ROLLBACK = "rollout.start", "rollout.rollback"
NUDGE_BATCH = 5000


def start(actor: Actor, rollout_id: str, reason: str) -> None:
    """Begin a rollout that is a draft. Raises NotFound, Conflict, Forbidden, Waits where something becomes looser."""
    rollout = _taken(actor, rollout_id, "start", reason, (DRAFT,))
    made = _carried(rollout_id)
    _, seen = publish.foresee(world.current(), made)
    second_person.require(actor, seen, _doing(START, rollout_id, reason, made))
    rollout.state, rollout.started_at = RUNNING, clock.now()
    _go_on(rollout)


def pause(actor: Actor, rollout_id: str, reason: str) -> None:
    """Stay where it is until somebody resumes: phones that have it keep it, late ones get it. Raises as `start`."""
    rollout = _taken(actor, rollout_id, "pause", reason, (RUNNING,))
    rollout.state = PAUSED
    rollout.why = {"code": "paused_by", "by": actor.name, "reason": clean_reason(reason)}


def resume(actor: Actor, rollout_id: str, reason: str) -> None:
    """Go on; a ring that missed its gate gets the same time once more. Raises as `start`."""
    rollout = _taken(actor, rollout_id, "resume", reason, (PAUSED,))
    missed = (rollout.why or {}).get("code") == "gate_missed"
    for ring in rollouts.rings_of(rollout_id):
        if missed and ring.state == RUNNING:
            ring.elapsed_ms = 0
    _run(rollout)


def skip(actor: Actor, rollout_id: str, reason: str) -> None:
    """End the wait of the present ring, whatever its gate says. Raises as `start`, and Conflict where nothing waits."""
    rollout = _taken(actor, rollout_id, "skip", reason, (RUNNING, PAUSED))
    waiting = next((ring for ring in rollouts.rings_of(rollout_id) if ring.state != FINISHED), None)
    if waiting is None or waiting.state not in (RUNNING, SOAKING):
        raise Conflict(
            "nothing_to_skip",
            Text(
                "当前没有可跳过的等待：该环尚未开始或仍在下发。",
                "No wait is on: the ring has not begun, or still fills.",
            ),
        )
    waiting.state, waiting.finished_at = FINISHED, clock.now()
    _run(rollout)


def stop(actor: Actor, rollout_id: str, reason: str) -> None:
    """End it where it is: phones that have it keep it, the others never get it. Raises as `start`."""
    rollout = _taken(actor, rollout_id, "stop", reason, OPEN)
    if rollout.approval_id:
        approvals.withdraw(actor, rollout.approval_id)
    rollout.state, rollout.finished_at = STOPPED, clock.now()
    rollout.why = {"code": "stopped_by", "by": actor.name, "reason": clean_reason(reason)}


def emergency(actor: Actor, rollout_id: str, reason: str) -> None:
    """Bring it to everyone at once: no gate, no wait, no second person any more. Raises NotFound, Conflict, Forbidden.

    Where it was a draft, whose second person nobody asked yet, everybody else who may publish is told.
    """
    rollout = _taken(actor, rollout_id, "emergency", reason, OPEN)
    if rollout.state == DRAFT:
        _, seen = publish.foresee(world.current(), _carried(rollout_id))
        second_person.tell_at_once(actor, seen, ("rollout", rollout_id))
    if rollout.approval_id:
        approvals.withdraw(actor, rollout.approval_id)
        rollout.approval_id = None
    rollout.emergency, rollout.started_at = True, rollout.started_at or clock.now()
    rollouts.put_everywhere(rollout_id, _items(rollout_id))
    _run(rollout)


def rollback(actor: Actor, rollout_id: str, reason: str) -> str:
    """Publish what was in force before as a new version, to everyone who got this one; returns the new rollout's id.

    Raises as `start`, and Conflict for a document that had no version before or has got a newer one since.
    """
    rollout = _taken(actor, rollout_id, "rollback", reason, (RUNNING, PAUSED, PENDING, STOPPED, FINISHED))
    carried = rollouts.items_of(rollout_id)
    _check_undoable(rollout, carried)
    why, before = clean_reason(reason), world.current()
    doing = _doing(ROLLBACK, rollout_id, why, _carried(rollout_id))
    made = [_restore(actor, item, why) for item in carried]
    _, seen = publish.foresee(before, made)
    second_person.require(actor, seen, doing)
    if rollout.approval_id:
        approvals.withdraw(actor, rollout.approval_id)
    rollout.state, rollout.finished_at = ROLLED_BACK, clock.now()
    rollouts.withdraw_unanswered(rollout_id)
    session().flush()
    items = [(one.id, one.version) for one in made]
    undoing = rollouts.create(
        actor, "rollback", items, [ALL], reason=why, state=RUNNING, staged=True, rolls_back=rollout_id
    )
    rollouts.put_everywhere(undoing, items)
    audit.record(actor, "rollout.rollback_started", ("rollout", undoing), {"of": rollout_id, "reason": why})
    rollout_steps.begin(undoing)
    return undoing


def approve(actor: Actor, rollout_id: str, reason: str) -> None:
    """The second person lets the next ring begin. Raises NotFound, Forbidden, Conflict."""
    approvals.approve(actor, _asked(actor, rollout_id), reason)


def deny(actor: Actor, rollout_id: str, reason: str) -> None:
    """The second person keeps the next ring from beginning: the rollout stops. Raises NotFound, Forbidden, Conflict."""
    approvals.deny(actor, _asked(actor, rollout_id), reason)


def nudge(actor: Actor, rollout_id: str, ring: int | None = None) -> int:
    """Send the desired state again to every phone that has not answered; returns how many. Raises NotFound."""
    actor.require(Permission.DOCUMENT_PUBLISH)
    actor.require_everything()
    rollouts.locked(rollout_id)
    rings, living = rollouts.rings_of(rollout_id), fleet.living_ids().subquery()
    known = rollout_figures.conditions(rings, living)
    query = select(RolloutDevice.device_id).outerjoin(living, living.c.id == RolloutDevice.device_id)
    query = query.where(
        RolloutDevice.rollout_id == rollout_id,
        known[rollout_figures.SILENT] | known[rollout_figures.PENDING_ANSWER],
        *([RolloutDevice.ring == ring] if ring is not None else []),
    ).order_by(RolloutDevice.device_id)
    sent, last = 0, ""
    while ids := list(session().scalars(query.where(RolloutDevice.device_id > last).limit(NUDGE_BATCH))):
        desired.send(ids)
        sent, last = sent + len(ids), ids[-1]
    audit.record(actor, "rollout.nudge", ("rollout", rollout_id), {"devices": sent})
    return sent


@approval_decided.connect
def follow_decision(_sender: object, *, approval_id: str, kind: str, state: str, targets: Collection[str]) -> None:
    """The second person decided about a ring: what was approved goes on, what was denied stops."""
    rollout = _awaiting(approval_id) if kind == rollout_steps.APPROVAL else None
    if rollout is None:
        return
    if state == approvals.APPROVED:
        rollout.state = RUNNING
        _go_on(rollout)
    else:
        rollout_steps.halt(rollout, STOPPED, {"code": "approval_denied"})


@approvals_lapsed.connect
def follow_lapse(_sender: object, *, approval_ids: Sequence[str]) -> None:
    """Nobody decided in time: the rollout pauses, and asks again when it is resumed."""
    for approval_id in approval_ids:
        rollout = _awaiting(approval_id)
        if rollout is not None:
            rollout.approval_id = None
            rollout_steps.halt(rollout, PAUSED, {"code": "approval_lapsed"})


def _taken(actor: Actor, rollout_id: str, act: str, reason: str, states: Collection[str]) -> Rollout:
    """The rollout, locked, of an actor who may do this now; the act is audited with its reason."""
    actor.require(Permission.DOCUMENT_PUBLISH)
    actor.require_everything()
    why = clean_reason(reason)
    lock.alone()
    rollout = rollouts.locked(rollout_id)
    if rollout.state not in states or not (rollout.staged or act == "rollback"):
        raise Conflict(
            "rollout_state",
            Text(
                f"发布的状态为“{rollout.state}”，不能执行该操作。",
                f"A rollout that is {rollout.state} does not take that.",
            ),
            state=rollout.state,
        )
    audit.record(actor, f"rollout.{act}", ("rollout", rollout_id), {"reason": why, "from": rollout.state})
    live.announce(TOPIC, [rollout_id])
    return rollout


def _run(rollout: Rollout) -> None:
    if rollout.state == PAUSED or rollout.emergency:
        rollout.state = RUNNING
    rollout.why = None
    _go_on(rollout)


def _go_on(rollout: Rollout) -> None:
    """The time that it stood still counts for nothing; what is due at once is done at once."""
    rollout.evaluated_at = clock.now()
    session().flush()
    rollout_steps.begin(rollout.id)


@operation(START, Permission.DOCUMENT_PUBLISH)
def _start_again(actor: Actor, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    start(actor, arguments["rollout"], arguments["reason"])
    return {"rollout": arguments["rollout"]}


@operation(ROLLBACK, Permission.DOCUMENT_PUBLISH)
def _roll_back_again(actor: Actor, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"rollout": rollback(actor, arguments["rollout"], arguments["reason"])}


def _doing(name: str, rollout_id: str, reason: str, made: Sequence[InForce]) -> Doing:
    """An act on a rollout, to be done again while its documents stay as they are."""
    everywhere = rollouts.versions_everywhere([one.id for one in made])
    documents = [{"kind": one.kind, "name": one.name, "action": name.partition(".")[2], "fields": []} for one in made]
    return Doing(
        name,
        {"rollout": rollout_id, "reason": reason.strip()},
        {one.id: [_newest(one.id), everywhere.get(one.id)] for one in made},
        reason,
        frozenset({ROOT_ID}),
        {"documents": documents, "rollout": rollout_id},
    )


def _newest(document_id: str) -> int:
    """The number of the newest version of a document."""
    return session().get_one(PolicyDocument, document_id).version


def _carried(rollout_id: str) -> list[InForce]:
    """The versions that a rollout carries."""
    version, item = DocumentVersion, RolloutItem
    query = (
        select(PolicyDocument.id, PolicyDocument.kind, PolicyDocument.name, version.version, version.spec)
        .join(item, item.document_id == PolicyDocument.id)
        .join(version, (version.document_id == item.document_id) & (version.version == item.version))
        .where(item.rollout_id == rollout_id)
        .order_by(PolicyDocument.id)
    )
    return [InForce(*row) for row in session().execute(query)]


def _items(rollout_id: str) -> list[tuple[str, int]]:
    return [(item.document_id, item.version) for item in rollouts.items_of(rollout_id)]


def _check_undoable(rollout: Rollout, carried: Sequence[RolloutItem]) -> None:
    everywhere = rollouts.versions_everywhere([item.document_id for item in carried])
    for item in carried:
        if item.previous is None:
            raise Conflict(
                "no_older_version",
                Text(
                    "该文档此前没有已发布的版本，无法回退。请发布修正后的内容，或删除该文档。",
                    "There is no older version to go back to. Publish corrected content, or delete the document.",
                ),
            )
        if everywhere.get(item.document_id) not in (item.previous, item.version):
            raise Conflict(
                "superseded",
                Text("之后已发布更新的版本，无法回退该发布。", "A newer version was published since. Roll that back."),
            )
    if not carried:
        raise Conflict("nothing_to_undo", Text("该发布不含文档版本，无法回退。", "This rollout carries no version."))
    if rollout.state in (STOPPED, FINISHED):
        rollouts.require_free([item.document_id for item in carried])


def _restore(actor: Actor, item: RolloutItem, reason: str) -> InForce:
    row = session().get_one(PolicyDocument, item.document_id, with_for_update=True, populate_existing=True)
    if row.deleted_at is not None:
        raise publish.no_such_document(row.kind, row.name)
    older = session().get_one(DocumentVersion, (item.document_id, item.previous))
    return publish.add_version(actor, row, older, restores=older.version, reason=reason)


def _asked(actor: Actor, rollout_id: str) -> str:
    actor.require(Permission.DOCUMENT_PUBLISH)
    lock.alone()
    rollout = rollouts.locked(rollout_id)
    if rollout.state != PENDING or rollout.approval_id is None:
        raise Conflict("no_approval_asked", Text("该发布没有等待审批。", "This rollout waits for no second person."))
    return rollout.approval_id


def _awaiting(approval_id: str) -> Rollout | None:
    query = select(Rollout).where(Rollout.approval_id == approval_id, Rollout.state == PENDING)
    return session().scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()


ACTS: Mapping[str, Callable[[Actor, str, str], None]] = {
    "start": start,
    "pause": pause,
    "resume": resume,
    "skip": skip,
    "stop": stop,
    "emergency": emergency,
    "approve": approve,
    "deny": deny,
}
"""What people do to a rollout, by name: its id and the reason."""
