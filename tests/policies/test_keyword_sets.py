"""Keyword sets, calendars, groups and assignments: their own rules and their wire form."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from policies.language.compile import calendar_document, keyword_set_document
from policies.language.group_query import read_query
from policies.language.kinds import STEPS, CalendarSpec, KeywordSetSpec
from policies.language.parse import parse
from policies.language.patterns import check_pattern
from policies.language.problems import Refused
from tests.policies.office import Office, assignment, document, policy


def codes(kind: str, spec: str) -> list[str]:
    text = f"apiVersion: shouji/v1\nkind: {kind}\nmetadata: {{name: x}}\nspec: {spec}\n"
    try:
        parse(text.encode())
    except Refused as refused:
        return [problem.code for problem in refused.problems]
    return []


def test_a_set_is_shipped_with_ids_in_order_and_steps_in_the_order_of_undoing() -> None:
    spec = KeywordSetSpec.model_validate(
        {
            "terms": [
                "加急费",
                {"term": "服务费", "except": ["合同约定的服务费"]},
                {"term": "打我卡上", "id": "pay-my-card"},
            ],
            "match": ["digits", "width"],
        }
    )
    shipped = keyword_set_document("fees", spec)
    ids = [f"fees/{hashlib.sha256(term.encode()).hexdigest()[:12]}" for term in ("加急费", "服务费")]
    assert [term["id"] for term in shipped["terms"]] == sorted([*ids, "pay-my-card"])
    assert shipped["steps"] == ["width", "digits"]
    assert {"id": ids[1], "term": "服务费", "except": ["合同约定的服务费"]} in shipped["terms"]


def test_the_order_in_which_an_author_writes_terms_makes_no_other_blob() -> None:
    one, two = ({"terms": terms} for terms in (["a1", "b2"], ["b2", "a1"]))
    assert keyword_set_document("s", KeywordSetSpec.model_validate(one)) == keyword_set_document(
        "s", KeywordSetSpec.model_validate(two)
    )


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("{terms: []}", ["too_short"]),
        ("{terms: [a, a]}", ["term_twice"]),
        ("{terms: [{term: a, id: x}, {term: b, id: x}]}", ["term_twice"]),
        ("{terms: [{term: a, pattern: b}]}", ["term_or_pattern"]),
        ("{terms: [{}]}", ["term_or_pattern"]),
        ("{terms: ['…']}", ["term_empty"]),
        ("{terms: [{pattern: '(a'}]}", ["pattern_syntax"]),
        ("{terms: [{pattern: 'a(?=b)'}]}", ["pattern_syntax"]),
        ("{terms: [{pattern: 'a.*b'}]}", ["pattern_unbounded"]),
        ("{terms: [{pattern: 'a?'}]}", ["pattern_empty"]),
        ("{terms: [a], match: [pinyin, nothing]}", ["not_a_choice"]),
        ("{terms: [a], tests: {hit: [a], miss: [b]}}", ["unknown_member"]),
        ("{terms: [a], tests: {hit: [a], pass: [b]}}", []),
    ],
)
def test_keyword_sets_are_checked(spec: str, found: list[str]) -> None:
    assert codes("KeywordSet", spec) == found


@pytest.mark.parametrize(
    "pattern",
    [
        "加我?.{0,2}(微信|薇信|v信)",
        r"\d{3,4}-?\d{8}",
        r"[^a-z]\pN",
        r"(?i:vx|wx)\b",
        r"\x{4e00}[[:alpha:]]",
        "(a{1,3}){2}",
    ],
)
def test_bounded_patterns_pass(pattern: str) -> None:
    assert check_pattern(pattern) == pattern


@pytest.mark.parametrize("pattern", ["a+", "(ab)*c", "a{2,}", "(a{0,20}){0,20}b", "x{65}", r"(?P<n>a|b+)c", r"[ab]+"])
def test_patterns_without_a_bound_or_longer_than_it_are_refused(pattern: str) -> None:
    with pytest.raises(Exception, match="bounded"):
        check_pattern(pattern)


def test_a_star_inside_a_class_or_behind_a_backslash_is_a_letter() -> None:
    assert check_pattern(r"[*+]\*\+") == r"[*+]\*\+"


def test_a_calendar_is_shipped_in_the_order_of_its_days() -> None:
    days = [{"date": "2026-10-10", "kind": "workday"}, {"date": "2026-10-01", "kind": "holiday", "name": "国庆节"}]
    assert calendar_document("cn", CalendarSpec.model_validate({"days": days})) == {
        "calendar": "cn",
        "days": [{"date": "2026-10-01", "kind": "holiday"}, {"date": "2026-10-10", "kind": "workday", "like": "mon"}],
    }


@pytest.mark.parametrize(
    ("kind", "spec", "found"),
    [
        ("Calendar", "{days: [{date: 2026-02-30, kind: holiday}]}", ["date"]),
        ("Calendar", "{days: [{date: 2026-01-01, kind: holiday}, {date: 2026-01-01, kind: workday}]}", ["date_twice"]),
        ("Group", "{}", ["group_shape"]),
        ("Group", "{devices: [nonsense]}", ["string_pattern_mismatch"]),
        ("Group", "{query: 'os_version <'}", ["group_query"]),
        ("Group", "{query: 'colour = red'}", ["group_query"]),
        ("Group", "{query: 'model < 3'}", ["group_query"]),
        ("Group", "{query: 'os_version < 14 and (model = a'}", ["group_query"]),
        ("Assignment", "{policy: p, to: {}}", ["target_shape"]),
        ("Assignment", "{policy: p, to: {group: g, org_unit: /}}", ["target_shape"]),
        ("Assignment", "{policy: p, to: {org_unit: no-slash}}", ["string_pattern_mismatch"]),
        ("Assignment", "{policy: p, to: {org_unit: /}}", []),
    ],
)
def test_other_kinds_are_checked(kind: str, spec: str, found: list[str]) -> None:
    assert codes(kind, spec) == found


PHONE: dict[str, str] = {
    "serial": "SN1",
    "manufacturer": "Xiaomi",
    "model": "23127PN0CC",
    "os": "android",
    "os_version": "13.1",
    "agent_version": "1.0.0",
    "org_unit": "/总部/电销/一组",
}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("os_version < 14 and org_unit in /总部/电销", True),
        ("os_version < 13", False),
        ("os_version >= 13.1.0", True),
        ("os_version = 13.1", True),
        ("org_unit in /总部/电", False),
        ("org_unit = /总部/电销", False),
        ("org_unit in /", True),
        ("manufacturer = xiaomi", True),
        ('model != "23127PN0CC"', False),
        ("os = harmonyos or agent_version > 0.9", True),
        ("not os = android", False),
        ("not (os = android and os_version < 10)", True),
        ("os = harmonyos or os = ios and os_version > 1", False),
    ],
)
def test_a_query_finds_the_phones_that_it_describes(query: str, found: bool) -> None:
    assert read_query(query)(PHONE) is found


def test_wrongly_typed_terms_name_their_place() -> None:
    spec: Any = {"terms": [3]}
    with pytest.raises(Exception, match="TermEntry"):
        KeywordSetSpec.model_validate(spec)


def test_a_set_that_does_not_say_undoes_all_but_pinyin_and_leaving_steps_out_makes_it_looser(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(
        document("KeywordSet", "fees", "{terms: [加急费]}")
        + policy("p", "{keywords: [{set: fees, action: block}]}")
        + assignment("a", "p", "{org_unit: /}")
    )
    tables = {part["name"] for part in office.bundle(phone)["blobs"] if part["kind"] == "fold_table"}
    assert tables == {"width", "case", "traditional", "digits", "homoglyphs", "symbols"}
    fewer = office.plan(document("KeywordSet", "fees", "{terms: [加急费], match: [width, case]}"))
    assert [place["path"] for place in fewer["looser"]] == [
        f"KeywordSet/fees/match/{step}" for step in ("digits", "homoglyphs", "repeats", "symbols", "traditional")
    ]
    more = office.plan(document("KeywordSet", "fees", f"{{terms: [加急费], match: [{', '.join(STEPS)}]}}"))
    assert (more["looser"], [place["path"] for place in more["tighter"]]) == ([], ["KeywordSet/fees/match/pinyin"])
