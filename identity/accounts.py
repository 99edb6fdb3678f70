"""Rules over accounts: who may change whose, who may grant what, and that an administrator always remains."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select

from core import clock
from core.actor import Actor
from core.db import session
from core.errors import Conflict, Forbidden, Invalid
from core.text import Text
from identity.models import ACTIVE, AccountChange, Person, RoleGrant
from identity.roles import Role, permissions_of

CREATED, GRANTED, RESET = "created", "granted", "reset"


def roles_of(person_id: str) -> frozenset[str]:
    """The roles that a person holds."""
    return frozenset(session().scalars(select(RoleGrant.role).where(RoleGrant.person_id == person_id)))


def require_authority(actor: Actor, roles: Iterable[str]) -> None:
    """Raise Forbidden unless the actor may have power over somebody with these roles: it holds all that they allow.

    Granting, taking away and resetting all ask this, or an IT administrator could become anybody by a reset.
    """
    if Role.PLATFORM_ADMIN in actor.roles or permissions_of(roles) <= actor.permissions:
        return
    raise Forbidden(
        "beyond_own_rights",
        Text(
            "该账号或角色的权限超出您自己的权限，请联系平台管理员。",
            "This account or role has rights that you do not hold. Ask a platform administrator.",
        ),
    )


def check_roles(roles: Iterable[str]) -> frozenset[str]:
    """The roles as a set. Raises Invalid for a name that is none."""
    wanted = frozenset(roles)
    unknown = sorted(wanted - {str(role) for role in Role})
    if unknown:
        names = ", ".join(str(role) for role in Role)
        raise Invalid(
            "unknown_role",
            Text(f"没有角色“{unknown[0]}”。可用：{names}", f"There is no role “{unknown[0]}”. Roles: {names}"),
        )
    return wanted


def set_roles(actor: Actor, person_id: str, wanted: frozenset[str]) -> dict[str, list[str]]:
    """Make the person's roles the wanted ones; returns what was added and removed. The caller has checked authority."""
    held = roles_of(person_id)
    added, removed = sorted(wanted - held), sorted(held - wanted)
    if not added and not removed:
        return {}
    current, at, by = session(), clock.now(), staff_id(actor)
    current.add_all(RoleGrant(person_id=person_id, role=role, granted_at=at, granted_by=by) for role in added)
    for grant in current.scalars(
        select(RoleGrant).where(RoleGrant.person_id == person_id, RoleGrant.role.in_(removed))
    ):
        current.delete(grant)
    current.flush()
    if added:
        note_change(actor, person_id, GRANTED)
    return {"added": added, "removed": removed}


def note_change(actor: Actor, person_id: str, kind: str) -> None:
    """Remember who had a hand in an account, for approvals. Changes to one's own account do not count."""
    by = staff_id(actor)
    if by is not None and by != person_id:
        session().add(AccountChange(person_id=person_id, by_id=by, kind=kind, at=clock.now()))


def lock_admins() -> None:
    """Hold the platform administrators' grants, so that two of them cannot remove each other at once."""
    session().execute(select(RoleGrant.person_id).where(RoleGrant.role == Role.PLATFORM_ADMIN).with_for_update())


def require_admin_left() -> None:
    """Raise Conflict when no active platform administrator with a login remains after the change just flushed."""
    if count_admins() == 0:
        raise Conflict(
            "last_platform_admin",
            Text(
                "这是最后一个平台管理员，请先把该角色授予另一个有登录账号的人。",
                "This is the last platform administrator. Grant the role to somebody else with a login first.",
            ),
            audit=True,
        )


def count_admins() -> int:
    """How many active people with a login hold the role of platform administrator."""
    query = select(func.count()).select_from(Person).join(RoleGrant, RoleGrant.person_id == Person.id)
    query = query.where(
        RoleGrant.role == Role.PLATFORM_ADMIN, Person.state == ACTIVE, Person.password_hash.is_not(None)
    )
    return session().scalar(query) or 0


def staff_id(actor: Actor) -> str | None:
    """The actor's id when it is a person."""
    return actor.id if actor.kind == "staff" else None
