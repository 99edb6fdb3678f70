"""What each role may do, as a table to be read at a glance.

Losing records and accepting contested ones stay with compliance: a platform administrator can hand that role to
somebody else, never act in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from core.permissions import Permission as P
from core.text import Text


class Role(StrEnum):
    """The roles a person can hold, several at a time."""

    PLATFORM_ADMIN = "platform_admin"
    IT_ADMIN = "it_admin"
    POLICY_AUTHOR = "policy_author"
    COMPLIANCE_OFFICER = "compliance_officer"
    SUPERVISOR = "supervisor"
    EMPLOYEE = "employee"
    AUDITOR = "auditor"


TITLES: dict[Role, Text] = {
    Role.PLATFORM_ADMIN: Text("平台管理员", "Platform administrator"),
    Role.IT_ADMIN: Text("设备管理员", "IT administrator"),
    Role.POLICY_AUTHOR: Text("策略编写人", "Policy author"),
    Role.COMPLIANCE_OFFICER: Text("合规专员", "Compliance officer"),
    Role.SUPERVISOR: Text("主管", "Supervisor"),
    Role.EMPLOYEE: Text("员工", "Employee"),
    Role.AUDITOR: Text("审计员", "Auditor"),
}

_COMPLIANCE_ALONE = {P.COMMAND_APPROVE_RECORD_LOSS, P.ARCHIVE_CONTEST}
_LOOK = {P.STAFF_READ, P.ORG_READ, P.DEVICE_READ, P.GROUP_READ, P.COMMAND_READ, P.DOCUMENT_READ, P.COMPLIANCE_READ}
_QUARANTINE = {P.QUARANTINE_READ, P.QUARANTINE_REPLAY}
_FREEZE = {P.FREEZE_READ, P.FREEZE_WRITE}

PERMISSIONS: dict[Role, frozenset[P]] = {
    Role.PLATFORM_ADMIN: frozenset(P) - _COMPLIANCE_ALONE,
    Role.IT_ADMIN: frozenset(
        _LOOK
        | _QUARANTINE
        | _FREEZE
        | {P.NOTIFICATION_READ}
        | {P.STAFF_WRITE, P.DEVICE_WRITE, P.DEVICE_REVOKE, P.ENROLLMENT_READ, P.ENROLLMENT_WRITE}
        | {P.COMMAND_SEND, P.COMMAND_DESTROY, P.COMMAND_APPROVE, P.COMPLIANCE_HANDLE, P.SYSTEM_READ}
    ),
    Role.POLICY_AUTHOR: frozenset(_LOOK | {P.DOCUMENT_WRITE, P.DOCUMENT_PUBLISH}),
    Role.COMPLIANCE_OFFICER: frozenset(
        _LOOK
        | _FREEZE
        | _COMPLIANCE_ALONE
        | {P.NOTICE_READ, P.NOTICE_WRITE, P.COMMAND_APPROVE, P.ARCHIVE_READ, P.AUDIT_READ, P.QUARANTINE_READ}
        | {P.COMPLIANCE_HANDLE, P.COMPLIANCE_EXCEPT}
        | {P.NOTIFICATION_READ}
    ),
    Role.SUPERVISOR: frozenset(_LOOK | {P.ARCHIVE_READ}),
    Role.EMPLOYEE: frozenset(),
    Role.AUDITOR: frozenset(permission for permission in P if permission.endswith(".read")),
}


def permissions_of(roles: Iterable[str]) -> frozenset[P]:
    """All that the roles allow together; a name that is no role allows nothing."""
    known = {str(role): granted for role, granted in PERMISSIONS.items()}
    return frozenset().union(*(known.get(role, frozenset()) for role in roles))


def roles_with(permission: P) -> list[str]:
    """The roles that hold a permission."""
    return [str(role) for role, granted in PERMISSIONS.items() if permission in granted]
