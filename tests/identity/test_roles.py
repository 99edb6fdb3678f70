from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.permissions import Permission
from identity.roles import PERMISSIONS, TITLES, Role, permissions_of, roles_with

ROLES = st.sets(st.sampled_from([str(role) for role in Role]))


def test_every_role_has_a_title_and_a_set_of_permissions() -> None:
    assert set(PERMISSIONS) == set(TITLES) == set(Role)


def test_every_permission_is_held_by_some_role() -> None:
    assert permissions_of(Role) == frozenset(Permission)


def test_losing_records_and_accepting_contested_ones_belong_to_compliance_alone() -> None:
    for permission in (Permission.COMMAND_APPROVE_RECORD_LOSS, Permission.ARCHIVE_CONTEST):
        assert roles_with(permission) == ["compliance_officer"]


def test_an_auditor_reads_all_and_changes_nothing() -> None:
    assert PERMISSIONS[Role.AUDITOR] == {permission for permission in Permission if permission.endswith(".read")}


def test_an_employee_may_nothing() -> None:
    assert PERMISSIONS[Role.EMPLOYEE] == frozenset()


def test_a_name_that_is_no_role_allows_nothing() -> None:
    assert permissions_of(["superuser", "PLATFORM_ADMIN"]) == frozenset()


@given(ROLES, ROLES)
def test_roles_add_up(left: set[str], right: set[str]) -> None:
    assert permissions_of(left | right) == permissions_of(left) | permissions_of(right)
