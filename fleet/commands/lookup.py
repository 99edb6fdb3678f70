"""Finding commands in an actor's scope: by their own id, or all of a batch by its."""

from __future__ import annotations

from sqlalchemy import Select, select

from core.actor import Actor
from core.db import session
from core.errors import NotFound
from core.text import Text
from fleet.commands.models import Command
from fleet.models import Device
from fleet.visibility import in_scope


def in_sight(actor: Actor) -> Select[tuple[Command]]:
    """The commands of the phones that an actor sees."""
    return select(Command).join(Device, Device.id == Command.device_id).where(in_scope(actor))


def commands(actor: Actor, some_id: str, *, lock: bool = False) -> list[Command]:
    """The command of that id, or the commands of the batch of that id, in id order. Raises NotFound for none."""
    query = in_sight(actor).where((Command.id == some_id) | (Command.batch_id == some_id)).order_by(Command.id)
    if lock:
        query = query.with_for_update(of=Command).execution_options(populate_existing=True)
    found = list(session().scalars(query))
    if not found:
        raise NotFound("no_such_command", Text("没有这条命令。", "There is no such command."))
    return found
