"""Files that are broken, huge, wrongly encoded or made to harm."""

from __future__ import annotations

import io
import random
import zipfile
from typing import Any

import pytest

from config.settings import Settings
from imports import uploads
from tests.fleet.company import API
from tests.imports.conftest import Desk, work
from tests.imports.files import PEOPLE, SHEET, bomb, csv, lying_bomb, rewritten, sheet_of, xlsx

ROW = b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>E1</t></is></c><c r="B%d" t="inlineStr"><is><t>a</t></is></c></row>'
HEAD = (
    b'<row r="1"><c r="A1" t="inlineStr"><is><t>\xe5\xb7\xa5\xe5\x8f\xb7</t></is></c>'
    b'<c r="B1" t="inlineStr"><is><t>\xe5\xa7\x93\xe5\x90\x8d</t></is></c></row>'
)
ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'


def test_a_zip_bomb_is_refused_by_its_directory_before_it_is_unpacked(desk: Desk) -> None:
    content = bomb()
    assert len(content) < 400_000
    answer = desk.upload("people", content, "a.xlsx")
    assert (answer.status_code, answer.json["code"]) == (413, "unpacked_too_large")
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(2001):
            archive.writestr(f"{number}", b"")
    assert desk.upload("people", many.getvalue()).json["code"] == "unpacked_too_large"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"PK\x03\x04 and then nothing", "not_a_workbook"),
        (b"\xd0\xcf\x11\xe0" + bytes(512), "old_workbook"),
        (b"", "empty_file"),
        (b" \r\n ", "empty_file"),
    ],
)
def test_what_is_no_file_to_import_is_refused_at_once(desk: Desk, content: bytes, code: str) -> None:
    answer = desk.upload("people", content)
    assert (answer.status_code, answer.json["code"]) == (422, code)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (lying_bomb(), "not_a_workbook"),
        (xlsx(PEOPLE, ["E1", "a", ""])[:-200] + bytes(200), "not_a_workbook"),
        (rewritten(xlsx(PEOPLE), SHEET, b"<worksheet><broken"), "not_a_workbook"),
        (rewritten(xlsx(PEOPLE), "xl/workbook.xml", b"no xml"), "not_a_workbook"),
        (
            sheet_of(HEAD + b'<row r="2"><c r="A2" t="inlineStr"><is><t>&c;</t></is></c></row>', ENTITIES),
            "not_a_workbook",
        ),
        (sheet_of(HEAD + ROW % (999_999_999, 999_999_999, 999_999_999)), "too_many_empty_rows"),
        (sheet_of(b""), "empty_file"),
        (csv(PEOPLE), "no_rows"),
        (csv(["姓名", "部门"], ["甲", ""]), "missing_columns"),
        (csv([*PEOPLE, "Name"], ["E1", "甲", "", "乙"]), "column_twice"),
        (csv(["工号"] * 65, ["E1"]), "too_many_columns"),
        ('工号,姓名\nE1,"没有结束\nE2,乙\n'.encode(), "broken_csv"),
        ("工号,姓名\nE1,甲".encode("utf-16"), "unknown_encoding"),
        ("工号,姓名\nE1,".encode() + b"\xff\xff\xff", "unknown_encoding"),
        (random.Random(1).randbytes(5000).replace(b"\xff", b"\x81"), "unknown_encoding"),
        (b"a" * 200_000 + b"," + b"b\n", "broken_csv"),
    ],
    ids=range(16),
)
def test_a_file_that_cannot_be_read_fails_with_what_to_do(desk: Desk, content: bytes, code: str) -> None:
    made = desk.upload("people", content)
    if made.status_code != 201:
        assert made.json["code"] == code
        return
    work()
    seen = desk.get(made.json["id"])
    assert (seen["state"], seen["failure"]["code"]) == ("failed", code)
    assert seen["failure"]["text"]
    assert desk.post(seen["id"], "confirm").status_code == 409


