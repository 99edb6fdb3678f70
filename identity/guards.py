"""Refusals that higher rooms bind: whoever holds something of a unit may keep it from being removed or moved."""

from __future__ import annotations

from collections.abc import Callable

from core.actor import Actor
from core.text import Text
from identity.operations import Doing

UnitGuard = Callable[[str], Text | None]
MoveGuard = Callable[[Actor, str, Doing], None]

_unit_guards: list[UnitGuard] = []
_move_guards: list[MoveGuard] = []


def before_unit_removal(guard: UnitGuard) -> UnitGuard:
    """Register a guard: given a unit id it returns why the unit must stay, or None."""
    if guard not in _unit_guards:
        _unit_guards.append(guard)
    return guard


def why_unit_stays(unit_id: str) -> Text | None:
    """The first reason that a guard gives, if any."""
    return next((reason for guard in _unit_guards if (reason := guard(unit_id))), None)


def after_unit_move(guard: MoveGuard) -> MoveGuard:
    """Register a guard: given the actor, the id path that a unit has now and the move, it raises to undo it."""
    if guard not in _move_guards:
        _move_guards.append(guard)
    return guard


def unit_moved(actor: Actor, unit_path: str, doing: Doing) -> None:
    """Ask all guards about a unit that was written to another place, before anybody hears of it."""
    for guard in _move_guards:
        guard(actor, unit_path, doing)
