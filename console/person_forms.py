"""The forms that take somebody in, change them, and give them a new password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import choices, errors, forms, words
from core.errors import Invalid, ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.ids import new_token
from core.limits import MAX_REVISION, MAX_UNIT_PATH
from core.permissions import Permission
from core.text import Text
from identity import people
from identity.passwords import MIN_LENGTH
from identity.people import PersonChanges

MAX_ROLES = 10
FIRST_LETTERS = 16
MAX_EMAIL = 254
FIELDS = {
    "bad_name": "name",
    "bad_username": "username",
    "username_taken": "username",
    "bad_employee_no": "employee_no",
    "employee_no_taken": "employee_no",
    "bad_email": "email",
    "unknown_org_unit": "org_unit",
    "password_without_username": "username",
    "login_needs_username": "username",
    "unknown_role": "roles",
    "own_roles": "roles",
    "beyond_own_rights": "roles",
    "last_platform_admin": "roles",
}

pages = Pages("person_forms", __name__)


@pages.get("/people/new", Permission.STAFF_WRITE)
@errors.shows("page_person_forms.create")
def new(problem: ShoujiError | None = None) -> str:
    """The form of a new person."""
    return _form("person_new.html", _sent() if problem else {"login": ""}, problem, own=False)


@pages.post("/people/new", Permission.STAFF_WRITE, reads_first=True)
def create() -> ResponseReturnValue:
    """Take somebody in; with a login, their first password is told once."""
    username = forms.field("username", 64).strip() or None
    login = forms.field("login") == "yes"
    if login and username is None:
        raise Invalid("login_needs_username", Text("允许登录时请填写用户名。", "Whoever signs in needs a user name."))
    password = _first_password() if login else None
    person = people.create(
        current_actor(),
        name=forms.field("name"),
        username=username,
        employee_no=forms.field("employee_no") or None,
        email=forms.field("email", MAX_EMAIL) or None,
        password=password,
        roles=forms.values("roles", 40, MAX_ROLES),
        org_unit=forms.field("org_unit", MAX_UNIT_PATH).strip() or "/",
    )
    if password is None:
        return forms.done(url_for("page_people.show", id=person.id), Text("已添加人员。", "The person is added."))
    return render_template("person_password.html", person=person, password=password)


@pages.get("/people/<id>/edit", Permission.STAFF_WRITE)
@errors.shows("page_person_forms.change")
def edit(id: str, problem: ShoujiError | None = None) -> str:
    """The form that changes somebody."""
    actor = current_actor()
    person = people.get(actor, id)
    stored = {
        "name": person.name,
        "username": person.username,
        "employee_no": person.employee_no,
        "email": person.email,
        "org_unit": person.org_unit,
        "roles": person.roles,
        "revision": person.revision,
    }
    values = {**stored, **_sent()} if problem else stored
    return _form("person_edit.html", values, problem, own=person.id == actor.id, person=person)


@pages.post("/people/<id>/edit", Permission.STAFF_WRITE)
def change(id: str) -> ResponseReturnValue:
    """Change somebody, unless somebody else did so meanwhile."""
    fields = {"name", "username", "employee_no", "email", "org_unit"}
    roles = frozenset(forms.values("roles", 40, MAX_ROLES)) if id != current_actor().id else None
    changes = PersonChanges(
        frozenset(fields | ({"roles"} if roles is not None else set())),
        name=forms.field("name"),
        username=forms.field("username", 64).strip() or None,
        employee_no=forms.field("employee_no") or None,
        email=forms.field("email", MAX_EMAIL) or None,
        org_unit=forms.field("org_unit", MAX_UNIT_PATH).strip() or "/",
        roles=roles,
    )
    people.change(current_actor(), id, changes, forms.whole("revision", 1, 1, MAX_REVISION))
    return forms.done(url_for("page_people.show", id=id), Text("已保存。", "Saved."))


@pages.get("/people/<id>/password", Permission.STAFF_WRITE)
@errors.shows("page_person_forms.reset_password")
def ask_password(id: str, problem: ShoujiError | None = None) -> str:
    """Ask before a password is replaced."""
    person = people.get(current_actor(), id)
    return render_template("person_reset.html", person=person, error=problem.text if problem else None)


@pages.post("/people/<id>/password", Permission.STAFF_WRITE, reads_first=True)
def reset_password(id: str) -> str:
    """Give somebody a new password, told once; their sessions end."""
    password = _first_password()
    changes = PersonChanges(frozenset({"password"}), password=password)
    person = people.change(current_actor(), id, changes)
    return render_template("person_password.html", person=person, password=password)


def _first_password() -> str:
    plain = new_token(max(FIRST_LETTERS, MIN_LENGTH)).lower()
    return "-".join(plain[place : place + 4] for place in range(0, len(plain), 4))


def _sent() -> dict[str, Any]:
    return {**request.form.to_dict(), "roles": request.form.getlist("roles")}


def _form(template: str, values: Mapping[str, Any], problem: ShoujiError | None, **more: Any) -> str:
    return render_template(
        template,
        values=values,
        error=problem.text if problem else None,
        error_field=forms.field_of(problem, FIELDS) if problem else None,
        units=choices.units(current_actor()),
        roles=words.roles(),
        **more,
    )
