"""`flask documents …` on files and folders."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask.testing import FlaskCliRunner

from tests.policies.office import Office, assignment, document, policy


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
    assert "+ KeywordSet/abuse" in planned.output
    assert "devices: 1" in planned.output
    assert office.company.get("/documents").json["items"] == []
    applied = runner(app).invoke(args=["documents", "apply", "-f", str(folder), "--publish"])
    assert applied.exit_code == 0, applied.output
    assert "published: Policy/sales v1" in applied.output
    assert office.rules(phone)["keywords"][0]["set"] == "abuse"
    out = tmp_path / "out.yaml"
    assert runner(app).invoke(args=["documents", "export", "-f", str(out)]).exit_code == 0
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
