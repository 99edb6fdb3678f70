"""A company whose phones are judged: policies, heartbeats, the job, and what people then see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import time_machine
from sqlalchemy import event

from archive.device import routes as archive_routes
from compliance import jobs
from core import clock
from core.db import db
from core.uow import unit_of_work
from fleet import presence
from fleet.device import routes as fleet_routes
from mqtt.contract.names import RuleFamily
from mqtt.routes import Inbound, Refusal, Router
from policies.device import routes as policy_routes
from tests.fleet.company import Company
from tests.fleet.phone import Phone
from tests.identity import world
from tests.policies.office import Office, assignment, policy

GOOD = {
    "encrypted": True,
    "passcode": True,
    "rooted": False,
    "developer_mode": False,
    "agent_admin": True,
    "permissions": {"sms": True, "overlay": True},
    "sim": [],
    "security_patch": None,
}
EVERYWHERE = "{org_unit: /}"
STRICT = (
    "{device: {require: [encryption, passcode, agent_admin, permissions], forbid: [root, developer_mode]}, "
    "compliance: [{when: any, after: 0h, do: notify_holder}, {when: any, after: 24h, do: alert}, "
    "{when: [root, agent_admin, offline], after: 72h, do: lock}]}"
)


@dataclass
class Bureau:
    """The company and its policies."""

    company: Company
    office: Office

    @classmethod
    def open(cls, company: Company) -> Bureau:
        return cls(company, Office(company))

    def rule(self, spec: str = STRICT, *, name: str = "house", to: str = EVERYWHERE) -> None:
        """Put a policy in force and judge by it."""
        self.office.apply(policy(name, spec) + assignment(name, name, to))
        self.tick()

    def phone(self, org_unit: str = "/总部/电销", **token: Any) -> Phone:
        """A phone that has said that all is well with it."""
        phone = self.company.enroll(token=self.company.token(org_unit=org_unit, **token))
        self.hello(phone)
        self.office.report(phone)
        self.beat(phone)
        return phone

    def beat(self, phone: Phone, **posture: Any) -> None:
        """A heartbeat now, with a posture that differs from a good one so."""
        assert say(phone.heartbeat(clock.now(), posture={**GOOD, **posture})) == []

    def hello(self, phone: Phone, **changes: Any) -> None:
        """A hello now, of a phone that can do all that policies ask for."""
        able = {"capabilities": [*RuleFamily, "lock", "record_calls"]}
        assert say(phone.hello(clock.now(), **{**able, **changes})) == []

    @contextmanager
    def at(self, **span: float) -> Iterator[None]:
        """The clock moved on; everybody has signed in anew, and has again afterwards."""
        with time_machine.travel(later(**span)):
            self._sign_in()
            yield
        self._sign_in()

    def _sign_in(self) -> None:
        for name in ("admin", "leader", "officer"):
            setattr(self.company, name, world.headers(name))

    def tick(self) -> None:
        """The job, as the scheduler runs it."""
        with unit_of_work():
            jobs.judge_due()

    def mark_overdue(self) -> None:
        """The fleet's job: phones whose heartbeats stayed away are offline."""
        with unit_of_work():
            presence.mark_overdue()

    def findings(self, phone: Phone, who: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
        """Open findings of a phone by code."""
        answer = self.company.get(f"/devices/{phone.id}/findings", who)
        assert answer.status_code == 200, answer.json
        return {one["code"]: one for one in answer.json["items"]}

    def counted(self, phone: Phone) -> set[str]:
        """Codes that make the phone noncompliant."""
        return {code for code, one in self.findings(phone).items() if one["counts"]}

    def shown(self, phone: Phone) -> dict[str, Any]:
        """Compliance as the device list has it."""
        shown: dict[str, Any] = self.company.device(phone)["compliance"]
        return shown

    def commands(self, phone: Phone) -> list[tuple[str, str]]:
        """Type and origin of a phone's commands, oldest first."""
        items = self.company.get(f"/devices/{phone.id}/commands").json["items"]
        return [(one["type"], one["origin"]) for one in reversed(items)]

    def officer_of(self, org_unit: str) -> dict[str, str]:
        """A compliance officer of one part of the tree, signed in."""
        world.person("local", "compliance_officer", org_unit=org_unit)
        return world.headers("local")

    def audited(self, action: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.company.get("/audit", action=action).json["items"]
        return items

    def notices(self, who: dict[str, str]) -> list[dict[str, Any]]:
        """What a person was told about compliance, newest first."""
        items = self.company.get("/notices", who).json["items"]
        return [one for one in items if one["kind"] == "compliance"]


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that were run meanwhile."""
    run: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        run.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield run
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def say(*messages: Inbound) -> list[Refusal]:
    """Take device messages as ingest does."""
    with unit_of_work():
        return Router([fleet_routes, policy_routes, archive_routes]).handle(messages)


def later(**span: float) -> Any:
    """The clock, moved on."""
    return clock.now() + timedelta(**span)
