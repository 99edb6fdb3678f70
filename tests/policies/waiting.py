"""Changes that wait for a second person, as tests drive them: over HTTP, asked by one and decided by another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from core.runtime import runtime
from core.uow import unit_of_work
from notify import in_app
from tests.identity import world
from tests.policies.office import Office, assignment, policy

STRICT, LAX = "{protection: {deny: [screenshot, share_contact_card]}}", "{protection: {deny: [screenshot]}}"
TELESALES = "{org_unit: /总部/电销}"


@contextmanager
def asking(office: Office, patch: pytest.MonkeyPatch) -> Iterator[Waiting]:
    """The setting is on, and there are an author at the root of the tree and a second one."""
    on = runtime().settings.model_copy(update={"approval_to_loosen": True, "approver_min_age": 0})
    patch.setitem(runtime().__dict__, "settings", on)
    for name in ("author", "second"):
        world.person(name, "policy_author", "it_admin")
    yield Waiting(office)


class Waiting:
    """An office in which whatever loosens waits."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.author, self.second = world.headers("author"), world.headers("second")

    def strict(self, unit: str = "/总部/电销") -> Any:
        """A phone that has strict rules."""
        phone = self.office.phone(unit)
        self.office.apply(policy("sales", STRICT) + assignment("everywhere", "sales", TELESALES), who=self.author)
        return phone

    def held(self, answer: Any) -> str:
        """Id of the approval that a change waits for; the answer says so, and where it is found."""
        assert answer.status_code == 202, answer.json
        assert answer.headers["Location"] == f"/api/v1/approvals/{answer.json['id']}"
        assert answer.json["state"] == "pending"
        return str(answer.json["id"])

    def publish(self, name: str = "sales", who: dict[str, str] | None = None, **body: Any) -> Any:
        """Ask to publish a policy."""
        body = {"reason": "放宽截屏", **body}
        return self.office.company.post(f"/documents/Policy/{name}/publish", body, who or self.author)

    def draft(self, spec: str = LAX, name: str = "sales") -> None:
        """Change the draft of a policy."""
        self.office.apply(policy(name, spec), publish=False, who=self.author)

    def decide(self, approval: str, decision: str = "approve", who: dict[str, str] | None = None) -> Any:
        """Decide a request as the second person."""
        path = f"/documents/held/{approval}/{decision}"
        return self.office.company.post(path, {"reason": "同意"}, who or self.second)

    def approve(self, approval: str) -> None:
        """Approve it; it is carried out."""
        answer = self.decide(approval)
        assert (answer.status_code, answer.json["state"]) == (200, "used"), answer.json

    def void(self, approval: str, why: str) -> None:
        """Approving it finds that it cannot be carried out any more."""
        answer = self.decide(approval)
        assert (answer.status_code, answer.json["code"], answer.json["why"]) == (409, "approval_void", why)
        assert self.state(approval) == "void"

    def state(self, approval: str) -> str:
        """Where a request stands."""
        return str(self.office.company.get(f"/approvals/{approval}").json["state"])

    def denied(self, phone: Any) -> list[str]:
        """What a phone's policy denies."""
        return list(self.office.rules(phone).get("protection", {}).get("deny", ()))

    def told(self, name: str) -> list[str]:
        """Kinds of what somebody was told of."""
        who = world.actor(name)
        with unit_of_work(write=False):
            return [notice.kind for notice in in_app.find(who).items]
