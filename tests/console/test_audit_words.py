"""Every action that the code records in the audit log has words for people, in both languages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from archive.models import CONTESTED, DISMISSED
from console.audit_words import ACTIONS
from core import witness
from core.installation import BACKED_UP
from fleet.states import ACTIVE, LOST, RETIRED, WIPED
from identity.approvals import APPROVED, DENIED
from policies.rollout_actions import ACTS
from policies.rollouts import PAUSED, STOPPED

ROOT = Path(__file__).parents[2]
ROOMS = (
    *("core", "mqtt", "notify", "identity", "fleet", "policies"),
    *("archive", "compliance", "imports", "console", "operations"),
)
FAMILIES = {
    "approval": {APPROVED, DENIED},
    "compliance": {"step", "step_reset"},
    "device": {ACTIVE, LOST, RETIRED, WIPED},
    "expected_phone": {"create", "change"},
    "records": {CONTESTED, DISMISSED},
    "rollout": {*(ACTS.keys() - {"approve", "deny"}), "rollback", PAUSED, STOPPED},
}
"""What follows the dot of an action that is put together where it is recorded."""
NAMED = {
    "BACKED_UP": {BACKED_UP},
    "ACTION": {witness.ACTION},
    "action": {"command.request", "device.revoke", "sign_in", "person.password"},
}
"""Actions that are named by a variable where they are recorded."""


def _recorded() -> Iterator[tuple[str, ast.expr]]:
    """Where an action is recorded, and the expression of the action."""
    for path in (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "record"
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "audit"
            ):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.args[1]


def _actions(expression: ast.expr) -> set[str]:
    """All actions that an expression may be."""
    if isinstance(expression, ast.Constant):
        return {str(expression.value)}
    if isinstance(expression, ast.IfExp):
        return _actions(expression.body) | _actions(expression.orelse)
    if isinstance(expression, ast.JoinedStr) and isinstance(expression.values[0], ast.Constant):
        family = str(expression.values[0].value).removesuffix(".")
        return {f"{family}.{name}" for name in FAMILIES[family]}
    return NAMED[ast.unparse(expression)]


def test_every_action_has_words() -> None:
    recorded = list(_recorded())
    assert len(recorded) > 80
    wordless = {(where, action) for where, found in recorded for action in _actions(found) if action not in ACTIONS}
    assert wordless == set()
