"""Import of phones before they arrive: serial or IMEI, and whom each is for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.actor import Actor
from core.limits import MAX_UNIT_PATH
from core.permissions import Permission
from core.text import Text
from core.verdicts import Verdict, refused
from fleet import expected
from fleet.expected_rows import ExpectedRow, Judged, clean_imei, clean_serial, keys_of
from fleet.expected_rows import Judge as PhoneJudge
from imports.registry import Column, Judge, Kind, Row, register

_IMEI_HELP = Text("15 位数字。请将该列设为文本格式。", "15 digits. Format the column as text.")
COLUMNS = (
    Column(
        "serial",
        Text("序列号", "Serial"),
        Text("包装盒上的 S/N；序列号与 IMEI 至少填一项。", "S/N on the box; a serial, an IMEI or both are needed."),
        also=("sn", "serial number", "serial no", "设备序列号", "产品序列号"),
    ),
    Column("imei", Text("IMEI", "IMEI"), _IMEI_HELP, also=("imei1", "imei号", "串号", "设备串号")),
    Column("imei2", Text("IMEI2", "IMEI2"), _IMEI_HELP, also=("副imei", "imei号2")),
    Column(
        "person",
        Text("工号", "Employee no."),
        Text("必填：使用人的工号，须已在人员中。", "Required: the holder's employee number, who is known already."),
        required=True,
        also=(
            "employee_no",
            "使用人工号",
            "领用人工号",
            "持有人工号",
            "员工编号",
            "employee number",
            "staff no",
            "holder",
        ),
    ),
    Column(
        "name",
        Text("姓名", "Name"),
        Text("可不填；填写时须与工号对应的姓名一致。", "May be left out; where it is given it must be that person's."),
        longest=100,
        also=("使用人", "使用人姓名", "领用人", "持有人", "holder name", "employee name"),
    ),
    Column(
        "org_unit",
        Text("组织", "Org unit"),
        Text("设备所属组织的完整路径；留空随使用人。", "The phone's own unit as a path; empty: that of its holder."),
        longest=MAX_UNIT_PATH,
        also=("部门", "设备部门", "所属部门", "部门路径", "department"),
    ),
    Column(
        "groups",
        Text("分组", "Groups"),
        Text("分组名称，多个以空格分隔。", "Names of groups, with blanks between them."),
        longest=500,
        also=("设备分组", "group"),
    ),
)
_BETWEEN = re.compile(r"[\s,，;；、]+")


def _numbers(row: Row) -> list[str]:
    return [number for name in ("imei", "imei2") if (number := clean_imei(row[name]))]


def _keys(row: Row) -> list[tuple[str, str]]:
    keys = keys_of(clean_serial(row["serial"]), _numbers(row))
    return [(key.partition(":")[0], key) for key in keys]


def _wrong(row: Row) -> Verdict | None:
    if row["serial"] and clean_serial(row["serial"]) is None:
        return refused(
            "serial",
            "bad_serial",
            Text("序列号为 4 到 64 个字母或数字。", "A serial has 4 to 64 letters or digits."),
        )
    for name in ("imei", "imei2"):
        if row[name] and clean_imei(row[name]) is None:
            return refused(
                name,
                "bad_imei",
                Text(
                    "IMEI 应为 15 位数字。若显示为 8.6E+14，请将该列设为文本格式后重新填写。",
                    "An IMEI has 15 digits. Where it shows as 8.6E+14, format the column as text and fill it in again.",
                ),
            )
    return None


def _phone(row: Row) -> ExpectedRow:
    names = tuple(name for name in _BETWEEN.split(row["groups"]) if name)
    unit = f"/{row['org_unit'].strip('/')}" if row["org_unit"] else None
    return ExpectedRow(clean_serial(row["serial"]), tuple(_numbers(row)), row["person"], unit, names)


def _named(row: Row, judged: Judged) -> Verdict:
    """The verdict, unless the row calls the holder by another name: then the number may be another's."""
    if judged.person is None or row["name"] in ("", judged.person.name):
        return judged.verdict
    return refused(
        "name",
        "name_differs",
        Text(
            "姓名与工号不一致，请核对工号。",
            "The name is not that of this employee number. Check the number.",
        ),
    )


def _judge(actor: Actor) -> Judge:
    judge = PhoneJudge(actor)

    def verdicts(rows: Sequence[Row]) -> list[Verdict]:
        found = judge.judge([_phone(row) for row in rows])
        return [_wrong(row) or _named(row, judged) for row, judged in zip(rows, found, strict=True)]

    return verdicts


def _take(actor: Actor, rows: Sequence[Row]) -> list[Verdict]:
    return [judged.verdict for judged in expected.announce_rows(actor, [_phone(row) for row in rows])]


PHONES = register(
    Kind(
        "phones",
        Text("待到设备", "Expected phones"),
        Permission.ENROLLMENT_WRITE,
        COLUMNS,
        keys=_keys,
        judge=_judge,
        take=_take,
        one_of=("serial", "imei"),
    )
)
