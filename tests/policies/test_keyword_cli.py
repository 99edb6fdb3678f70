"""`flask keywords test` and the tests that gate publishing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from core.errors import Invalid
from policies import keyword_tests
from policies.language.kinds import KeywordSetSpec

SET = """
apiVersion: shouji/v1
kind: KeywordSet
metadata: {name: fees}
spec:
  terms: [加急费, {term: 服务费, except: [合同约定的服务费]}]
  match: [width, case, symbols, repeats]
"""
LINES = [
    {"text": "先交加 急*费", "hit": True},
    {"text": "合同约定的服务费见附件", "hit": False},
    {"text": "服务费多少", "hit": False},
    {"text": "包装费", "hit": True},
    {"messages": ["先交加", "急费"], "hit": True},
    {"messages": ["加急费", "好的"], "hit": False},
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "fees.yaml").write_text(SET, "utf-8")
    (tmp_path / "marked.jsonl").write_text("\n".join(json.dumps(line) for line in LINES), "utf-8")
    return str(tmp_path / "fees.yaml"), str(tmp_path / "marked.jsonl")


def run(app: Flask, *words: str) -> Any:
    return app.test_cli_runner().invoke(args=["keywords", "test", *words])


def test_a_set_in_a_file_is_measured_for_people_and_for_programs(app: Flask, files: tuple[str, str]) -> None:
    told = run(app, *files)
    assert told.exit_code == 0, told.output
    assert "MISS line 4: 包装费" in told.output
    assert "FALSE ALARM line 3: 服务费多少" in told.output and "“服务费”" in told.output
    assert "6 samples: precision 0.6667, recall 0.6667, 1 missed, 1 false alarms" in told.output
    measured = json.loads(run(app, *files, "--json").output)
    assert (measured["samples"], measured["true_hits"], measured["true_passes"]) == (6, 2, 2)
    assert measured["precision"] == pytest.approx(2 / 3)
    assert [one["line"] for one in measured["misses"]] == [4]
    assert measured["false_alarms"][0]["found"][0]["piece"] == "服务费"


def test_a_set_in_the_database_is_measured_by_its_name(app: Flask, files: tuple[str, str], tmp_path: Path) -> None:
    assert app.test_cli_runner().invoke(args=["documents", "apply", "-f", files[0]]).exit_code == 0
    assert "6 samples" in run(app, "fees", files[1]).output
    unknown = run(app, "none", files[1])
    assert unknown.exit_code == 1 and "Error" in unknown.output


@pytest.mark.parametrize(
    ("line", "says"),
    [('{"text": "x"}', "Line 2"), ("x", "Line 2"), ('{"text": "x", "messages": ["y"], "hit": true}', "one of both")],
)
def test_a_line_that_is_no_sample_is_named(
    app: Flask, files: tuple[str, str], tmp_path: Path, line: str, says: str
) -> None:
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text('{"text": "ok", "hit": false}\n' + line + "\n", "utf-8")
    told = run(app, files[0], str(wrong))
    assert told.exit_code == 1 and says in told.output


def spec(**tests: list[str]) -> KeywordSetSpec:
    terms = ["加急费", {"term": "服务费", "except": ["合同约定的服务费"]}]
    return KeywordSetSpec.model_validate({"terms": terms, "match": ["symbols"], "tests": tests})


def test_a_failing_test_keeps_a_set_from_being_published_and_is_named() -> None:
    keyword_tests.require("fees", spec(hit=["加 急*费"], **{"pass": ["合同约定的服务费见附件"]}))
    with pytest.raises(Invalid) as error:
        keyword_tests.require("fees", spec(hit=["包装费"], **{"pass": ["服务费"]}))
    assert error.value.code == "keyword_tests_fail"
    paths = [one["path"] for one in error.value.members["failures"]]
    assert paths == ["spec.tests.hit[0]", "spec.tests.pass[0]"]


def test_publishing_waits_for_the_tests_and_changes_nothing(app: Flask, tmp_path: Path) -> None:
    text = SET + "  tests: {hit: [包装费]}\n"
    (tmp_path / "set.yaml").write_text(text, "utf-8")
    apply = ["documents", "apply", "-f", str(tmp_path / "set.yaml")]
    refused = app.test_cli_runner().invoke(args=[*apply, "--publish"])
    assert refused.exit_code == 1 and "spec.tests.hit[0]" in refused.output
    assert "fees" not in app.test_cli_runner().invoke(args=["documents", "export"]).output
    assert app.test_cli_runner().invoke(args=apply).exit_code == 0, "a draft may fail its tests"
