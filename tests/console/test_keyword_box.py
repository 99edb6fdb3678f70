"""The try-it box: what a keyword set finds in a message, marked in it, and through which evasion."""

from __future__ import annotations

import html
import re

from console.keyword_box import Piece, marked
from policies.keyword_try import Found
from tests.console.site import CHINESE, ENGLISH, Site, submit, token_of
from tests.identity import world

SET = (
    "apiVersion: shouji/v1\nkind: KeywordSet\nmetadata: {name: words, title: 敏感词}\n"
    "spec:\n  match: [width, case, symbols]\n  terms:\n    - 加急费\n    - {term: 服务费, except: [合同约定的服务费]}\n"
)
SCRIPT = "<script>alert(1)</script>\u202e"
ADDRESS = "/policies/KeywordSet/words/try"


def _store(site: Site) -> None:
    with site.app.app_context():
        answer = site.company.client.post(
            "/api/v1/documents/apply", data=SET.encode(), content_type="application/yaml", headers=site.company.admin
        )
    assert answer.status_code == 200, answer.json


def _marks(page: str) -> list[str]:
    return [html.unescape(found) for found in re.findall(r"<mark>(.*?)</mark>", page, re.DOTALL)]


def test_what_hits_is_marked_where_it_stands_with_what_it_was_hidden_by(site: Site) -> None:
    _store(site)
    browser = site.person()
    assert "Try it" in browser.get("/policies/KeywordSet/words", headers=ENGLISH).text
    page = submit(browser, ADDRESS, ENGLISH, message=f"{SCRIPT} 先交加*急*费，合同约定的服务费见附件").text
    assert _marks(page) == ["加*急*费"] and "1 hit<" in page and "symbols in between" in page
    assert "<script>alert" not in page
    chinese = submit(browser, ADDRESS, CHINESE, message="加急费和服务费").text
    assert _marks(chinese) == ["加急费", "服务费"] and "命中 2 处" in chinese and "原样" in chinese
    split = submit(browser, ADDRESS, ENGLISH, before="先交加", message="急费").text
    assert _marks(split) == ["急费"] and "begins in an earlier message" in split and "split over messages" in split
    assert "Nothing hits" in submit(browser, ADDRESS, ENGLISH, message="下午见").text


def test_the_set_in_the_editor_is_tried_as_it_is_written(site: Site) -> None:
    browser = site.person()
    editor = browser.get("/policies/new?kind=KeywordSet", headers=ENGLISH).text
    assert "/policies/keywords/try" in editor
    form = {"csrf_token": token_of(editor), "message": "先交加 急 费"}
    found = browser.post("/policies/keywords/try", data={**form, "text": SET}, headers=ENGLISH).text
    assert _marks(found) == ["加 急 费"] and "<html" not in found
    broken = browser.post("/policies/keywords/try", data={**form, "text": f"kind: {SCRIPT}"}, headers=ENGLISH)
    assert broken.status_code == 200 and "bad-word" in broken.text and "<script>alert" not in broken.text
    assert browser.post("/policies/keywords/try", data={"text": SET}).status_code == 400, "without its token"


def test_the_box_is_for_those_who_may_read_documents(site: Site) -> None:
    _store(site)
    with site.app.app_context():
        world.person("nobody", "employee")
    assert site.person("nobody").get(ADDRESS).status_code == 403
    assert site.person("leader").get(ADDRESS).status_code == 200
    assert site.person().get("/policies/KeywordSet/missing/try").status_code == 404


def test_overlapping_hits_are_marked_as_one_stretch() -> None:
    def hit(start: int, end: int) -> Found:
        return Found("id", "term", start, end, "", [])

    assert marked("abcdef", [hit(1, 3), hit(2, 4)]) == [Piece("a", False), Piece("bcd", True), Piece("ef", False)]
    assert marked("ab", [hit(-2, 1)]) == [Piece("a", True), Piece("b", False)]
    assert marked("", []) == []
