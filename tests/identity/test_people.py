from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask

from core.actor import Actor
from core.errors import Conflict, Forbidden, Invalid, NotFound, ShoujiError
from core.uow import unit_of_work
from identity import accounts, people, queries
from identity.people import PersonChanges
from identity.person_views import PersonView
from tests.identity import world
from tests.identity.world import PASSWORD, SYSTEM

pytestmark = pytest.mark.usefixtures("app")


def changes(**members: Any) -> PersonChanges:
    return PersonChanges(frozenset(members), **members)


def change(by: Actor, person_id: str, revision: int | None = None, **members: Any) -> PersonView:
    with unit_of_work():
        return people.change(by, person_id, changes(**members), revision)


def test_an_employee_needs_no_login() -> None:
    world.unit("/总部/电销")
    person_id = world.person(None, "employee", name="王芳", employee_no="E1024", org_unit="/总部/电销")
    with unit_of_work(write=False):
        view = people.get(SYSTEM, person_id)
        found = queries.person_by_employee_no("E1024")
    assert (view.username, view.has_login, view.org_unit, view.roles) == (None, False, "/总部/电销", ["employee"])
    assert found is not None
    assert found.id == person_id


def test_a_deactivated_employee_number_enrolls_no_phone() -> None:
    person_id = world.person(None, name="王芳", employee_no="E1024")
    with unit_of_work():
        people.deactivate(SYSTEM, person_id)
        assert queries.person_by_employee_no("E1024") is None
        assert queries.person_refs([person_id])[person_id].active is False


@pytest.mark.parametrize(("member", "value"), [("username", "LI.wei"), ("employee_no", "E1")])
def test_user_names_and_employee_numbers_are_taken_once(member: str, value: str) -> None:
    world.person("li.wei", employee_no="E1")
    with pytest.raises(Conflict, match=f"{member}_taken"), unit_of_work():
        people.create(SYSTEM, name="other", **{member: value})


def test_user_names_ignore_case_and_width() -> None:
    world.person("ＬＩwei")
    assert world.actor("liWEI").name == "ＬＩwei"


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password_length"),
        ("x" * 257, "password_length"),
        ("aaaaaaaaaaaaaaaa", "password_too_simple"),
        ("Administrator-1", "password_is_username"),
    ],
)
def test_a_weak_password_is_refused(password: str, code: str) -> None:
    with pytest.raises(Invalid, match=code), unit_of_work():
        people.create(SYSTEM, name="a", username="administrator-1", password=password)


def test_a_password_without_a_user_name_is_refused() -> None:
    with pytest.raises(Invalid, match="password_without_username"), unit_of_work():
        people.create(SYSTEM, name="a", password=PASSWORD)


def test_two_editors_at_once_lose_nothing() -> None:
    person_id = world.person("zhao")
    with unit_of_work(write=False):
        seen = people.get(SYSTEM, person_id).revision
    change(SYSTEM, person_id, seen, name="赵一")
    with pytest.raises(Conflict, match="stale_revision") as refused:
        change(SYSTEM, person_id, seen, name="赵二")
    assert refused.value.members["revision"] == seen + 1
    with unit_of_work(write=False):
        assert people.get(SYSTEM, person_id).name == "赵一"


