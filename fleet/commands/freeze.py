"""The freeze: while it is on, nothing that destroys is signed for any phone. Its row is also the lock of the caps."""

from __future__ import annotations

from sqlalchemy import select

from core import audit, clock, live, outbox, witness
from core.actor import Actor
from core.db import session, upsert
from core.errors import Forbidden
from core.permissions import Permission
from core.reasons import clean_reason
from core.text import Text
from fleet.commands import take_back
from fleet.commands.models import Command, Freeze
from fleet.commands.registry import EFFECT
from fleet.commands.states import UNFINISHED
from fleet.commands.views import FreezeView
from identity.queries import everybody_with
from identity.roles import Role
from notify import notices
from notify.topics import Severity, register

ROW_ID = 1
ON = register("freeze_on", Severity.CRITICAL, Text("破坏性命令已被紧急冻结", "Destructive commands are frozen"))
LIFTED = register("freeze_lifted", Severity.WARNING, Text("紧急冻结已解除", "The freeze was lifted"))
_HELD = (Command.destructive, Command.state.in_(UNFINISHED), Command.withdrawn.is_(False))


def state(actor: Actor) -> FreezeView:
    """Whether destructive commands are held, since when and why."""
    actor.require(Permission.FREEZE_READ)
    return _view(session().get(Freeze, ROW_ID))


def is_frozen() -> bool:
    """Whether destructive commands are held right now."""
    return bool(session().scalar(select(Freeze.frozen).where(Freeze.id == ROW_ID)))


def banner() -> FreezeView | None:
    """What every page says while the freeze is on: since when, by whom and why; None while it is off."""
    row = session().get(Freeze, ROW_ID)
    if row is None or not row.frozen:
        return None
    return FreezeView(frozen=True, reason=row.reason, since=row.since, by=row.by_name, held=0)


def change(actor: Actor, frozen: bool, reason: str) -> FreezeView:
    """Freeze, or lift the freeze, with a reason. Raises Invalid, Forbidden.

    Any of those who may freezes; only a platform administrator at the root of the tree lifts it.
    """
    actor.require(Permission.FREEZE_WRITE)
    reason = clean_reason(reason)
    if not frozen:
        _require_lifter(actor)
        actor.require_everything()
    row = gate()
    if row.frozen != frozen:
        row.frozen, row.reason, row.since = frozen, reason, clock.now()
        row.by_id, row.by_name = actor.id, actor.name
        session().flush()
        audit.record(actor, "freeze.on" if frozen else "freeze.lift", ("freeze", "fleet"), {"reason": reason})
        live.announce("freeze", ["fleet"])
        _tell(actor, ON if frozen else LIFTED)
        if frozen:
            take_back.take_back(list(session().scalars(select(Command).where(*_HELD))))
            witness.note_head_after_commit()
        else:
            outbox.enqueue(EFFECT, _waiting())
    return _view(row)


def gate() -> Freeze:
    """The freeze's row, locked until the unit of work ends: whoever counts against the caps takes turns here."""
    row = {"id": ROW_ID, "frozen": False, "reason": "", "since": None, "by_id": None, "by_name": None}
    upsert(session(), Freeze.__table__, [row], ["id"], update=[])
    query = select(Freeze).where(Freeze.id == ROW_ID).with_for_update()
    return session().scalars(query.execution_options(populate_existing=True)).one()


def _tell(actor: Actor, kind: str) -> None:
    """Every other administrator hears of it, in whatever part of the tree."""
    said = (
        Text("破坏性命令已被紧急冻结。", "All destructive commands are frozen.")
        if kind == ON
        else Text("紧急冻结已解除，暂停的命令将继续下发。", "The freeze was lifted; commands that waited go on.")
    )
    others = [person for person in everybody_with(Permission.FREEZE_WRITE) if person != actor.id]
    notices.send(others, kind, said, ("freeze", "fleet"))


def _require_lifter(actor: Actor) -> None:
    if actor.kind != "system" and Role.PLATFORM_ADMIN not in actor.roles:
        raise Forbidden(
            "platform_admin_only",
            Text("只有平台管理员可以解除冻结。", "Only a platform administrator lifts the freeze."),
        )


def _waiting() -> list[str]:
    query = select(Command.id).where(*_HELD)
    return list(session().scalars(query.order_by(Command.requested_at, Command.id)))


def _view(row: Freeze | None) -> FreezeView:
    if row is None or not row.frozen:
        return FreezeView(
            frozen=False,
            reason=row.reason if row else "",
            since=row.since if row else None,
            by=row.by_name if row else None,
            held=0,
        )
    return FreezeView(frozen=True, reason=row.reason, since=row.since, by=row.by_name, held=len(_waiting()))
