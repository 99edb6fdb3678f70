"""The actions of all rules in one order, the weakest first."""

from __future__ import annotations

from typing import Literal, get_args

Action = Literal["allow", "alert", "warn", "lost_contact_only", "delay", "approval", "lock", "block"]
ACTIONS: tuple[Action, ...] = get_args(Action)
_RANK = {action: rank for rank, action in enumerate(ACTIONS)}

REFUSING: frozenset[Action] = frozenset({"block", "lock", "approval", "delay", "lost_contact_only"})


def rank(action: Action) -> int:
    """The place of an action in the order; the greater is the stricter."""
    return _RANK[action]


def strictest(*actions: Action) -> Action:
    """The strictest of some actions, `allow` when there are none."""
    return max(actions, key=rank, default="allow")


def refuses(action: Action) -> bool:
    """Whether the thing must not happen now (it may after an approval, a delay or an unlock)."""
    return action in REFUSING
