"""Operations that a guard may hold back for a second person: what is being done, said so that it can be done again.

A service that may be held back registers its operation here and gives its guard a `Doing`. The guard keeps it, and once
somebody else has let it happen, `run` does the same again as whoever asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.actor import Actor
from core.permissions import Permission
from identity import approval_kinds


@dataclass(frozen=True, slots=True)
class Doing:
    """What somebody is doing: the operation, its arguments and what it rests on, all of it JSON.

    `base` names what must be the same when it is done again: revisions, versions, places. `unit_ids` are the org units
    that a second person must see, `shown` what they read of it beside the reason.
    """

    operation: str
    arguments: Mapping[str, Any]
    base: Mapping[str, Any]
    reason: str
    unit_ids: frozenset[str]
    shown: Mapping[str, Any] = field(default_factory=dict)


Run = Callable[[Actor, Mapping[str, Any]], Mapping[str, Any]]
"""Does an operation with its arguments; returns what it made (a rollout), to be shown. Raises as its service does."""

_operations: dict[str, Run] = {}


def operation(name: str, *needed: Permission) -> Callable[[Run], Run]:
    """Register how an operation is done; its name is the kind of its approvals, `needed` what its requester holds."""
    approval_kinds.kind(name, *needed)

    def add(run: Run) -> Run:
        _operations[name] = run
        return run

    return add


def names() -> frozenset[str]:
    """Names of all operations."""
    return frozenset(_operations)


def run(actor: Actor, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Do it. Raises as the operation's own service."""
    return _operations[name](actor, arguments)
