"""The company that tests enroll phones into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask.testing import FlaskClient

from core.uow import unit_of_work
from fleet.device import routes
from mqtt.routes import Inbound, Refusal, Router
from tests.fleet.phone import Phone
from tests.identity import world
from tests.support.tables import beginning

API = "/api/v1"
NOTICE = "default-1"


@dataclass
class Company:
    """Units `/总部/电销` and `/总部/客服`; `admin` over all, `leader` over telesales, `officer` for compliance."""

    client: FlaskClient
    admin: dict[str, str]
    leader: dict[str, str]
    officer: dict[str, str]
    wang: str
    li: str

    @classmethod
    def found(cls, client: FlaskClient) -> Company:
        return replace(beginning("company", lambda: cls._found(client)), client=client)

    @classmethod
    def _found(cls, client: FlaskClient) -> Company:
        world.unit("/总部/电销")
        world.unit("/总部/客服")
        world.person("admin", "platform_admin")
        world.person("leader", "it_admin", org_unit="/总部/电销")
        world.person("officer", "compliance_officer")
        wang = world.person(None, name="王小明", employee_no="E1024", org_unit="/总部/电销")
        li = world.person(None, name="李四", employee_no="E2048", org_unit="/总部/客服")
        admin, leader, officer = (world.headers(name) for name in ("admin", "leader", "officer"))
        return cls(client, admin, leader, officer, wang, li)

    def token(self, **body: Any) -> str:
        made = self.post("/enrollment-tokens", {"max_uses": 10, "expires_in": 3600, **body})
        assert made.status_code == 201, made.json
        return str(made.json["token"])

    def post(self, path: str, body: dict[str, Any], who: dict[str, str] | None = None) -> Any:
        return self.client.post(API + path, json=body, headers=who if who is not None else self.admin)

    def get(self, path: str, who: dict[str, str] | None = None, **query: Any) -> Any:
        return self.client.get(API + path, query_string=query, headers=who if who is not None else self.admin)

    def patch(self, path: str, body: dict[str, Any], who: dict[str, str] | None = None) -> Any:
        return self.client.patch(API + path, json=body, headers=who if who is not None else self.admin)

    def delete(self, path: str, who: dict[str, str] | None = None) -> Any:
        return self.client.delete(API + path, headers=who if who is not None else self.admin)

    def try_enroll(self, phone: Phone, token: str, **changes: Any) -> Any:
        return self.client.post(API + "/enroll", json=phone.enrollment(token, NOTICE, **changes))

    def enroll(self, phone: Phone | None = None, token: str | None = None, **changes: Any) -> Phone:
        """A phone that is enrolled; without a token with one of its own."""
        phone = phone or Phone()
        answer = self.try_enroll(phone, token or self.token(), **changes)
        assert answer.status_code == 201, answer.json
        phone.id = answer.json["device_id"]
        return phone

    def device(self, phone: Phone) -> dict[str, Any]:
        answer = self.get(f"/devices/{phone.id}")
        assert answer.status_code == 200, answer.json
        shown: dict[str, Any] = answer.json
        return shown

    def timeline(self, phone: Phone, *kinds: str) -> list[str]:
        """Codes of a phone's history, newest first, of some kinds or of all."""
        lines = self.get(f"/devices/{phone.id}/timeline", limit=200).json["items"]
        return [line["code"] for line in lines if not kinds or line["kind"] in kinds]


def hear(*batch: Inbound) -> list[Refusal]:
    """Take a batch of messages as ingest does: one unit of work, through the router."""
    return hear_all(batch)


def hear_all(batch: Sequence[Inbound]) -> list[Refusal]:
    with unit_of_work():
        return Router([routes]).handle(batch)
