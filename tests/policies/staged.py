"""A rollout by rings as tests drive it: over HTTP, with the evaluator called by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine

from policies import rollout_steps
from tests.fleet.phone import Phone
from tests.policies.office import Office, assignment, document, policy

HERE = "{org_unit: /总部/电销}"
OLD, NEW = "{device: {heartbeat_seconds: 60}}", "{device: {heartbeat_seconds: 30}}"
EVERYONE = {"name": "all", "everyone": True}


class Rollout:
    """One rollout of the policy `sales`."""

    def __init__(self, office: Office, body: dict[str, Any], status: int = 200) -> None:
        self.office = office
        answer = office.company.post("/documents/Policy/sales/publish", body)
        assert answer.status_code == status, answer.json
        self.answer = answer.json
        self.id = self.answer.get("rollout")

    @property
    def now(self) -> Any:
        """As the API shows it."""
        return self.office.company.get(f"/rollouts/{self.id}").json

    @property
    def state(self) -> str:
        """Its state."""
        return str(self.now["state"])

    def rings(self) -> list[str]:
        """States of the rings."""
        return [ring["state"] for ring in self.now["rings"]]

    def figures(self, ring: int) -> dict[str, int]:
        """The figures of a ring that are not nought."""
        return {name: n for name, n in self.now["rings"][ring]["devices"].items() if n}

    def act(self, act: str, *, who: dict[str, str] | None = None, reason: str = "because") -> Any:
        """Do something with it."""
        company = self.office.company
        return company.client.post(
            f"/api/v1/rollouts/{self.id}/{act}", json={"reason": reason}, headers=who or company.admin
        )

    def done(self, act: str, **more: Any) -> Any:
        """Do something with it that must work."""
        answer = self.act(act, **more)
        assert answer.status_code == 200, answer.json
        return answer.json

    def devices(self, **query: Any) -> list[dict[str, Any]]:
        """The phones behind a figure."""
        answer = self.office.company.client.get(
            f"/api/v1/rollouts/{self.id}/devices", headers=self.office.company.admin, query_string=query
        )
        assert answer.status_code == 200, answer.json
        return list(answer.json["items"])


def phones(office: Office, count: int, pilots: int = 1) -> list[Phone]:
    """Phones that have the old policy applied, the first of them in the group `pilot`; the new one is a draft."""
    made = [office.phone("/总部/电销") for _ in range(count)]
    listed = ", ".join(phone.id for phone in made[:pilots])
    office.apply(
        policy("sales", OLD)
        + document("Group", "pilot", f"{{devices: [{listed}]}}")
        + assignment("everywhere", "sales", HERE)
    )
    for phone in made:
        office.report(phone)
    office.apply(policy("sales", NEW), publish=False)
    return made


def seconds(office: Office, phone: Phone) -> int:
    """Which policy a phone gets."""
    return int(office.rules(phone)["device"]["heartbeat_seconds"])


def evaluate() -> int:
    """Let the evaluator run."""
    return rollout_steps.run()


@contextmanager
def later(**span: float) -> Iterator[None]:
    """The clock shows another time; backwards with negative figures."""
    with time_machine.travel(datetime.now(UTC) + timedelta(**span), tick=True):
        yield
