"""How a person is shown."""

from __future__ import annotations

from sqlalchemy import select

from core.db import session
from core.views import Inner, Moment, View
from identity import queries
from identity.models import Person, RoleGrant


class PersonView(View):
    """A person as they are shown to those who may see them."""

    id: str
    username: str | None
    name: str
    employee_no: str | None
    email: str | None
    org_unit: str
    unit_id: Inner[str]
    state: str
    roles: list[str]
    has_login: bool
    must_change_password: bool
    created_at: Moment
    last_sign_in_at: Moment | None
    revision: int


def views(people: list[Person]) -> list[PersonView]:
    """Views of many people with two queries, whatever their number."""
    ids = [person.id for person in people]
    roles: dict[str, list[str]] = {person_id: [] for person_id in ids}
    if ids:
        grants = (
            select(RoleGrant.person_id, RoleGrant.role).where(RoleGrant.person_id.in_(ids)).order_by(RoleGrant.role)
        )
        for person_id, role in session().execute(grants):
            roles[person_id].append(role)
    units = queries.unit_refs({person.unit_id for person in people})
    return [
        PersonView(
            id=person.id,
            username=person.username,
            name=person.name,
            employee_no=person.employee_no,
            email=person.email,
            org_unit=units[person.unit_id].name_path,
            unit_id=person.unit_id,
            state=person.state,
            roles=roles[person.id],
            has_login=person.password_hash is not None,
            must_change_password=person.must_change_password,
            created_at=person.created_at,
            last_sign_in_at=person.last_sign_in_at,
            revision=person.revision,
        )
        for person in people
    ]


def view(person: Person) -> PersonView:
    """One person's view."""
    return views([person])[0]
