"""The policy language: what is read, what is refused, and where it says the fault is."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ShoujiError, TooLarge
from policies.language.emit import emit
from policies.language.overlaps import overlaps
from policies.language.parse import Format, Parsed, parse
from policies.language.problems import Refused
from tests.policies.specs import SPECS

GOLDEN = Path(__file__).parent / "golden" / "loan-sales.yaml"
HEAD = "apiVersion: shouji/v1\nkind: Policy\nmetadata: {name: p}\n"


def problems(text: str | bytes, form: Format = "yaml") -> list[tuple[int, int, str, str]]:
    body = text.encode() if isinstance(text, str) else text
    with pytest.raises(Refused) as caught:
        parse(body, form)
    return [(p.line, p.column, p.path, p.code) for p in caught.value.problems]


def policy(spec: str) -> str:
    return f"{HEAD}spec:\n{spec}"


def read(spec: str) -> Any:
    return parse(policy(spec).encode())[0].data["spec"]


def plain(parsed: list[Parsed]) -> list[dict[str, Any]]:
    return [document.data for document in parsed]


def test_the_example_of_the_manual_is_read_whole() -> None:
    parsed = parse(GOLDEN.read_bytes())
    assert [(d.kind, d.name) for d in parsed] == [
        ("Policy", "loan-sales"),
        ("KeywordSet", "private-fee"),
        ("Assignment", "sales-everywhere"),
        ("Group", "pilot"),
        ("Calendar", "cn-statutory"),
    ]


def test_off_and_clock_times_are_texts_as_yaml_1_2_has_them() -> None:
    hours = read("  work_hours: {weekly: {mon: [09:00-12:00]}, outside: {location: off}}\n  location: {mode: off}\n")
    assert hours == {
        "work_hours": {"weekly": {"mon": ["09:00-12:00"]}, "outside": {"location": "off"}},
        "location": {"mode": "off"},
    }


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("  nubmers: {}\n", (5, 3, "spec.nubmers", "unknown_member")),
        ("  numbers:\n    hide: [phone]\n    hyde: [qq]\n", (7, 5, "spec.numbers.hyde", "unknown_member")),
        ("  protection:\n    deny:\n      - delete_massage\n", (7, 9, "spec.protection.deny[0]", "not_a_choice")),
        ("  device:\n    heartbeat_seconds: soon\n", (6, 5, "spec.device.heartbeat_seconds", "int_type")),
        ("  device:\n    heartbeat_seconds: 5\n", (6, 5, "spec.device.heartbeat_seconds", "greater_than_equal")),
        ("  device:\n    minimum_os: {android: 13}\n", (6, 18, "spec.device.minimum_os.android", "string_type")),
        ("  numbers:\n    mask: {phone: 3-4}\n", (6, 12, "spec.numbers.mask.phone", "mask")),
        ("  work_hours:\n    weekly: {mon: [9-12]}\n", (6, 20, "spec.work_hours.weekly.mon[0]", "window")),
        (
            "  work_hours:\n    weekly: {mon: ['09:00-09:00']}\n",
            (6, 20, "spec.work_hours.weekly.mon[0]", "window_empty"),
        ),
        ("  work_hours:\n    weekly: {monday: ['09:00-10:00']}\n", (6, 5, "spec.work_hours.weekly", "weekday")),
        ("  work_hours:\n    timezone: Mars\n    weekly: {mon: []}\n", (6, 5, "spec.work_hours.timezone", "timezone")),
        (
            "  compliance:\n    - {when: any, after: 3 days, do: alert}\n",
            (6, 19, "spec.compliance[0].after", "duration"),
        ),
        ("  compliance:\n    - {when: any, after: 3d, do: wipe}\n", (6, 30, "spec.compliance[0].do", "not_a_choice")),
        ("  keywords:\n    - {set: a}\n", (6, 7, "spec.keywords[0].action", "missing_member")),
        (
            "  contact_limits:\n    rules:\n      - {id: a, key: customer, max: 3, action: block}\n",
            (7, 9, "spec.contact_limits.rules[0]", "limit_shape"),
        ),
        (
            "  apps:\n    mode: allow\n    packages: [{name: nodots}]\n",
            (7, 17, "spec.apps.packages[0].name", "string_pattern_mismatch"),
        ),
    ],
)
def test_a_fault_names_line_column_path_and_code(spec: str, problem: tuple[int, int, str, str]) -> None:
    assert problems(policy(spec)) == [problem]


def test_all_faults_of_all_documents_come_at_once_in_both_languages() -> None:
    text = policy("  nubmers: {}\n") + "---\n" + policy("  location: {mode: always}\n").replace("name: p", "name: q")
    with pytest.raises(Refused) as caught:
        parse(text.encode())
    assert [p.path for p in caught.value.problems] == ["spec.nubmers", "spec.location.mode"]
    assert [p.line for p in caught.value.problems] == [5, 11]
    assert all(p.text.zh and p.text.en and p.text.zh != p.text.en for p in caught.value.problems)
    assert caught.value.status == 422


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("kind: Nothing\n", "unknown_kind"),
        ("- 1\n", "not_a_document"),
        ("just text\n", "not_a_document"),
        ("", "no_documents"),
        ("---\n---\n", "no_documents"),
        ("a: [1, 2\n", "yaml_syntax"),
        ("a: b: c\n", "yaml_syntax"),
        ("\tkey: value\n", "yaml_syntax"),
        ("a: 1\na: 2\n", "duplicate_key"),
        ("a: &x 1\nb: *x\n", "alias"),
        ("a: !!python/object:os.system x\n", "tag"),
        ("? [a, b]\n: 1\n", "bad_key"),
        ('a: "\\0"\n', "bad_character"),
        ('a: "\\ud800"\n', "bad_character"),
        ("[" * 30 + "]" * 30, "too_deep"),
        (policy("  {}\n").replace("shouji/v1", "shouji/v2"), "not_a_choice"),
        (policy("  {}\n").replace("name: p", "name: Not_A_Name"), "string_pattern_mismatch"),
        (policy("  {}\n") + "\n---\n" + policy("  {}\n"), "document_twice"),
    ],
)
def test_what_is_no_document_is_refused(text: str, code: str) -> None:
    assert [found[3] for found in problems(text)] == [code]


def test_a_billion_laughs_are_refused_before_they_are_built() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{c}: &{c} [*{p},*{p},*{p},*{p}]\n" for p, c in zip("abcdefg", "bcdefgh", strict=True)
    )
    began = time.monotonic()
    assert problems(bomb)[0][3] == "alias"
    assert time.monotonic() - began < 1


def test_deep_nesting_ends_at_the_limit_and_not_in_a_crash() -> None:
    began = time.monotonic()
    assert problems("[" * 200_000)[0][3] == "too_deep"
    assert problems("[" * 200_000, "json")[0][3] == "too_deep"
    assert problems('{"a":' * 100_000, "json")[0][3] == "too_deep"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("text", ["!" * 1_000_000, "a: [!" + "x" * 1_000_000, "a: !" + "!" * 1_000_000])
def test_a_tag_without_end_costs_no_time(text: str) -> None:
    began = time.process_time()
    assert problems(text)[0][3] == "tag"
    assert time.process_time() - began < 2


def test_ten_megabytes_are_too_large() -> None:
    with pytest.raises(TooLarge):
        parse(b"a: " + b"x" * 10_000_000)


def test_what_is_not_utf_8_is_refused_with_its_line() -> None:
    assert problems(b"a: 1\nb: \xff\n") == [(2, 1, "(document)", "not_utf8")]


def test_json_is_the_same_language_with_places() -> None:
    spec = {
        "apiVersion": "shouji/v1",
        "kind": "Policy",
        "metadata": {"name": "p"},
        "spec": {"location": {"mode": "off"}},
    }
    assert plain(parse(json.dumps(spec).encode(), "json")) == [spec]
    assert plain(parse(json.dumps([spec]).encode(), "json")) == [spec]
    wrong = '{"apiVersion": "shouji/v1", "kind": "Policy",\n "metadata": {"name": "p"},\n "spec": {"locatoin": {}}}'
    assert problems(wrong, "json") == [(3, 11, "spec.locatoin", "unknown_member")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a": 1, "a": 2}', "duplicate_key"),
        ('{"a": 1,}', "json_syntax"),
        ("{'a': 1}", "json_syntax"),
        ("[1] 2", "json_syntax"),
        ('{"a": 01}', "json_syntax"),
        ('{"a": NaN}', "json_syntax"),
        ('{"a": 1e999}', "json_syntax"),
        ('{"a": "\\ud800"}', "bad_character"),
        ('{"a": "\\u0000"}', "bad_character"),
        ('{"a": "\n"}', "json_syntax"),
        ("", "json_syntax"),
        ("[]", "no_documents"),
    ],
)
def test_broken_json_is_refused(text: str, code: str) -> None:
    assert [found[3] for found in problems(text, "json")] == [code]


@settings(max_examples=30, deadline=None)
@given(st.fixed_dictionaries({}, optional=SPECS))
def test_what_is_exported_reads_back_as_the_same_documents(spec: dict[str, Any]) -> None:
    if list(overlaps(spec)):
        spec = {name: value for name, value in spec.items() if name not in ("work_hours", "contact_limits")}
    document = {
        "apiVersion": "shouji/v1",
        "kind": "Policy",
        "metadata": {"name": "p", "title": "13: off"},
        "spec": spec,
    }
    assert plain(parse(emit([document, {**document, "metadata": {"name": "q"}}]).encode()))[0] == document
    assert plain(parse(json.dumps(document).encode(), "json")) == [document]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["yaml", "json"]))
def test_no_text_ends_in_anything_but_documents_or_problems(text: str, form: Format) -> None:
    try:
        parse(text.encode("utf-8", "surrogatepass"), form)
    except ShoujiError as error:
        assert error.code
