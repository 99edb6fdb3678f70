from __future__ import annotations

import threading

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Conflict, Invalid, NotFound, ShoujiError
from core.uow import unit_of_work
from identity import events, guards, org, people, queries, scope
from tests.identity import world
from tests.identity.world import SYSTEM

pytestmark = pytest.mark.usefixtures("app")


def paths() -> dict[str, str]:
    with unit_of_work(write=False):
        return {view.org_unit: view.path for view in org.find(SYSTEM, limit=200).items}


def test_a_path_makes_every_missing_unit_and_is_idempotent() -> None:
    first = world.unit("/总部/电销/一组")
    assert world.unit("/总部/电销/一组") == first
    assert list(paths()) == ["/", "/总部", "/总部/电销", "/总部/电销/一组"]


def test_a_renamed_unit_takes_its_whole_subtree_along() -> None:
    head = world.unit("/总部")
    world.unit("/总部/电销/一组")
    world.unit("/总部分公司")
    with unit_of_work():
        org.change(SYSTEM, head, name="集团")
    assert list(paths()) == ["/", "/总部分公司", "/集团", "/集团/电销", "/集团/电销/一组"]


def test_a_moved_unit_keeps_its_id_and_scopes_follow() -> None:
    sales, team = world.unit("/A/电销"), world.unit("/A/电销/一组")
    other = world.unit("/B")
    heard: list[list[str]] = []

    def listen(_sender: object, unit_paths: list[str]) -> None:
        heard.append(unit_paths)

    with unit_of_work(), events.units_changed.connected_to(listen):
        moved = org.change(SYSTEM, sales, parent="/B")
    assert (moved.id, moved.org_unit, moved.parent_id) == (sales, "/B/电销", other)
    assert paths()["/B/电销/一组"] == f"/{other}/{sales}/{team}/"
    assert heard == [[f"/{other}/{sales}/"]]


def test_a_unit_is_not_removed_under_somebody_who_is_just_placed_in_it(app: Flask) -> None:
    unit = world.unit("/A")
    removed: list[str] = []

    def remove() -> None:
        with app.app_context():
            try:
                with unit_of_work():
                    org.delete(SYSTEM, unit)
                removed.append(unit)
            except Conflict as refused:
                removed.append(refused.code)

    remover = threading.Thread(target=remove)
    with unit_of_work():
        people.create(SYSTEM, name="新", org_unit="/A")
        remover.start()
        remover.join(0.2)
    remover.join()
    assert removed == ["unit_not_empty"]


def test_a_unit_cannot_move_below_itself() -> None:
    top = world.unit("/A")
    world.unit("/A/B")
    with pytest.raises(Conflict, match="circle"), unit_of_work():
        org.change(SYSTEM, top, parent="/A/B")
    with pytest.raises(Conflict, match="circle"), unit_of_work():
        org.change(SYSTEM, top, parent="/A")


def test_siblings_have_different_names_but_cousins_may_share_one() -> None:
    world.unit("/A/一组")
    world.unit("/B/一组")
    with pytest.raises(Conflict, match="name_taken"), unit_of_work():
        org.create(SYSTEM, "一组", "/A")
    mine = world.unit("/A/一组")
    with pytest.raises(Conflict, match="name_taken"), unit_of_work():
        org.change(SYSTEM, mine, parent="/B")


@pytest.mark.parametrize("name", ["", "  ", "a/b", "x" * 65, "a\tb"])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(Invalid), unit_of_work():
        org.create(SYSTEM, name)


def test_an_unknown_unit_is_named_with_what_to_do() -> None:
    world.unit("/A")
    with pytest.raises(Invalid) as refused, unit_of_work():
        org.resolve(SYSTEM, "/A/没有")
    assert refused.value.code == "unknown_org_unit"
    assert "/A/没有" in refused.value.text.zh


def test_the_tree_has_a_depth_limit_for_new_and_for_moved_units() -> None:
    deep = "/" + "/".join(str(level) for level in range(org.MAX_DEPTH))
    world.unit(deep)
    with pytest.raises(Invalid, match="too_deep"), unit_of_work():
        org.create(SYSTEM, "more", deep)
    pair = world.unit("/p")
    world.unit("/p/q")
    with pytest.raises(Invalid, match="too_deep"), unit_of_work():
        org.change(SYSTEM, pair, parent=deep.rsplit("/", 1)[0])


