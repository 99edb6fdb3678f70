"""Query members that a route does not know: a misspelt filter must not list everything."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.http.access import Access, table
from tests.fleet.company import API, Company


@pytest.fixture
def company(client: FlaskClient) -> Company:
    return Company.found(client)


def lists(app: Flask) -> list[str]:
    """Addresses of all routes that answer with pages of a list."""
    found = []
    for rule in app.url_map.iter_rules():
        said = table.get(rule.endpoint)
        if said and said.query and "cursor" in said.query and "GET" in (rule.methods or ()):
            found.append(rule.rule.replace("<id>", "0c9cf2d5-6ea4-4a8c-9b0f-3a6a4f4fd1a3"))
    return [path.replace("<kind>/<name>", "Policy/x") for path in found]


def test_every_list_refuses_a_member_that_it_does_not_know(app: Flask, company: Company) -> None:
    paths = lists(app)
    assert len(paths) > 15
    for path in paths:
        answer: Any = company.client.get(path, query_string={"limt": "5"}, headers=company.admin)
        assert (answer.status_code, answer.json["code"]) == (422, "unknown_query_member"), path
        assert answer.json["errors"][0]["path"] == "limt"
        assert {"cursor", "limit"} <= set(answer.json["allowed"])


def test_the_words_name_the_member_and_the_allowed_ones(company: Company) -> None:
    def refused(language: str) -> Any:
        headers = {**company.admin, "Accept-Language": language}
        answer: Any = company.client.get(f"{API}/documents?kinds=Policy&limit=5", headers=headers)
        return answer.json["detail"]

    assert refused("en") == "There is no query member “kinds”. Allowed: cursor, limit, kind."
    assert refused("zh-CN") == "没有名为 kinds 的查询参数。可用：cursor、limit、kind。"


def test_a_request_that_changes_something_refuses_them_before_it_does(company: Company) -> None:
    text = "apiVersion: shouji/v1\nkind: Calendar\nmetadata: {name: x}\nspec: {days: []}\n"
    headers = {**company.admin, "Content-Type": "application/yaml"}
    answer: Any = company.client.post(f"{API}/documents/apply?publsh=true", data=text.encode(), headers=headers)
    allowed = ["prune", "managed_by", "publish", "take_over", "reason"]
    assert (answer.status_code, answer.json["allowed"]) == (422, allowed)
    assert company.get("/documents").json["items"] == []


def test_a_route_without_members_says_so(company: Company) -> None:
    answer: Any = company.client.get(f"{API}/auth/me?verbose=1", headers=company.admin)
    assert (answer.status_code, answer.json["allowed"]) == (422, [])


def test_phones_and_probes_may_say_more_than_this_server_knows(app: Flask, client: FlaskClient) -> None:
    assert client.get("/healthz?from=balancer").status_code == 200
    of_phones = [table.get(rule.endpoint) for rule in app.url_map.iter_rules()]
    assert all(said.query is None for said in of_phones if said and said.demand is Access.DEVICE)
