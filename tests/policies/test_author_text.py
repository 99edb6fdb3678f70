"""Comments, quotes and order: what an author wrote lasts with the document, its versions and its export."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from core.actor import system_actor
from core.uow import unit_of_work
from policies import documents
from policies.language import author_text
from policies.language.parse import parse
from tests.policies.office import Office, document, policy

HEAD = "apiVersion: shouji/v1\nkind: Policy\n"
WRITTEN = f"""# who may see what: ask Li before you change it
{HEAD}metadata:
  name: sales   # of all units
  title: '电销'
spec:
  device:
    require: [passcode, encryption]   # not the other way round
    heartbeat_seconds: 60
"""
ACTOR = system_actor("test")


def text(name: str = "sales", kind: str = "Policy", version: int | None = None) -> str:
    with unit_of_work(write=False):
        return documents.text(ACTOR, kind, name, version=version)


def lines(written: str) -> list[str]:
    return [line for line in written.splitlines() if line.strip() not in ("---", "") and "revision" not in line]


@pytest.mark.parametrize(
    "written",
    [
        WRITTEN,
        f"---\n{WRITTEN}",
        f"{HEAD}metadata: {{name: sales, title: x}} # short\nspec: {{}}\n",
        f"{HEAD}metadata: {{title: x, name: sales}}\nspec: {{}} # short\n",
        f"{HEAD}metadata:\n  title: x # first\n  'name': sales\nspec: {{}}\n",
    ],
)
def test_a_text_gets_its_revision_and_loses_it_again(written: str) -> None:
    sent = parse(written.encode())[0]
    kept = author_text.kept(sent.source, sent.data)
    assert kept is not None
    whole = {**sent.data, "metadata": {**sent.data["metadata"], "revision": 7}}
    shown = author_text.shown(kept, whole)
    assert parse(shown.encode())[0].data == whole and shown.count("#") == written.count("#")
    again = parse(shown.encode())[0]
    assert author_text.kept(again.source, again.data) == kept


def test_each_document_of_a_text_keeps_its_own_part_and_a_comment_alone_is_no_change(office: Office) -> None:
    both = WRITTEN + "--- # the second\n" + document("KeywordSet", "words", "{terms: [坏]} # few").removeprefix("---\n")
    office.apply(both)
    assert lines(text()) == lines(WRITTEN)
    assert "# few" in text("words", "KeywordSet") and "Li" not in text("words", "KeywordSet")
    before = text()
    changed = office.apply(WRITTEN.replace("ask Li", "ask Wang"))
    assert changed["changes"][0]["action"] == "none" and changed["rollout"] is None
    assert "ask Wang" in text() and "revision: 1" in text() and "ask Li" in before


def test_a_content_that_came_otherwise_is_shown_as_it_is(office: Office) -> None:
    office.apply(WRITTEN)
    plain = office.company.get("/documents/Policy/sales").json["document"]
    plain["spec"]["device"]["heartbeat_seconds"] = 90
    answer = office.company.post("/documents/apply", plain)
    assert answer.status_code == 200, answer.json
    assert "heartbeat_seconds: 90" in text() and "#" not in text()


def test_a_version_has_its_text_and_going_back_brings_it_again(office: Office) -> None:
    office.apply(WRITTEN)
    office.apply(policy("sales", "{device: {heartbeat_seconds: 90}} # faster"))
    assert "# faster" in text() and lines(text(version=1)) == lines(WRITTEN)
    done = office.company.post("/documents/Policy/sales/publish", {"version": 1, "reason": "back"})
    assert done.status_code == 200, done.json
    assert lines(text()) == lines(WRITTEN)


def test_an_export_has_the_comments_and_applies_without_a_change(app: Flask, office: Office, tmp_path: Path) -> None:
    office.apply(WRITTEN + document("KeywordSet", "words", "{terms: [坏]} # few"))
    out = tmp_path / "all.yaml"
    runner = app.test_cli_runner()
    assert runner.invoke(args=["documents", "export", "-f", str(out)]).exit_code == 0
    exported = out.read_text("utf-8")
    assert "# few" in exported and "# who may see what" in exported and "revision" not in exported
    again = runner.invoke(args=["documents", "apply", "-f", str(out)])
    assert again.output.splitlines() == ["= KeywordSet/words", "= Policy/sales", "devices: 0"]
    runner.invoke(args=["documents", "export", "-f", str(out)])
    assert out.read_text("utf-8") == exported