def test_two_editors_in_the_same_moment_lose_nothing(app: Flask) -> None:
    person_id = world.person("zhao")
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def edit(name: str) -> None:
        with app.app_context():
            barrier.wait()
            try:
                change(SYSTEM, person_id, 1, name=name)
                outcomes.append(name)
            except Conflict as refused:
                outcomes.append(refused.code)

    threads = [threading.Thread(target=edit, args=(name,)) for name in ("甲", "乙")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(code for code in outcomes if code == "stale_revision") == ["stale_revision"]
    with unit_of_work(write=False):
        assert people.get(SYSTEM, person_id).name in outcomes


def test_editors_of_different_members_both_keep_their_change() -> None:
    person_id = world.person("zhao")
    change(SYSTEM, person_id, name="赵一")
    view = change(SYSTEM, person_id, employee_no="E7")
    assert (view.name, view.employee_no, view.revision) == ("赵一", "E7", 3)


def test_a_change_that_changes_nothing_keeps_the_revision() -> None:
    person_id = world.person("zhao", "employee", name="赵")
    view = change(SYSTEM, person_id, name="赵", roles=frozenset({"employee"}), org_unit="/")
    assert view.revision == 1


def test_people_are_found_by_name_number_unit_and_role_and_paged() -> None:
    world.unit("/A/一组")
    world.unit("/B")
    for number in range(5):
        world.person(None, name=f"张{number}", employee_no=f"E10{number}", org_unit="/A/一组")
    world.person("boss", "supervisor", name="李总", org_unit="/B")
    with unit_of_work(write=False):
        first = people.find(SYSTEM, q="张", limit=3)
        second = people.find(SYSTEM, q="张", limit=3, cursor=first.next_cursor)
        assert [view.name for view in (*first.items, *second.items)] == [f"张{number}" for number in range(5)]
        assert second.next_cursor is None
        assert [view.name for view in people.find(SYSTEM, q="e103").items] == ["张3"]
        assert len(people.find(SYSTEM, org_unit="/A").items) == 5
        assert [view.username for view in people.find(SYSTEM, role="supervisor").items] == ["boss"]
        assert people.find(SYSTEM, q="%").items == []


def test_people_outside_the_scope_look_like_nobody() -> None:
    world.unit("/A")
    world.unit("/B")
    stranger = world.person("stranger", org_unit="/B")
    world.person("helper", "it_admin", org_unit="/A")
    helper = world.actor("helper")
    with unit_of_work(write=False):
        assert [view.username for view in people.find(helper).items] == ["helper"]
        with pytest.raises(NotFound) as foreign:
            people.get(helper, stranger)
        with pytest.raises(NotFound) as nobody:
            people.get(helper, "nobody")
    assert foreign.value.text == nobody.value.text
    attempts: list[dict[str, Any]] = [{"name": "x"}, {"password": PASSWORD}, {"state": "inactive"}]
    for attempt in attempts:
        with pytest.raises(NotFound):
            change(helper, stranger, **attempt)
    with pytest.raises(Invalid, match="unknown_org_unit"):
        change(helper, helper.id, org_unit="/B")


def test_nobody_grants_what_they_do_not_hold() -> None:
    world.person("helper", "it_admin")
    helper = world.actor("helper")
    person_id = world.person("new", by=helper)
    for role in ("platform_admin", "compliance_officer", "auditor"):
        with pytest.raises(Forbidden, match="beyond_own_rights"):
            change(helper, person_id, roles=frozenset({role}))
        with pytest.raises(Forbidden, match="beyond_own_rights"), unit_of_work():
            people.create(helper, name="n", roles=[role])
    assert change(helper, person_id, roles=frozenset({"it_admin", "employee"})).roles == ["employee", "it_admin"]


def test_a_platform_administrator_grants_what_they_do_not_hold() -> None:
    world.person("root", "platform_admin")
    root = world.actor("root")
    officer = world.person("officer", "compliance_officer", by=root)
    with unit_of_work(write=False):
        assert people.get(root, officer).roles == ["compliance_officer"]


def test_nobody_takes_over_an_account_above_their_own() -> None:
    root = world.person("root", "platform_admin")
    world.person("helper", "it_admin")
    helper = world.actor("helper")
    attempt: dict[str, Any]
    for attempt in ({"password": PASSWORD}, {"roles": frozenset[str]()}, {"state": "inactive"}, {"username": "x"}):
        with pytest.raises(Forbidden, match="beyond_own_rights"):
            change(helper, root, **attempt)
    with pytest.raises(Forbidden, match="beyond_own_rights"), unit_of_work():
        people.sign_out_everywhere(helper, root)


def test_nobody_changes_their_own_roles_password_or_state_as_staff() -> None:
    world.person("root", "platform_admin")
    root = world.actor("root")
    attempt: dict[str, Any]
    for code, attempt in (
        ("own_roles", {"roles": frozenset({"platform_admin", "compliance_officer"})}),
        ("own_password", {"password": "another password 1"}),
        ("own_state", {"state": "inactive"}),
    ):
        with pytest.raises(Forbidden, match=code):
            change(root, root.id, **attempt)


def test_an_unknown_role_is_named() -> None:
    with pytest.raises(Invalid, match="unknown_role"), unit_of_work():
        people.create(SYSTEM, name="n", roles=["superuser"])


@pytest.mark.parametrize("attempt", [{"roles": frozenset[str]()}, {"state": "inactive"}, {"username": None}])
def test_the_last_platform_administrator_stays(attempt: dict[str, Any]) -> None:
    last = world.person("last", "platform_admin")
    world.person(None, "platform_admin", name="cannot sign in")
    with pytest.raises(Conflict, match="last_platform_admin"):
        change(SYSTEM, last, **attempt)
    other = world.person("other", "platform_admin")
    change(SYSTEM, last, **attempt)
    with unit_of_work(write=False):
        assert accounts.count_admins() == 1
    with pytest.raises(Conflict, match="last_platform_admin"):
        change(SYSTEM, other, **attempt)


def test_two_administrators_cannot_remove_each_other_in_the_same_moment(app: Flask) -> None:
    pair = [world.person(name, "platform_admin") for name in ("a", "b")]
    actors = [world.actor(name) for name in ("a", "b")]
    codes: list[str] = []
    barrier = threading.Barrier(2)

    def remove(who: int) -> None:
        with app.app_context():
            barrier.wait()
            try:
                change(actors[who], pair[1 - who], state="inactive")
                codes.append("done")
            except ShoujiError as refused:
                codes.append(refused.code)

    threads = [threading.Thread(target=remove, args=(who,)) for who in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["done", "last_platform_admin"]


def test_a_deactivated_person_is_out_at_once_and_stays_in_history() -> None:
    person_id = world.person("li", "supervisor")
    token = world.token("li")
    assert world.authenticate(token) is not None
    with unit_of_work():
        people.deactivate(SYSTEM, person_id)
    assert world.authenticate(token) is None
    with unit_of_work(write=False):
        assert people.get(SYSTEM, person_id).state == "inactive"
    change(SYSTEM, person_id, state="active")
    assert world.authenticate(token) is None
    assert world.authenticate(world.token("li")) is not None


def test_a_person_without_a_user_name_any_more_cannot_sign_in() -> None:
    person_id = world.person("li")
    view = change(SYSTEM, person_id, username=None)
    assert view.has_login is False
