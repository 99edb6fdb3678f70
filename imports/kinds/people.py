"""Import of people: employees by their number. Logins and roles are given by hand, to those who need them."""

from __future__ import annotations

from collections.abc import Sequence

from core.actor import Actor
from core.limits import MAX_UNIT_PATH
from core.permissions import Permission
from core.text import Text
from core.verdicts import Verdict, refused
from identity import person_rows
from identity.person_rows import PersonJudge, PersonRow
from imports.registry import Column, Judge, Kind, Row, register

COLUMNS = (
    Column(
        "employee_no",
        Text("工号", "Employee no."),
        Text("必填，每人唯一。", "Required; one for each person."),
        required=True,
        also=("员工号", "员工编号", "职工号", "人员编号", "employee number", "employee id", "staff no", "no"),
    ),
    Column(
        "name",
        Text("姓名", "Name"),
        Text("必填，1 到 100 字。", "Required, 1 to 100 characters."),
        required=True,
        longest=100,
        also=("员工姓名", "名字", "full name", "employee name"),
    ),
    Column(
        "org_unit",
        Text("组织", "Org unit"),
        Text(
            "完整路径（如 /总部/电销），或不重名的组织名称；留空则新人员进入您所在的组织。",
            "A whole path (/总部/电销) or a name that is there once; empty: new people come into your own unit.",
        ),
        longest=MAX_UNIT_PATH,
        also=("部门", "所属部门", "部门路径", "组织路径", "department", "unit", "org unit path"),
    ),
    Column(
        "state",
        Text("状态", "State"),
        Text("在职或离职；留空不变。", "“active” or “inactive”; empty: as it is."),
        also=("在职状态", "人员状态", "status"),
    ),
)
_STATES = {
    **dict.fromkeys(("active", "在职", "启用", "正常"), "active"),
    **dict.fromkeys(("inactive", "离职", "停用", "已离职"), "inactive"),
}


def _keys(row: Row) -> list[tuple[str, str]]:
    return [("employee_no", row["employee_no"])]


def _wrong(row: Row) -> Verdict | None:
    if row["state"] and row["state"].casefold() not in _STATES:
        text = Text("状态只能填“在职”或“离职”。", "The state is “active” or “inactive”.")
        return refused("state", "bad_state", text)
    return None


def _person(row: Row) -> PersonRow:
    state = _STATES.get(row["state"].casefold())
    return PersonRow(row["employee_no"], row["name"], row["org_unit"] or None, state)


def _judge(actor: Actor) -> Judge:
    judge = PersonJudge(actor)

    def verdicts(rows: Sequence[Row]) -> list[Verdict]:
        found = judge.judge([_person(row) for row in rows])
        return [_wrong(row) or verdict for row, verdict in zip(rows, found, strict=True)]

    return verdicts


def _take(actor: Actor, rows: Sequence[Row]) -> list[Verdict]:
    return person_rows.take(actor, [_person(row) for row in rows])


PEOPLE = register(
    Kind("people", Text("人员", "People"), Permission.STAFF_WRITE, COLUMNS, keys=_keys, judge=_judge, take=_take)
)
