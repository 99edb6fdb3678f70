"""Moving commands from state to state: the one place that writes a state, its history and what follows from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select

from core import clock, live, witness
from core.actor import Actor
from core.db import insert_rows, session
from fleet import timeline
from fleet.commands import last_words, sealing, take_back
from fleet.commands.events import FinishedCommand, commands_finished
from fleet.commands.models import Command, CommandStep
from fleet.commands.registry import kind_of
from fleet.commands.states import FINAL, WITHDRAWING, State, Trigger, following

STAMPS: Mapping[State, str] = {State.SENT: "sent_at", State.RECEIVED: "received_at"}


@dataclass(frozen=True, slots=True)
class Move:
    """A step that something asks for; `why` is a stable code that says more than the trigger.

    `iat` and `result` are the phone's: a word older than the newest one changes nothing.
    """

    command: Command
    trigger: Trigger
    actor: Actor | None = None
    why: str = ""
    result: Mapping[str, Any] | None = None
    iat: int | None = None


@dataclass(frozen=True, slots=True)
class _Made:
    move: Move
    old: State
    new: State


def locked(*which: ColumnElement[bool], limit: int | None = None) -> list[Command]:
    """Commands that meet the conditions, locked in id order so that two writers never wait in a circle."""
    query = select(Command).where(*which).order_by(Command.id).with_for_update()
    if limit is not None:
        query = query.limit(limit)
    return list(session().scalars(query.execution_options(populate_existing=True)))


def carry_out(moves: Sequence[Move]) -> list[Command]:
    """Make the legal ones of these steps, in order; the others change nothing. Returns the commands that moved."""
    at = clock.now()
    made = [step for move in moves if (step := _make(move, at)) is not None]
    if not made:
        return []
    session().flush()
    _tell(made, at)
    last_words.observe([(step.move.command, step.new) for step in made])
    _withdraw([step.move.command for step in made if step.new in WITHDRAWING])
    _finish([step for step in made if step.new in FINAL])
    return [step.move.command for step in made]


def _make(move: Move, at: datetime) -> _Made | None:
    command = move.command
    old, new = State(command.state), following(command.state, move.trigger)
    stale = move.iat is not None and command.result_iat is not None and move.iat < command.result_iat
    if new is None or stale:
        return None
    command.state, command.state_since, command.held = new, at, None
    stamp = STAMPS.get(new)
    if stamp and getattr(command, stamp) is None:
        setattr(command, stamp, at)
    command.finished_at = at if new in FINAL else None
    command.after_cancel = command.after_cancel or old is State.CANCELLED
    command.withdrawn = command.withdrawn or new in WITHDRAWING
    if new in (State.QUEUED, State.SENT, State.RECEIVED) and command.grace_s is not None:
        command.due_at = at + timedelta(seconds=command.grace_s)
    if move.result is not None:
        command.result = sealing.seal_result(command.id, move.result)
    if move.iat is not None:
        command.result_iat = move.iat
    return _Made(move, old, new)


def _withdraw(commands: Sequence[Command]) -> None:
    take_back.take_back(commands)
    if any(command.destructive for command in commands):
        # Without the head, a database put back within the minute would not be known for restored, and destroy.
        witness.note_head_after_commit()


def _tell(made: Sequence[_Made], at: datetime) -> None:
    insert_rows(session(), CommandStep.__table__, [_step(one, at) for one in made])
    timeline.add(
        [line(one.move.command, one.new, one.move.actor, {"why": one.move.why} if one.move.why else {}) for one in made]
    )
    announce([one.move.command for one in made])


def _step(one: _Made, at: datetime) -> dict[str, Any]:
    actor = one.move.actor
    return {
        "command_id": one.move.command.id,
        "at": at,
        "old": str(one.old),
        "new": str(one.new),
        "why": one.move.why or str(one.move.trigger),
        "actor_id": actor.id if actor else None,
        "actor_name": actor.name if actor else None,
    }


def line(command: Command, code: str, actor: Actor | None, detail: Mapping[str, Any] | None = None) -> timeline.Line:
    """A line of the phone's timeline about a command."""
    shown = {"type": command.type, **(detail or {})}
    if command.after_cancel:
        shown["after_cancel"] = True
    return timeline.Line(command.device_id, "command", f"command.{code}", actor, command.id, shown)


def announce(commands: Sequence[Command]) -> None:
    """Tell open pages that commands changed."""
    live.announce("commands", [command.id for command in commands])
    live.announce("devices", sorted({command.device_id for command in commands}))


def _finish(made: Sequence[_Made]) -> None:
    """What follows from an end: the kinds' own consequences, then the news for higher rooms."""
    finished = [_finished(one) for one in made]
    if not finished:
        return
    succeeded: dict[str, list[FinishedCommand]] = defaultdict(list)
    for command in finished:
        if command.state == State.SUCCEEDED:
            succeeded[command.type].append(command)
    for name, commands in succeeded.items():
        consequence = kind_of(name).on_success
        if consequence:
            consequence(commands)
    commands_finished.send(None, commands=finished)


def _finished(one: _Made) -> FinishedCommand:
    command = one.move.command
    return FinishedCommand(command.id, command.device_id, command.type, str(one.new), command.after_cancel)
