"""Who does something: every service function takes one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from core.errors import Forbidden
from core.permissions import Permission
from core.text import Text

ROOT_PATH = "/"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a phone or the system itself, with what it may do and where.

    `unit_path` is the id path of the org unit whose subtree bounds what the actor sees; None sees nothing.
    `must_change_password`: signed in with a password that somebody else set, and held to choose another first.
    """

    kind: Literal["staff", "device", "system"]
    id: str
    name: str
    permissions: frozenset[Permission] = frozenset()
    unit_path: str | None = None
    session_id: str | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    must_change_password: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether the actor holds the permission."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raise Forbidden unless the actor holds the permission."""
        if permission not in self.permissions:
            raise Forbidden(
                "permission_missing",
                Text(
                    f"您的角色没有“{permission}”权限，请联系平台管理员。",
                    f"Your roles lack the permission “{permission}”. Ask a platform administrator.",
                ),
                permission=str(permission),
            )

    def require_everything(self) -> None:
        """Raise Forbidden unless the actor stands at the root of the tree: for what concerns the whole fleet."""
        if self.unit_path != ROOT_PATH:
            raise Forbidden(
                "whole_tree_only",
                Text(
                    "此操作影响整个组织，只能由根组织的账号执行。",
                    "This concerns the whole fleet. Only an account at the root of the tree does it.",
                ),
            )


def system_actor(name: str) -> Actor:
    """The server itself acting, for jobs, device messages and the command line."""
    return Actor("system", name, name, frozenset(Permission), ROOT_PATH)
