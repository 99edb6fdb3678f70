"""Who may import what, the same request twice, batches, and what happens between them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import time_machine
from flask import Flask

from core import jobs
from core.actor import Actor
from core.verdicts import Verdict
from imports import registry
from imports.jobs import JOB
from imports.registry import Kind, Row
from tests.fleet.company import API
from tests.fleet.phone import Phone
from tests.identity import world
from tests.imports.conftest import Desk, work
from tests.imports.files import PEOPLE, csv, large_xlsx


def people_file(count: int) -> bytes:
    return csv(PEOPLE, *([f"N{number}", f"员工{number}", ""] for number in range(count)))


def test_each_kind_asks_for_its_own_permission(desk: Desk, local: Desk) -> None:
    world.person("look", "supervisor")
    reader = Desk(desk.company, world.headers("look"))
    names = [kind["name"] for kind in desk.company.get("/imports/kinds").json["items"]]
    assert names == ["org_units", "people", "phones"]
    assert [kind["name"] for kind in desk.company.get("/imports/kinds", local.who).json["items"]] == [
        "people",
        "phones",
    ]
    for who, kind, status in ((reader, "people", 403), (local, "org_units", 403), (local, "people", 201)):
        assert who.upload(kind, people_file(1)).status_code == status
    assert desk.upload("customers", people_file(1)).status_code == 422
    assert desk.company.client.post(f"{API}/imports", data={"kind": "people"}, headers=desk.who).status_code == 422
    assert desk.company.client.post(f"{API}/imports", json={"kind": "people"}, headers=desk.who).status_code == 422


def test_an_import_of_another_part_of_the_tree_is_not_there(desk: Desk, local: Desk) -> None:
    theirs, mine = desk.preview("people", people_file(1)), local.preview("people", people_file(1))
    listed = desk.company.get("/imports", local.who).json["items"]
    assert [one["id"] for one in listed] == [mine["id"]]
    for deed in ("confirm", "cancel"):
        assert local.post(theirs["id"], deed).status_code == 404
    for path in ("", "/lines", "/errors.csv"):
        assert desk.company.get(f"/imports/{theirs['id']}{path}", local.who).status_code == 404
    assert desk.get(mine["id"])["state"] == "preview"


def test_the_same_upload_with_the_same_key_is_one_import(desk: Desk) -> None:
    body, kind = (
        b"".join(
            [
                b'--x\r\nContent-Disposition: form-data; name="kind"\r\n\r\npeople\r\n',
                b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n',
                people_file(1),
                b"\r\n--x--\r\n",
            ]
        ),
        "multipart/form-data; boundary=x",
    )
    headers = {**desk.who, "Idempotency-Key": "once"}
    send = partial(desk.company.client.post, f"{API}/imports", data=body, content_type=kind, headers=headers)
    answers: list[Any] = [send(), send()]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json["id"] == answers[1].json["id"]
    assert len(desk.company.get("/imports").json["items"]) == 1
    work()
    seen = desk.get(answers[0].json["id"])
    assert [desk.post(seen["id"], "confirm").json["state"] for _ in range(2)] == ["applying", "applying"]


def test_a_run_that_ends_between_batches_goes_on_where_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imports.reading.BATCH", 10)
    seen = desk.preview("people", people_file(35))
    desk.post(seen["id"], "confirm")
    kind = registry.kind_of("people")
    taken: list[str] = []

    def take(actor: Actor, rows: Sequence[Row]) -> list[Verdict]:
        verdicts = kind.take(actor, rows)
        if len(taken) == 20:
            raise KeyboardInterrupt
        taken.extend(row["employee_no"] for row in rows)
        return verdicts

    broken = Kind(kind.name, kind.title, kind.permission, kind.columns, kind.keys, kind.judge, take)
    with monkeypatch.context() as patch:
        patch.setitem(registry._kinds, "people", broken)
        with pytest.raises(KeyboardInterrupt):
            jobs.run(JOB)
    half = desk.get(seen["id"])
    assert (half["state"], half["applied"], half["done"]["create"]) == ("applying", 20, 20)
    assert len(desk.people()) == 22
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=21), tick=True):
        jobs.run(JOB)
        done = Desk(desk.company, world.headers("admin")).get(seen["id"])
        assert (done["state"], done["applied"], done["done"]["create"]) == ("done", 35, 35)


def test_a_step_that_always_fails_ends_its_import_and_lets_the_next_have_its_turn(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError

    first = desk.preview("people", people_file(1))
    desk.post(first["id"], "confirm")
    with monkeypatch.context() as patch:
        patch.setattr("imports.applying._apply", broken)
        work()
    failed = desk.get(first["id"])
    assert (failed["state"], failed["failure"]["code"]) == ("failed", "internal_runtimeerror")
    assert desk.run("people", people_file(1))["state"] == "done"


def test_units_come_from_paths_or_names_and_parents(desk: Desk) -> None:
    content = csv(
        ["部门路径", "部门名称", "上级部门"],
        ["/总部/电销/一组", "", ""],
        ["", "二组", "/总部/电销"],
        ["/分部/甲/乙", "", ""],
        ["/总部", "", ""],
        ["", "", ""],
        ["/总部/" + "长" * 65, "", ""],
        ["/总部/电销/一组/", "", ""],
        ["/x", "y", ""],
    )
    seen = desk.run("org_units", content)
    assert seen["done"] == {"create": 3, "unchanged": 1, "change": 0, "error": 3}
    assert [(line, code) for line, _, code in desk.problems(seen["id"])] == [
        (7, "bad_name"),
        (8, "twice_in_file"),
        (9, "path_or_name"),
    ]
    paths = {one["org_unit"] for one in desk.company.get("/org-units", limit=200).json["items"]}
    assert {"/总部/电销/一组", "/总部/电销/二组", "/分部/甲/乙", "/分部"} <= paths


def test_phones_of_a_file_come_to_their_people(desk: Desk) -> None:
    first, second = Phone(), Phone()
    content = csv(
        ["SN", "IMEI1", "工号", "姓名", "分组"],
        [first.serial, "", "E1024", "王小明", "pilot south"],
        [second.serial, "", "E2048", "", ""],
        ["", "8.60123E+14", "E1024", "", ""],
        ["SN-0001", "", "E1024", "李四", ""],
        ["SN-0002", "", "E9999", "", ""],
        [first.serial.lower(), "", "E1024", "", ""],
        ["", "", "E1024", "", ""],
    )
    seen = desk.run("phones", content)
    assert seen["done"] == {"create": 2, "error": 5, "change": 0, "unchanged": 0}
    assert desk.problems(seen["id"]) == [
        (4, 2, "bad_imei"),
        (5, 4, "name_differs"),
        (6, 3, "unknown_person"),
        (7, 1, "twice_in_file"),
        (8, None, "serial_or_imei_needed"),
    ]
    token = desk.company.token(bind_expected=True)
    for phone, person in ((first, desk.company.wang), (second, desk.company.li)):
        desk.company.enroll(phone, token)
        shown = desk.company.device(phone)
        assert (shown["holder"]["person"], shown["holder"]["confirmed"]) == (person, True)
    assert desk.company.device(first)["groups"] == ["pilot", "south"]
    assert desk.preview("phones", content)["planned"]["unchanged"] == 2


@pytest.mark.parametrize("kind", ["org_units", "people", "phones"])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_template_filled_in_is_taken(desk: Desk, kind: str, language: str) -> None:
    who = {**desk.who, "Accept-Language": language}
    answer = desk.company.client.get(f"{API}/imports/templates/{kind}.xlsx", headers=who)
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    sheet = book.worksheets[0]
    headers = [str(cell.value) for cell in sheet[1]]
    known = registry.kind_of(kind).columns
    assert headers == [column.title.pick(language) for column in known]
    values = {"path": "/新", "employee_no": "E7", "name": "甲", "serial": "SN-7777", "person": "E1024"}
    if kind == "phones":
        values["name"] = "王小明"
    if kind == "org_units":
        values.pop("name")
    sheet.append([values.get(column.name, "") for column in known])
    target = io.BytesIO()
    book.save(target)
    seen = desk.preview(kind, target.getvalue())
    assert (seen["planned"]["create"], seen["layout"]["ignored"]) == (1, [])
    assert len(seen["layout"]["other_sheets"]) == 1
    text = desk.company.client.get(f"{API}/imports/templates/{kind}.csv", headers=who).data.decode("utf-8-sig")
    assert text == ",".join(headers) + "\r\n"


def test_lines_come_in_pages_and_a_made_up_cursor_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imports.reading.BATCH", 10)
    seen = desk.preview("people", people_file(25))
    path, found, cursor = f"/imports/{seen['id']}/lines", [], None
    while True:
        page = desk.company.get(path, limit=7, **({"cursor": cursor} if cursor else {})).json
        found += [line["line"] for line in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == list(range(2, 27))
    for bad in ("x", "WzFd", "WyJhIiwgMV0"):
        assert desk.company.get(path, cursor=bad).json["code"] == "bad_cursor"


def test_previews_that_nobody_confirms_are_given_up(desk: Desk) -> None:
    seen = desk.preview("people", people_file(1))
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=25), tick=True):
        assert jobs.run("imports-forget") == "done"
        assert Desk(desk.company, world.headers("admin")).get(seen["id"])["state"] == "cancelled"


def test_thousands_of_rows_are_taken_from_a_workbook(desk: Desk) -> None:
    rows = [[f"N{number}", f"员工{number}", "/总部/电销"] for number in range(3000)]
    seen = desk.run("people", large_xlsx(PEOPLE, rows))
    assert (seen["state"], seen["done"]["create"]) == ("done", 3000)


def test_the_command_line_imports_by_the_same_steps(app: Flask, desk: Desk, tmp_path: Path) -> None:
    runner, file = app.test_cli_runner(), tmp_path / "people.csv"
    assert runner.invoke(args=["import", "template", "people", str(file)]).exit_code == 0
    file.write_bytes(file.read_bytes() + "C1,命令行,,\r\n,没有工号,,\r\n".encode())
    said = runner.invoke(args=["import", "file", "people", str(file), "--yes"])
    assert "2 lines: 1 create, 1 error" in said.output
    assert "line 3: [employee_no]" in said.output
    assert "Applied: 1 create, 1 error" in said.output
    assert desk.people()["C1"][0] == "命令行"
    assert "done" in runner.invoke(args=["import", "list"]).output
    file.write_bytes(b"no header")
    assert runner.invoke(args=["import", "file", "people", str(file)]).exit_code == 1
    nowhere = runner.invoke(args=["import", "template", "people", str(tmp_path / "no" / "where.csv")])
    assert (nowhere.exit_code, "where.csv" in nowhere.output) == (1, True)
