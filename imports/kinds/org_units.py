"""Import of org units: a whole path of names, or a name and the unit above it."""

from __future__ import annotations

from collections.abc import Sequence

from core.actor import ROOT_PATH, Actor
from core.limits import MAX_UNIT_PATH
from core.permissions import Permission
from core.text import Text
from core.verdicts import Verdict, refused
from identity import org, unit_rows
from imports.registry import Column, Judge, Kind, Row, register

COLUMNS = (
    Column(
        "path",
        Text("组织路径", "Path"),
        Text("从根组织开始的完整路径，如 /总部/电销。", "The whole path from the root, such as /总部/电销."),
        longest=MAX_UNIT_PATH,
        also=("org_unit", "部门路径", "部门全路径", "full path"),
    ),
    Column(
        "name",
        Text("组织名称", "Name"),
        Text("没有路径时填写，1 到 64 字。", "Where there is no path: 1 to 64 characters."),
        also=("部门", "部门名称", "unit", "department"),
    ),
    Column(
        "parent",
        Text("上级组织", "Parent"),
        Text("上级组织的完整路径；留空为根组织。", "The whole path of the unit above; empty: the root."),
        longest=MAX_UNIT_PATH,
        also=("上级", "上级部门", "上级路径", "parent unit", "parent path"),
    ),
)


def _path(row: Row) -> str:
    if row["path"]:
        return org.clean_path(row["path"])
    return org.clean_path(f"{row['parent'] or ROOT_PATH}/{row['name']}")


def _keys(row: Row) -> list[tuple[str, str]]:
    return [("path", _path(row))]


def _wrong(row: Row) -> Verdict | None:
    if bool(row["path"]) == bool(row["name"]):
        text = Text("请填写组织路径，或组织名称与上级组织。", "Give either the path, or the name and the unit above.")
        return refused("path", "path_or_name", text)
    if "/" in row["name"]:
        text = Text("组织名称不含“/”。完整路径请填在“组织路径”列。", "A name has no “/”. A path goes into “Path”.")
        return refused("name", "bad_name", text)
    return None


def _judge(actor: Actor) -> Judge:
    judge = unit_rows.UnitJudge(actor)
    return lambda rows: [_wrong(row) or _placed(judge.judge([_path(row)])[0]) for row in rows]


def _take(actor: Actor, rows: Sequence[Row]) -> list[Verdict]:
    return [_placed(verdict) for verdict in unit_rows.take(actor, [_path(row) for row in rows])]


def _placed(verdict: Verdict) -> Verdict:
    problem = verdict.problem
    return refused("path", problem.code, problem.text) if problem else verdict


ORG_UNITS = register(
    Kind(
        "org_units",
        Text("组织", "Org units"),
        Permission.ORG_WRITE,
        COLUMNS,
        keys=_keys,
        judge=_judge,
        take=_take,
        one_of=("path", "name"),
    )
)
