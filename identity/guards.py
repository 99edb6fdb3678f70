"""Refusals that higher rooms bind: whoever holds something of a unit may keep it from being removed."""

from __future__ import annotations

from collections.abc import Callable

from core.text import Text

UnitGuard = Callable[[str], Text | None]

_unit_guards: list[UnitGuard] = []


def before_unit_removal(guard: UnitGuard) -> UnitGuard:
    """Register a guard: given a unit id it returns why the unit must stay, or None."""
    if guard not in _unit_guards:
        _unit_guards.append(guard)
    return guard


def why_unit_stays(unit_id: str) -> Text | None:
    """The first reason that a guard gives, if any."""
    return next((reason for guard in _unit_guards if (reason := guard(unit_id))), None)