def test_files_and_rows_are_bounded_by_settings(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Settings(import_max_bytes=1024, import_max_rows=3)
    monkeypatch.setattr(uploads, "settings", lambda: small)
    monkeypatch.setattr("imports.reading.settings", lambda: small)
    assert desk.upload("people", b"x" * 1025).json["code"] == "file_too_large"
    rows = [[f"E{number}", "甲", ""] for number in range(4)]
    assert desk.preview("people", csv(PEOPLE, *rows))["failure"]["code"] == "too_many_rows"
    assert desk.preview("people", csv(PEOPLE, *rows[:3]))["state"] == "preview"


HOSTILE = ["=HYPERLINK(1)", "<script>alert(1)</script>", "+86", "@x", "-1"]


def test_hostile_texts_are_kept_as_texts_or_refused_line_by_line(desk: Desk) -> None:
    rows = [[f"E{number}", text, ""] for number, text in enumerate(HOSTILE)]
    bad = [
        ["E10", "a\0b", ""],
        ["E11", "\u202egnp", ""],
        ["E12", "长" * 500, ""],
        ["E13", "a\ud800".encode("utf-8", "replace").decode(), ""],
        ["E14", "x", "", "more"],
    ]
    seen = desk.run("people", csv(PEOPLE, *rows, *bad))
    assert {desk.people()[f"E{number}"][0] for number in range(5)} == set(HOSTILE)
    assert [(line, code) for line, _, code in desk.problems(seen["id"])] == [
        (7, "bad_characters"),
        (8, "bad_characters"),
        (9, "too_long"),
        (11, "too_many_cells"),
    ]


def test_formulas_errors_and_rounded_numbers_of_a_workbook_are_errors_of_their_line(desk: Desk) -> None:
    content = xlsx(
        PEOPLE,
        ["E1", "=1+1", ""],
        ["E2", "#N/A", ""],
        [1234567890123456, "甲", ""],
        [1024, "乙", ""],
        [True, "丙", ""],
        [12.0, "丁", ""],
    )
    seen = desk.preview("people", content)
    assert desk.problems(seen["id"]) == [(2, 2, "formula"), (3, 2, "error_value"), (4, 1, "number_rounded")]
    assert [line["values"]["employee_no"] for line in desk.lines(seen["id"], outcome="create")] == [
        "1024",
        "TRUE",
        "12",
    ]


def test_the_lines_with_errors_come_as_a_file_without_formulas(desk: Desk) -> None:
    seen = desk.run("people", csv(PEOPLE, ["E1", "甲", "/没有"], ["=cmd|'x'!A0", "长" * 101, "@b"], ["E2", "乙", ""]))
    for language, said in (("zh-CN", "行号"), ("en", "Line")):
        answer = desk.company.client.get(
            f"{API}/imports/{seen['id']}/errors.csv", headers={**desk.who, "Accept-Language": language}
        )
        text = answer.get_data().decode("utf-8-sig")
        lines = text.splitlines()
        assert lines[0] == ",".join([said, *{"zh-CN": ("列", "问题"), "en": ("Column", "Problem")}[language], *PEOPLE])
        assert len(lines) == 3
        assert "'=cmd|'x'!A0" in lines[2]
        assert "'@b" in lines[2]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="people-errors.csv"'


def test_what_a_file_said_lies_sealed_and_goes_with_the_import(desk: Desk) -> None:
    from sqlalchemy import select

    from core.db import session
    from core.uow import unit_of_work
    from imports.models import ImportBatch, ImportFile

    def stored(model: Any) -> list[bytes]:
        with unit_of_work(write=False):
            return [row.sealed for row in session().scalars(select(model))]

    made = desk.upload("people", csv(PEOPLE, ["E1", "独一无二", ""])).json
    [file] = stored(ImportFile)
    assert "独一无二".encode() not in file
    work()
    assert stored(ImportFile) == []
    assert all("独一无二".encode() not in sealed for sealed in stored(ImportBatch))
    assert len(desk.lines(made["id"])) == 1
    desk.post(made["id"], "confirm")
    work()
    assert desk.lines(made["id"]) == []
    given_up = desk.preview("people", csv(PEOPLE, ["E2", "乙", ""]))
    assert desk.post(given_up["id"], "cancel").json["state"] == "cancelled"
    assert desk.lines(given_up["id"]) == []
    assert desk.post(given_up["id"], "confirm").status_code == 409
