"""The company of the phone tests, and a desk that imports files into it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import jobs
from core.runtime import runtime
from fleet import guards
from imports.jobs import JOB
from tests.fleet.company import API, Company


@dataclass
class Desk:
    """Somebody who imports."""

    company: Company
    who: dict[str, str]

    def upload(self, kind: str, content: bytes, name: str = "a.csv", **headers: str) -> Any:
        """The answer to a file."""
        form = {"kind": kind, "file": (io.BytesIO(content), name)}
        return self.company.client.post(f"{API}/imports", data=form, headers={**self.who, **headers})

    def preview(self, kind: str, content: bytes) -> dict[str, Any]:
        """The import once it has been read."""
        made = self.upload(kind, content)
        assert made.status_code == 201, made.json
        assert made.json["state"] == "reading"
        work()
        return self.get(made.json["id"])

    def run(self, kind: str, content: bytes) -> dict[str, Any]:
        """The import once it has been applied."""
        made = self.preview(kind, content)
        assert self.post(made["id"], "confirm").status_code == 200, made
        work()
        return self.get(made["id"])

    def get(self, import_id: str) -> dict[str, Any]:
        answer = self.company.get(f"/imports/{import_id}", self.who)
        assert answer.status_code == 200, answer.json
        shown: dict[str, Any] = answer.json
        return shown

    def post(self, import_id: str, deed: str) -> Any:
        return self.company.client.post(f"{API}/imports/{import_id}/{deed}", headers=self.who)

    def lines(self, import_id: str, **query: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.company.get(f"/imports/{import_id}/lines", self.who, **query).json["items"]
        return items

    def problems(self, import_id: str) -> list[tuple[int, int | None, str]]:
        """Line, position and code of everything that is wrong."""
        return [
            (line["line"], problem["position"], problem["code"])
            for line in self.lines(import_id, outcome="error", limit=200)
            for problem in line["problems"]
        ]

    def people(self, **query: Any) -> dict[str, tuple[str, str, str]]:
        """Name, unit and state by employee number."""
        items = self.company.get("/staff", self.company.admin, limit=200, **query).json["items"]
        return {one["employee_no"]: (one["name"], one["org_unit"], one["state"]) for one in items if one["employee_no"]}


def work() -> None:
    """The worker's turn."""
    assert jobs.run(JOB) in ("done", "idle")


@pytest.fixture
def company(app: Flask, client: FlaskClient) -> Iterator[Company]:
    runtime().ring.signing_keys()
    runtime().ring.publish()
    with guards.careful():
        yield Company.found(client)


@pytest.fixture
def desk(company: Company) -> Desk:
    return Desk(company, company.admin)


@pytest.fixture
def local(company: Company) -> Desk:
    """An IT administrator of `/总部/电销` alone."""
    return Desk(company, company.leader)