def test_only_an_empty_unit_that_nobody_guards_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.text import Text

    monkeypatch.setattr(guards, "_unit_guards", [])
    upper, lower = world.unit("/A"), world.unit("/A/B")
    world.person(None, org_unit="/A/B")
    for unit_id in (upper, lower):
        with pytest.raises(Conflict, match="unit_not_empty"), unit_of_work():
            org.delete(SYSTEM, unit_id)
    empty = world.unit("/C")
    guards.before_unit_removal(lambda unit_id: Text("有设备", "it has phones") if unit_id == empty else None)
    with pytest.raises(Conflict, match="unit_in_use"), unit_of_work():
        org.delete(SYSTEM, empty)
    guards._unit_guards.clear()
    with unit_of_work():
        org.delete(SYSTEM, empty)
    assert "/C" not in paths()


def test_the_root_stays_as_it_is() -> None:
    world.unit("/A")
    for attempt in (
        lambda: org.delete(SYSTEM, org.ROOT_ID),
        lambda: org.change(SYSTEM, org.ROOT_ID, name="x"),
    ):
        with pytest.raises(Conflict, match="root_unit"), unit_of_work():
            attempt()


def test_a_stale_edit_of_a_unit_is_refused() -> None:
    unit_id = world.unit("/A")
    with unit_of_work():
        seen = org.get(SYSTEM, unit_id).revision
        org.change(SYSTEM, unit_id, name="B", revision=seen)
    with pytest.raises(Conflict, match="stale_revision"), unit_of_work():
        org.change(SYSTEM, unit_id, name="C", revision=seen)


def test_outside_the_scope_there_is_nothing() -> None:
    mine, foreign = world.unit("/A"), world.unit("/B")
    world.unit("/A/一组")
    world.person("chief", "platform_admin", org_unit="/A")
    chief = world.actor("chief")
    with unit_of_work(write=False):
        assert [view.org_unit for view in org.find(chief).items] == ["/A", "/A/一组"]
        assert scope.in_scope(chief, mine)
        assert not scope.in_scope(chief, foreign)
        assert not scope.in_scope(chief, org.ROOT_ID)
        assert not scope.in_scope(chief, None)
        with pytest.raises(NotFound) as foreign_unit:
            org.get(chief, foreign)
        with pytest.raises(NotFound) as no_unit:
            org.get(chief, "no-such-id")
    assert (foreign_unit.value.code, foreign_unit.value.text) == (no_unit.value.code, no_unit.value.text)
    with pytest.raises(Invalid, match="unknown_org_unit"), unit_of_work():
        org.create(chief, "x", "/B")


def test_the_common_unit_is_the_lowest_above_all() -> None:
    one, two, far = world.unit("/A/S/一组"), world.unit("/A/S/二组"), world.unit("/B")
    with unit_of_work(write=False):
        assert queries.common_unit([one]) == one
        assert queries.common_unit([one, two]) == world_id("/A/S")
        assert queries.common_unit([one, far]) == org.ROOT_ID
        assert queries.common_unit(["unknown"]) is None


def world_id(path: str) -> str:
    return org.resolve(SYSTEM, path).id


MOVES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8)


@given(moves=MOVES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_moves_leave_a_tree_whose_paths_follow_the_parents(app: Flask, moves: list[tuple[int, int]]) -> None:
    with app.app_context():
        ids = [world.unit(f"/u{number}") for number in range(6)]
        for child, parent in moves:
            try:
                with unit_of_work():
                    org.change(SYSTEM, ids[child], parent=ids[parent])
            except ShoujiError as refused:
                assert refused.code in ("circle", "name_taken")
        with unit_of_work(write=False):
            views = {view.id: view for view in org.find(SYSTEM, limit=200).items}
        for view in views.values():
            if view.parent_id is not None:
                above = views[view.parent_id]
                assert view.path == f"{above.path}{view.id}/"
                assert view.org_unit == f"{above.org_unit.rstrip('/')}/{view.name}"
        with unit_of_work():
            for unit_id in ids:
                org.change(SYSTEM, unit_id, parent="/")
