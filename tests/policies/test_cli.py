"""`flask documents …` on files and folders."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from core.uow import unit_of_work
from policies.models import PolicyDocument
from tests.policies.office import Office, assignment, document, policy
from tests.policies.waiting import LAX, asking


def runner(app: Flask) -> FlaskCliRunner:
    return app.test_cli_runner()


def test_plan_apply_and_export_of_a_folder(app: Flask, office: Office, tmp_path: Path) -> None:
    phone = office.phone("/总部/电销")
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "1-sets.yaml").write_text(document("KeywordSet", "abuse", "{terms: [坏]}"))
    (folder / "2-policy.yml").write_text(
        policy("sales", "{keywords: [{set: abuse, action: block}]}")
        + assignment("everywhere", "sales", "{org_unit: /总部/电销}")
    )
    planned = runner(app).invoke(args=["documents", "plan", "-f", str(folder)])
    assert planned.exit_code == 0, planned.output
    assert runner(app).invoke(args=["policy", "plan", "-f", str(folder)]).output == planned.output
    assert "+ KeywordSet/abuse" in planned.output
    assert "devices: 1" in planned.output
    assert office.company.get("/documents").json["items"] == []
    applied = runner(app).invoke(args=["documents", "apply", "-f", str(folder), "--publish"])
    assert applied.exit_code == 0, applied.output
    assert "published: Policy/sales v1" in applied.output
    assert office.rules(phone)["keywords"][0]["set"] == "abuse"
    out = tmp_path / "out.yaml"
    assert runner(app).invoke(args=["documents", "export", "-f", str(out)]).exit_code == 0
    nowhere = runner(app).invoke(args=["documents", "export", "-f", str(tmp_path / "no" / "where.yaml")])
    assert (nowhere.exit_code, "where.yaml" in nowhere.output) == (1, True)
    again = runner(app).invoke(args=["documents", "apply", "-f", str(out), "--publish"])
    assert again.output.splitlines() == [
        "= KeywordSet/abuse",
        "= Policy/sales",
        "= Assignment/everywhere",
        "devices: 0",
    ]


def test_a_fault_names_line_and_path_and_ends_the_command(app: Flask, office: Office, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(policy("sales", "{nubmers: {}}"))
    done = runner(app).invoke(args=["documents", "apply", "-f", str(file)])
    assert done.exit_code == 1
    assert "5:8 spec.nubmers" in done.output
    assert office.company.get("/documents").json["items"] == []


def test_a_folder_without_yaml_is_said(app: Flask, office: Office, tmp_path: Path) -> None:
    done = runner(app).invoke(args=["documents", "plan", "-f", str(tmp_path)])
    assert done.exit_code == 1


def stored_terms(name: str) -> int:
    with unit_of_work(write=False) as current:
        spec = current.scalars(select(PolicyDocument.spec).where(PolicyDocument.name == name)).one()
        return len(spec["terms"])


@pytest.mark.parametrize(
    ("file", "terms"),
    [
        ("all.json", [f"敏感词条第{number}号" for number in range(50_000)]),
        ("all.yaml", [f"{number}{'词' * 60}" for number in range(6_500)]),
    ],
    ids=["json", "yaml"],
)
def test_what_is_longer_than_a_request_may_be_is_exported_and_applied_without_a_change(
    app: Flask, office: Office, tmp_path: Path, file: str, terms: list[object]
) -> None:
    whole = {"apiVersion": "shouji/v1", "kind": "KeywordSet", "metadata": {"name": "many"}, "spec": {"terms": terms}}
    source, out = tmp_path / "many.json", tmp_path / file
    source.write_text(json.dumps(whole, ensure_ascii=False), "utf-8")
    made = runner(app).invoke(args=["documents", "apply", "-f", str(source)])
    assert made.exit_code == 0, made.output
    assert stored_terms("many") == len(terms)
    assert runner(app).invoke(args=["documents", "export", "-f", str(out)]).exit_code == 0
    assert out.stat().st_size > 1024 * 1024
    again = runner(app).invoke(args=["documents", "apply", "-f", str(out), "--prune"])
    assert again.output.splitlines() == ["= KeywordSet/many", "devices: 0"]


def test_files_of_a_folder_are_read_one_by_one_and_all_faults_name_their_file(
    app: Flask, office: Office, tmp_path: Path
) -> None:
    good = document("Calendar", "cn", "{days: []}")
    (tmp_path / "a.yaml").write_text(good)
    (tmp_path / "b.yaml").write_text("x: &a [1, 2]\ny: [*a, *a]\n")
    (tmp_path / "c.json").write_text('{"kind": "Wish"}')
    (tmp_path / "d.yaml").write_text(good)
    done = runner(app).invoke(args=["documents", "apply", "-f", str(tmp_path)])
    assert done.exit_code == 1
    found = [line for line in done.output.splitlines() if str(tmp_path) in line]
    assert [line.split(str(tmp_path))[1].split(" ")[0] for line in found] == [
        "/b.yaml:1:4",
        "/c.json:1:2",
        "/d.yaml:4:12",
    ]
    assert office.company.get("/documents").json["items"] == []


def test_what_loosens_waits_and_ends_with_status_three(
    app: Flask, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sales.yaml"
    with asking(office, monkeypatch) as waiting:
        phone = waiting.strict()
        file.write_text(policy("sales", LAX))
        sent = ["documents", "apply", "-f", str(file), "--publish", "--reason", "lighter"]
        done = runner(app).invoke(args=sent)
        assert done.exit_code == 3, done.output
        (approval,) = re.findall(r"approval: (\S+) \(until ", done.output)
        assert "1 phones" in done.output
        assert runner(app).invoke(args=sent).output == done.output
        assert "share_contact_card" in waiting.denied(phone)
        waiting.approve(approval)
        assert waiting.denied(phone) == ["screenshot"]
