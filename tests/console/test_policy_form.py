"""The form beside a document's text: every rule family in it, one document with the text, and nothing lost between."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from console.policy_form import changes, sheet, values
from console.policy_form.nodes import Node
from console.policy_form.shapes import FORMS, shape_of, walk
from console.policy_form.words import FAMILIES, FIELDS
from policies.language.parse import parse
from policies.rules.registry import families
from tests.console.site import CHINESE, ENGLISH, Site, token_of

LOAN_SALES = (Path(__file__).parents[1] / "policies" / "golden" / "loan-sales.yaml").read_text("utf-8")
POLICY = next(part for part in LOAN_SALES.split("---\n") if "kind: Policy" in part)
SCRIPT = "<script>alert(1)</script>\u202e"
HEAD = "apiVersion: shouji/v1\nkind: Policy\nmetadata: {name: small}\n"
SMALL = HEAD + "spec:\n  device:\n    heartbeat_seconds: 60 # often\n"


def _sent(kind: str, text: str, changed: Mapping[str, list[str]] | None = None) -> dict[str, list[str]]:
    """What a browser sends for a form that was drawn from the text."""
    sent: dict[str, list[str]] = {}
    for node in (node for root in sheet.draw(kind, text).roots for node in root.walk()):
        sent |= _inputs(node)
    return sent | dict(changed or {})


def _inputs(node: Node) -> dict[str, list[str]]:
    if node.parent and node.parent.shape.kind == "weekly":
        return {node.name + changes.DAYS: ["", *changes.row_days(node)]}
    if node.shape.kind == "ticks":
        return {node.name: ["", *node.chosen]}
    if node.shape.kind == "duration":
        return {node.name: [node.duration[0]], node.name + changes.UNIT: [node.duration[1]]}
    return {} if node.shape.kind in ("group", "list", "weekly") else {node.name: [node.shown]}


def _changed(text: str, changed: Mapping[str, list[str]], act: str = "", kind: str = "Policy") -> str:
    sent = _sent(kind, text, changed)
    return sheet.change(kind, text, text, lambda name: sent.get(name, []), act, ["abuse", "other"])


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("kind", FORMS)
def test_every_member_and_value_has_words_in_both_languages(kind: str) -> None:
    for path, shape in walk(shape_of(kind)):
        name = path.rpartition(".")[2]
        words = FIELDS[path].label if path in FIELDS else values.word(path, name)
        assert not path or (words.zh and words.en and words.zh != name), path
        for value in (*shape.options, *([shape.every] if shape.every else [])):
            said, code = values.word(path, value), values.code_of(value)
            assert said.zh != code or code in ("root",), (path, value)
        item = shape.item and shape.kind in ("list", "weekly") and shape.item.kind != "list"
        assert not item or FIELDS[path].add, path
    assert set(FAMILIES) == set(families()), "a family without its section"


def test_a_form_that_nobody_touched_changes_nothing() -> None:
    assert _changed(LOAN_SALES, {}) == LOAN_SALES
    assert set(sheet.draw("Policy", LOAN_SALES).sections[0].shape.members) == {
        "hide",
        "mask",
        "dial",
        "incoming",
        "delivery",
        "reveal",
    }


FIELDS_OF_FAMILIES = [
    ("spec.numbers.mask.phone", ["2+2"], ("numbers", "mask", "phone"), "2+2"),
    ("spec.protection.deny", ["", "screenshot"], ("protection", "deny"), ["screenshot"]),
    ("spec.keywords[0].action", ["warn"], ("keywords", 0, "action"), "warn"),
    ("spec.keywords[0].say.en", ["Be kind"], ("keywords", 0, "say", "en"), "Be kind"),
    ("spec.work_hours.weekly[0][1]", ["14:00-18:00"], ("work_hours", "weekly", "mon-fri", 1), "14:00-18:00"),
    ("spec.contact_limits.rules[0].max", ["5"], ("contact_limits", "rules", 0, "max"), 5),
    ("spec.contact_limits.relations.guarantor", ["block"], ("contact_limits", "relations", "guarantor"), "block"),
    ("spec.payments.transfer", ["warn"], ("payments", "transfer"), "warn"),
    ("spec.apps.packages[0].reviewer", ["李"], ("apps", "packages", 0, "reviewer"), "李"),
    ("spec.device.minimum_os.android", ["14"], ("device", "minimum_os", "android"), "14"),
    ("spec.archive.media.wifi_only", ["false"], ("archive", "media", "wifi_only"), False),
    ("spec.location.every_minutes", ["45"], ("location", "every_minutes"), 45),
    ("spec.compliance[1].do", ["lock"], ("compliance", 1, "do"), "lock"),
]


@pytest.mark.parametrize(("name", "given", "place", "expected"), FIELDS_OF_FAMILIES)
def test_a_field_of_each_family_changes_its_member_and_nothing_else(
    name: str, given: list[str], place: tuple[str | int, ...], expected: object
) -> None:
    written = _changed(POLICY, {name: given})
    value = parse(written.encode())[0].data["spec"]
    for part in place:
        value = value[part]
    assert value == expected
    assert len(set(written.splitlines()) ^ set(POLICY.splitlines())) == 2, "one line is another"
    assert _changed(written, {}) == written


def test_not_set_is_something_else_than_a_value() -> None:
    emptied = _changed(POLICY, {"spec.archive.channels": [""]})
    assert parse(emptied.encode())[0].data["spec"]["archive"]["channels"] == []
    unset = _changed(POLICY, {}, "drop spec.archive.channels")
    assert "channels" not in parse(unset.encode())[0].data["spec"]["archive"]
    lifted = _changed(SMALL, {"spec.device.heartbeat_seconds": [""]})
    assert parse(lifted.encode())[0].data["spec"] == {}, "a family that says nothing is gone"


def test_durations_days_and_findings_are_put_together_from_their_inputs() -> None:
    spec = parse(
        _changed(
            POLICY,
            {
                "spec.compliance[0].when": ["", "any", "root"],
                "spec.compliance[1].after": ["90"],
                "spec.compliance[1].after~unit": ["m"],
                "spec.work_hours.weekly[1]~days": ["", "sat", "sun"],
                "spec.contact_limits.rules[2].window~unit": ["day"],
            },
        ).encode()
    )[0].data["spec"]
    assert (spec["compliance"][0]["when"], spec["compliance"][1]["after"]) == (["root"], "90m")
    assert list(spec["work_hours"]["weekly"]) == ["mon-fri", "sat,sun"]
    assert spec["contact_limits"]["rules"][2]["window"] == "day"
    assert changes.days_text(["fri", "mon", "tue", "wed"]) == "mon-wed,fri"


def test_buttons_add_to_lists_and_take_away() -> None:
    spec = parse(_changed(POLICY, {}, "add spec.keywords").encode())[0].data["spec"]
    assert (len(spec["keywords"]), spec["keywords"][-1]["set"]) == (4, "other"), "a set that is not named yet"
    spec = parse(_changed(POLICY, {}, "add spec.work_hours.weekly").encode())[0].data["spec"]
    assert spec["work_hours"]["weekly"]["sun"] == ["09:00-18:00"]
    spec = parse(_changed(SMALL, {}, "add spec.contact_limits.rules").encode())[0].data["spec"]
    assert spec["contact_limits"]["rules"][0]["id"] == "limit-1"
    spec = parse(_changed(POLICY, {}, "drop spec.keywords[1]").encode())[0].data["spec"]
    assert [rule["set"] for rule in spec["keywords"]] == ["abuse", "private-fee"]
    assert _changed(POLICY, {}, "drop spec.nowhere[7]") == POLICY


def test_what_the_text_said_meanwhile_stays() -> None:
    moved = SMALL.replace("spec:\n", "spec:\n  location: {mode: 'off'} # new\n")
    sent = _sent("Policy", SMALL, {"spec.device.heartbeat_seconds": ["90"]})
    written = sheet.change("Policy", moved, SMALL, lambda name: sent.get(name, []), "", [])
    assert "{mode: 'off'} # new" in written and "heartbeat_seconds: 90 # often" in written
    gone = SMALL.replace("  device:\n    heartbeat_seconds: 60 # often\n", "  device: 5\n")
    assert sheet.change("Policy", gone, SMALL, lambda name: sent.get(name, []), "", []) == gone


def test_terms_and_days_have_their_form_too() -> None:
    words = "apiVersion: shouji/v1\nkind: KeywordSet\nmetadata: {name: w}\nspec:\n  terms:\n    - 加急费 # bare\n"
    written = _changed(words, {"spec.terms[0].id": ["fee"]}, kind="KeywordSet")
    assert parse(written.encode())[0].data["spec"]["terms"] == [{"term": "加急费", "id": "fee"}]
    excused = _changed(words, {}, "add spec.terms[0].except", kind="KeywordSet")
    assert "except: [" in excused
    renamed = _changed(words, {"spec.terms[0].term": ["手续费"]}, kind="KeywordSet")
    assert "    - 手续费 # bare\n" in renamed
    calendar = "apiVersion: shouji/v1\nkind: Calendar\nmetadata: {name: c}\nspec: {days: []}\n"
    longer = _changed(calendar, {}, "add spec.days", "Calendar")
    dated = _changed(longer, {"spec.days[0].date": ["2027-10-01"]}, kind="Calendar")
    assert parse(dated.encode())[0].data["spec"]["days"] == [{"date": "2027-10-01", "kind": "holiday"}]


def test_the_page_follows_from_the_form_to_the_text_and_back(site: Site) -> None:
    browser = site.person()
    editor = browser.get("/policies/new?kind=Policy", headers=ENGLISH).text
    text = _area(editor, "base")
    form = {"csrf_token": token_of(editor), "kind": "Policy", "name": "", "text": text, "base": text}
    changed = _sent("Policy", text, {"spec.device.heartbeat_seconds": ["5"]})
    answer = browser.post("/policies/form", data={**form, **changed}, headers=ENGLISH | {"HX-Request": "true"}).text
    assert "<html" not in answer and "heartbeat_seconds: 5" in _area(answer, "base")
    assert re.search(r'id="problem-spec.device.heartbeat_seconds-1">[^<]*10', answer), "said at its field"
    assert 'data-line="8"' in answer, "and at its line"
    stored = _save(browser, text.replace("60", "30"))
    assert stored.status_code == 303
    again = browser.get("/policies/Policy/new-policy/edit", headers=CHINESE).text
    assert 'name="spec.device.heartbeat_seconds" value="30"' in again and "已设置" in again


def test_saving_takes_what_was_changed_in_the_form_just_before(site: Site) -> None:
    browser = site.person()
    sent = _sent("Policy", SMALL, {"spec.device.heartbeat_seconds": ["120"]})
    stored = _save(browser, SMALL, base=[SMALL], **sent)
    assert stored.status_code == 303
    assert "heartbeat_seconds: 120" in html.unescape(browser.get("/policies/Policy/small").text)


def test_hostile_text_is_shown_as_text_or_refused(site: Site) -> None:
    browser = site.person()
    editor = browser.get("/policies/new?kind=Policy", headers=ENGLISH).text
    form = {"csrf_token": token_of(editor), "kind": "Policy", "name": ""}
    texts = [
        SMALL + f"  numbers: {{dial: '{SCRIPT}', hide: ['{SCRIPT}'], mask: '{SCRIPT}'}}\n",
        SMALL + f"  work_hours: {{weekly: {{'{SCRIPT}': ['{SCRIPT}'], 7: {{a: b}}}}}}\n",
        SMALL.replace("60", "&a [*a, *a]"),
        SMALL + "  keywords: [[[[]]], 7, {set: [1]}]\n  compliance: {}\n  apps: 1\n",
        "[" * 500,
        "kind: Policy\nspec: []\nmetadata: 7\n",
        SMALL + "#" * 250_000,
    ]
    for text in texts:
        answer = browser.post("/policies/form", data={**form, "text": text, "base": text}, headers=ENGLISH)
        assert answer.status_code == 200 and "<script>alert" not in answer.text
    assert browser.post("/policies/form", data={**form, "text": "a" * 2_000_001}).status_code == 400
    assert browser.post("/policies/form", data={**form, "text": "a" * 10_000_000}).status_code in (400, 413)
    assert browser.post("/policies/form", data={"text": SMALL}).status_code == 400, "without its token"


def _save(browser: FlaskClient, text: str, **more: list[str]) -> TestResponse:
    token = token_of(browser.get("/policies/new?kind=Policy").text)
    return browser.post("/policies/save", data={"csrf_token": token, "kind": "Policy", "text": text, **more})


def _area(page: str, name: str) -> str:
    found = re.search(rf'<textarea name="{name}" hidden>\n(.*?)</textarea>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


def test_a_new_document_gets_its_name_in_the_form_and_a_stored_one_keeps_it(site: Site) -> None:
    browser = site.person()
    fresh = browser.get("/policies/new", headers=CHINESE).text
    assert 'name="metadata.name" value="new-policy"' in fresh
    named = _changed(SMALL, {"metadata.name": ["sales"]})
    assert parse(named.encode())[0].name == "sales" and "# often" in named
    token = token_of(fresh)
    saved = browser.post("/policies/save", data={"csrf_token": token, "kind": "Policy", "name": "", "text": SMALL})
    assert saved.status_code == 303
    stored = browser.get("/policies/Policy/small/edit", headers=CHINESE).text
    assert 'name="metadata.name"' not in stored and 'name="metadata.title"' in stored and "# often" in stored


def test_rows_of_a_week_are_headed_in_the_readers_language(site: Site) -> None:
    browser = site.person()
    text = HEAD + "spec: {work_hours: {weekly: {mon-fri: ['09:00-18:00'], 'sat,sun': ['10:00-12:00']}}}\n"
    for headers, headings in ((CHINESE, ("周一至周五", "周六、周日")), (ENGLISH, ("Mon–Fri", "Sat, Sun"))):
        fields = {"csrf_token": token_of(browser.get("/policies/new").text), "kind": "Policy", "text": text}
        page = browser.post("/policies/form", data=fields, headers=headers).text
        assert [heading for heading in headings if f"<legend><bdi>{heading}</bdi></legend>" in page] == list(headings)
