"""A company in front of its console."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from core.db import db
from core.runtime import runtime
from core.uow import unit_of_work
from fleet import findings, presence
from fleet.findings import Observation
from tests.fleet.company import Company
from tests.fleet.phone import Phone
from tests.identity import world

PASSWORD = world.PASSWORD
CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9"}
ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}
_TOKEN = re.compile(r'name="csrf_token"\s+value="([^"]+)"')


@dataclass
class Site:
    """An application, the company in it, and browsers."""

    app: Flask
    company: Company

    @classmethod
    def found(cls, app: Flask) -> Site:
        with app.app_context():
            runtime().ring.signing_keys()
            runtime().ring.publish()
            company = Company.found(app.test_client())
        return cls(app, company)

    def visitor(self) -> FlaskClient:
        """A browser that is not signed in."""
        return self.app.test_client()

    def person(self, username: str = "admin") -> FlaskClient:
        """A browser in which that person is signed in."""
        browser = self.visitor()
        answer = submit(browser, "/sign-in", username=username, password=PASSWORD)
        assert answer.status_code == 303, answer.text
        return browser

    def enroll(self, **facts: Any) -> Phone:
        """A phone in the fleet; `org_unit`, `person` and the like go into its token."""
        token = {name: facts.pop(name) for name in ("org_unit", "person", "groups") if name in facts}
        with self.app.app_context():
            return self.company.enroll(Phone(**facts), self.company.token(**token))

    def observe(self, phone: Phone, code: str, present: bool = True) -> None:
        """Open or close a finding."""
        with self.app.app_context(), unit_of_work():
            findings.observe([Observation(phone.id, code, present)])

    def queries(self, browser: FlaskClient, address: str) -> int:
        """How many statements a page costs."""
        statements: list[str] = []

        def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            statements.append(statement)

        with self.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", count)
        try:
            assert browser.get(address).status_code == 200
        finally:
            event.remove(engine, "before_cursor_execute", count)
        return len(statements)

    def announce_offline(self, phone: Phone) -> None:
        """Say that a phone came or went, without it."""
        with self.app.app_context(), unit_of_work():
            presence.announce({phone.id: False})


def token_of(html: str) -> str:
    """The form token of a page."""
    found = _TOKEN.search(html)
    assert found, html
    return found.group(1)


def submit(browser: FlaskClient, address: str, headers: dict[str, str] | None = None, /, **fields: str) -> TestResponse:
    """Open a form and send it, as a person does."""
    page = browser.get(address, headers=headers)
    form = {"csrf_token": token_of(page.text), **fields}
    return browser.post(address, data=form, headers=headers)
