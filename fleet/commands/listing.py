"""Commands of the whole fleet as a list, and what of them waits for somebody."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func

from core.actor import Actor
from core.db import session
from core.errors import Invalid
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from core.text import Text
from fleet.chunks import chunks
from fleet.commands import lookup, reading
from fleet.commands.models import Command
from fleet.commands.states import OPEN, State
from fleet.commands.views import CommandView

UNDER_WAY = "open"


@dataclass(frozen=True, slots=True)
class CommandFilters:
    """What a list of commands is narrowed by; None does not narrow. `status` is a state, or `open` for all unfinished;
    `by` the id of who asked."""

    status: str | None = None
    type: str | None = None
    by: str | None = None
    batch: str | None = None


def find(
    actor: Actor, filters: CommandFilters | None = None, cursor: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[CommandView]:
    """A page of the commands that the actor sees, newest first, without outputs. Raises Invalid for no state."""
    actor.require(Permission.COMMAND_READ)
    query = _narrowed(lookup.in_sight(actor), filters or CommandFilters())
    page = keyset(session(), query, [Command.requested_at, Command.id], cursor, limit, descending=True)
    return page.map(lambda command: reading.view(command, output=False))


def count(actor: Actor, filters: CommandFilters | None = None) -> int:
    """How many commands the same filters find."""
    actor.require(Permission.COMMAND_READ)
    query = _narrowed(lookup.in_sight(actor), filters or CommandFilters())
    return session().scalar(query.with_only_columns(func.count(Command.id), maintain_column_froms=True)) or 0


def in_scope_of(actor: Actor, command_ids: Collection[str]) -> set[str]:
    """Those of the ids that are commands to phones in the actor's scope."""
    return {
        command_id
        for some in chunks(command_ids)
        for command_id in session().scalars(
            lookup.in_sight(actor).where(Command.id.in_(some)).with_only_columns(Command.id, maintain_column_froms=True)
        )
    }


def _narrowed(query: Select[Any], filters: CommandFilters) -> Select[Any]:
    if filters.status == UNDER_WAY:
        query = query.where(Command.state.in_(OPEN))
    elif filters.status is not None:
        if filters.status not in list(State):
            raise Invalid("bad_state", Text("没有这个命令状态。", "A command has no such state."))
        query = query.where(Command.state == filters.status)
    if filters.type is not None:
        query = query.where(Command.type == filters.type)
    if filters.by is not None:
        query = query.where(Command.requested_by == filters.by)
    return query.where(Command.batch_id == filters.batch) if filters.batch is not None else query
