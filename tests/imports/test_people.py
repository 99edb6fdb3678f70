from __future__ import annotations

import pytest

from tests.imports.conftest import Desk, work
from tests.imports.files import PEOPLE, csv, xlsx


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (csv(PEOPLE, ["E1", "张三", "/总部/电销"]), "utf-8"),
        (csv(PEOPLE, ["E1", "张三", "/总部/电销"], encoding="utf-8-sig"), "utf-8"),
        (csv(PEOPLE, ["E1", "张三", "/总部/电销"], encoding="gb18030"), "gb18030"),
        (csv(["employee_no", "Name", "Org Unit"], ["E1", "张三", "总部/电销"]), "utf-8"),
        ("工号\t姓名\t部门\nE1\t张三\t电销\n".encode(), "utf-8"),
        ("员工编号;员工姓名;所属部门\nE1;张三;电销\n".encode(), "utf-8"),
        (xlsx(["工号 ", "姓名*", "部门"], ["E1", "张三", "/总部/电销"]), None),
    ],
    ids=["utf-8", "mark", "gb18030", "english", "tabs", "semicolons", "xlsx"],
)
def test_a_file_is_read_in_whatever_form_it_comes(desk: Desk, content: bytes, encoding: str | None) -> None:
    seen = desk.preview("people", content)
    assert (seen["state"], seen["rows"], seen["planned"]["create"], seen["encoding"]) == ("preview", 1, 1, encoding)
    assert "E1" not in desk.people()
    assert desk.post(seen["id"], "confirm").json["state"] == "applying"
    work()
    done = desk.get(seen["id"])
    assert (done["state"], done["applied"], done["done"]["create"]) == ("done", 1, 1)
    assert desk.people()["E1"] == ("张三", "/总部/电销", "active")


def test_the_preview_tells_what_is_new_what_changes_and_what_is_wrong_where(desk: Desk) -> None:
    content = csv(
        [*PEOPLE, "状态"],
        ["E1", "张三", "", ""],
        ["E1024", "王小明", "", ""],
        ["E2048", "李小四", "/总部/电销", ""],
        ["", "没有工号", "", ""],
        ["E3", "赵六", "/没有", ""],
        ["E4", "字" * 500, "", ""],
        ["E1", "又一个", "", ""],
        ["E5", "孙七", "", "休假"],
        ["E6", "周八", "", "离职"],
    )
    seen = desk.preview("people", content)
    assert seen["planned"] == {"create": 1, "unchanged": 1, "change": 1, "error": 6}
    [change] = desk.lines(seen["id"], outcome="change")
    assert (change["line"], change["changes"]) == (
        4,
        {"name": {"old": "李四", "new": "李小四"}, "org_unit": {"old": "/总部/客服", "new": "/总部/电销"}},
    )
    assert desk.problems(seen["id"]) == [
        (5, 1, "missing_value"),
        (6, 3, "unknown_org_unit"),
        (7, 2, "too_long"),
        (8, 1, "twice_in_file"),
        (9, 4, "bad_state"),
        (10, 4, "nobody_to_deactivate"),
    ]
    desk.post(seen["id"], "confirm")
    work()
    assert desk.people() == {
        "E1": ("张三", "/", "active"),
        "E1024": ("王小明", "/总部/电销", "active"),
        "E2048": ("李小四", "/总部/电销", "active"),
    }


def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    content = csv([*PEOPLE, "状态"], ["E1", "张三", "/总部", ""], ["E1024", "王小明", "", "离职"])
    assert desk.run("people", content)["done"] == {"create": 1, "change": 1, "unchanged": 0, "error": 0}
    assert desk.people()["E1024"][2] == "inactive"
    assert desk.run("people", content)["done"] == {"create": 0, "change": 0, "unchanged": 2, "error": 0}


def test_one_imports_into_ones_own_part_of_the_tree_alone(desk: Desk, local: Desk) -> None:
    content = csv(PEOPLE, ["E1", "张三", "/总部/客服"], ["E2048", "李四", ""], ["E2", "钱二", ""], ["E3", "吴九", "/"])
    seen = local.run("people", content)
    assert local.problems(seen["id"]) == [
        (2, 3, "unknown_org_unit"),
        (3, 1, "person_elsewhere"),
        (5, 3, "unknown_org_unit"),
    ]
    assert desk.people()["E2"] == ("钱二", "/总部/电销", "active")
    assert desk.people()["E2048"] == ("李四", "/总部/客服", "active")


def test_an_import_gives_nobody_power_over_those_above(desk: Desk, local: Desk) -> None:
    boss = {
        "name": "老板",
        "employee_no": "E9",
        "username": "boss",
        "roles": ["platform_admin"],
        "org_unit": "/总部/电销",
    }
    assert desk.company.post("/staff", boss).status_code == 201
    seen = local.run("people", csv([*PEOPLE, "状态"], ["E9", "老板", "", "离职"]))
    assert local.problems(seen["id"]) == [(2, None, "beyond_own_rights")]
    assert desk.people()["E9"][2] == "active"


def test_a_row_for_somebody_with_a_login_goes_the_way_of_every_change(desk: Desk) -> None:
    someone = {"name": "甲", "employee_no": "E9", "username": "jia", "roles": ["auditor"]}
    desk.company.post("/staff", someone)
    assert desk.run("people", csv([*PEOPLE, "状态"], ["E9", "乙", "/总部", "离职"]))["done"]["change"] == 1
    assert desk.people()["E9"] == ("乙", "/总部", "inactive")


def test_phones_follow_people_that_an_import_moves(desk: Desk) -> None:
    phone = desk.company.enroll(token=desk.company.token(person="E1024"))
    desk.run("people", csv(PEOPLE, ["E1024", "王小明", "/总部/客服"]))
    assert desk.company.device(phone)["org_unit"] == "/总部/客服"


def test_a_department_by_name_must_be_the_only_one(desk: Desk) -> None:
    desk.company.post("/org-units", {"path": "/分部/电销"})
    seen = desk.preview("people", csv(PEOPLE, ["E1", "张三", "电销"], ["E2", "钱二", "客服"]))
    assert desk.problems(seen["id"]) == [(2, 3, "ambiguous_org_unit")]
    assert seen["planned"]["create"] == 1


def test_who_loses_the_permission_meanwhile_imports_nothing(desk: Desk, local: Desk) -> None:
    seen = local.preview("people", csv(PEOPLE, ["E1", "张三", ""]))
    local.post(seen["id"], "confirm")
    people = desk.company.get("/staff", q="leader").json["items"]
    desk.company.patch(f"/staff/{people[0]['id']}", {"roles": ["auditor"]})
    work()
    failed = desk.get(seen["id"])
    assert (failed["state"], failed["failure"]["code"]) == ("failed", "importer_lost_rights")
    assert "E1" not in desk.people()
