"""The pages of imports: give a file, see what each line would do, confirm, follow, and get what is wrong back."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from psycopg.errors import DeadlockDetected
from sqlalchemy.exc import OperationalError

from core import jobs
from imports import uploads
from tests.console.site import CHINESE, ENGLISH, Site, token_of
from tests.identity import world

SCRIPT = "<script>alert(1)</script>"
PEOPLE = (
    f"姓名,工号,部门\n赵一,E501,/总部/电销\n{SCRIPT},E502,/总部/电销\n钱二,E503,/没有\n=HYPERLINK(1),E504,/nowhere\n"
)


def _give(browser: FlaskClient, content: bytes, kind: str = "people", name: str = "staff.csv") -> Any:
    form = {"csrf_token": token_of(browser.get("/imports").text), "kind": kind, "file": (io.BytesIO(content), name)}
    return browser.post("/imports", data=form, headers=ENGLISH, content_type="multipart/form-data")


def _work(site: Site) -> None:
    """What the worker does every two seconds, until nothing is left to do."""
    with site.app.app_context():
        for _ in range(10):
            outcome = jobs.run("imports")
            assert outcome in ("done", "idle")
            if outcome == "idle":
                return


def _post(browser: FlaskClient, address: str, page: str) -> Any:
    return browser.post(address, data={"csrf_token": token_of(page)}, headers=ENGLISH)


def test_a_file_is_previewed_line_by_line_then_imported(site: Site) -> None:
    browser = site.person()
    given = _give(browser, PEOPLE.encode("gb18030"))
    assert given.status_code == 303, given.text
    address = given.headers["Location"]
    assert 'sse-connect="/live/imports"' in browser.get(address).text, "while it is read the page is told how far it is"
    _work(site)
    page = browser.get(address, headers=ENGLISH).text
    assert 'sse-connect="/live/imports' not in page and "data-live" not in page and "To confirm" in page
    assert SCRIPT not in page and "赵一" in page and page.count("bad-word") == 2
    errors = browser.get(f"{address}?outcome=error", headers=CHINESE).text
    assert "钱二" in errors and "赵一" not in errors and "组织" in errors
    assert _post(browser, f"{address}/confirm", page).status_code == 303
    _work(site)
    done = browser.get(address, headers=ENGLISH).text
    assert "Done" in done and "钱二" in done and "2 lines</span>" in done
    assert "赵一" in browser.get("/people?q=E501").text
    csv = browser.get(f"{address}/errors.csv").data.decode("utf-8-sig")
    assert "钱二" in csv and "'=HYPERLINK(1)" in csv and "赵一" not in csv


def test_an_import_that_is_given_up_changes_nothing(site: Site) -> None:
    browser = site.person()
    address = _give(browser, PEOPLE.encode()).headers["Location"]
    _work(site)
    page = browser.get(address).text
    assert browser.post(f"{address}/confirm").status_code == 400, "without its token a form does nothing"
    assert _post(browser, f"{address}/cancel", page).status_code == 303
    assert "nothing was written" in browser.get(address, headers=ENGLISH).text
    assert _post(browser, f"{address}/confirm", page).status_code == 409
    assert "E501" not in browser.get("/people").text


def test_what_is_no_table_is_refused_beside_the_file_and_later_said_in_words(site: Site) -> None:
    browser = site.person()
    empty = _give(browser, b"  ")
    assert empty.status_code == 422 and 'id="problem-file"' in empty.text
    token = token_of(empty.text)
    missing = browser.post("/imports", data={"csrf_token": token, "kind": "people"}, headers=ENGLISH)
    assert missing.status_code == 422 and "Choose a file" in missing.text
    given = _give(browser, b"\x00\x01\x02 no table", name=f"{SCRIPT}.csv")
    if given.status_code == 303:
        _work(site)
        page = browser.get(given.headers["Location"], headers=ENGLISH).text
        assert "Failed" in page and "warning-bad" in page and SCRIPT not in page
    else:
        assert given.status_code == 422 and 'id="problem-file"' in given.text


def test_templates_are_handed_out_in_the_readers_language(site: Site) -> None:
    browser = site.person()
    page = browser.get("/imports").text
    addresses = re.findall(r'href="(/imports/templates/[a-z_]+\.(?:csv|xlsx))"', page)
    assert len(addresses) >= 6
    assert all(browser.get(address).status_code == 200 for address in addresses)
    assert "姓名" in browser.get("/imports/templates/people.csv", headers=CHINESE).data.decode("utf-8-sig")


def test_imports_belong_to_those_who_may_do_them_and_to_their_part_of_the_tree(site: Site) -> None:
    assert site.person("officer").get("/imports", headers=ENGLISH).status_code == 403
    address = _give(site.person(), PEOPLE.encode()).headers["Location"]
    leader = site.person("leader")
    assert leader.get(address).status_code == leader.get(f"{address}/errors.csv").status_code == 404
    with site.app.app_context():
        world.person("second", "it_admin")
    assert site.person("second").get(address).status_code == 200


def test_an_upload_that_the_database_threw_out_is_taken_again_with_its_file(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = site.person()
    real = uploads.create
    contents: list[bytes] = []

    def create(actor: Any, kind: str, name: str, content: bytes) -> Any:
        contents.append(content)
        made = real(actor, kind, name, content)
        if len(contents) == 1:
            raise OperationalError("INSERT", {}, DeadlockDetected("somebody else goes on"))
        return made

    monkeypatch.setattr(uploads, "create", create)
    given = _give(browser, PEOPLE.encode())
    assert given.status_code == 303, given.text
    assert contents == [PEOPLE.encode()] * 2
    page = browser.get("/imports", headers=ENGLISH).text
    assert page.count("staff.csv") == 1 and page.count("The file is uploaded.") == 1
