"""What tests of policies do over and over: apply documents, read states, play a phone."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core import outbox
from core.crypto.blobs import open_blob
from core.crypto.jwk import unb64u
from core.outbox import Due
from core.runtime import runtime
from core.uow import unit_of_work
from mqtt import effects
from mqtt.effects import Publish
from mqtt.routes import Inbound, Refusal, Router
from policies.device import routes
from tests.fleet.company import API
from tests.fleet.phone import Phone, wire

YAML = "application/yaml"


def policy(name: str, spec: str, revision: int | None = None) -> str:
    metadata = f"{{name: {name}}}" if revision is None else f"{{name: {name}, revision: {revision}}}"
    return f"---\napiVersion: shouji/v1\nkind: Policy\nmetadata: {metadata}\nspec: {spec}\n"


def document(kind: str, name: str, spec: str) -> str:
    return policy(name, spec).replace("kind: Policy", f"kind: {kind}")


def assignment(name: str, policy_name: str, to: str) -> str:
    return document("Assignment", name, f"{{policy: {policy_name}, to: {to}}}")


@dataclass
class Office:
    """A company whose policies are driven over HTTP."""

    # JSON answers have any shape, which mypy would make every line doubt.
    company: Any

    def apply(self, text: str, *, publish: bool = True, who: dict[str, str] | None = None, **query: Any) -> Any:
        answer = self.try_apply(text, publish=publish, who=who, **query)
        assert answer.status_code == 200, answer.json
        return answer.json

    def try_apply(self, text: str, *, publish: bool = True, who: dict[str, str] | None = None, **query: Any) -> Any:
        return self.send("/documents/apply", text, who=who, publish=str(publish).lower(), **query)

    def plan(self, text: str, **query: Any) -> Any:
        answer = self.send("/documents/plan", text, **query)
        assert answer.status_code == 200, answer.json
        return answer.json

    def send(self, path: str, text: str, *, who: dict[str, str] | None = None, **query: Any) -> Any:
        headers = {**(who or self.company.admin), "Content-Type": YAML}
        return self.company.client.post(API + path, data=text.encode(), headers=headers, query_string=query)

    def phone(self, org_unit: str | None = None, **token: Any) -> Phone:
        body = {"org_unit": org_unit, **token} if org_unit else token
        enrolled: Phone = self.company.enroll(token=self.company.token(**body))
        return enrolled

    def state(self, phone: Phone) -> dict[str, Any]:
        shown: dict[str, Any] = self.company.device(phone)["policy"]
        return shown

    def bundle(self, phone: Phone) -> dict[str, Any]:
        """The bundle that a phone gets, opened with the key of its desired state, as a phone opens it."""
        desired = self.desired(phone)
        reference = desired["bundle"]
        blob = self.company.client.get(f"{API}/device/blobs/{reference['digest']}", headers=phone.bearer()).data
        assert len(blob) == reference["size"]
        assert hashlib.sha256(blob).hexdigest() == reference["digest"]
        opened: dict[str, Any] = json.loads(open_blob(unb64u(reference["key"]), blob, 1 << 25))
        return opened

    def rules(self, phone: Phone) -> dict[str, Any]:
        rules: dict[str, Any] = self.bundle(phone)["rules"]
        return rules

    def desired(self, phone: Phone) -> dict[str, Any]:
        """Claims of the desired state as the relay would publish it now."""
        messages = self.render("desired", [phone.id])
        assert len(messages) == 1
        claims: dict[str, Any] = json.loads(unb64u(messages[0].payload.split(b".")[1].decode()))
        return claims

    def render(self, effect: str, keys: list[str]) -> list[Publish]:
        renderer = effects.renderer(effect)
        assert renderer is not None
        rows = [Due(id=number, effect=effect, key=key, detail={}) for number, key in enumerate(keys, 1)]
        with unit_of_work():
            return renderer(rows, runtime().ring.signing_keys()[0])

    def queued(self) -> list[tuple[str, str]]:
        """Effects and keys in the outbox, in order, of this room."""
        with unit_of_work(write=False) as current:
            rows = outbox.due(current, 10_000)
            return [(row.effect, row.key) for row in rows if row.effect in ("desired", "blob")]

    def forget_queue(self) -> None:
        with unit_of_work() as current:
            outbox.settle(current, [row.id for row in outbox.due(current, 10_000)])

    def report(self, phone: Phone, outcome: str = "applied", **changes: Any) -> list[Refusal]:
        state = self.state(phone)["desired"]
        if outcome == "applied":
            changes.setdefault("rules", dict.fromkeys(self.rules(phone), "enforced"))
        return hear(report(phone, outcome=outcome, generation=state["generation"], bundle=state["bundle"], **changes))


def report(
    phone: Phone, *, iat: int | None = None, key: Any = None, typ: str = "shouji-reported+jws", **body: Any
) -> Inbound:
    now = datetime.now(UTC)
    claims = {
        "sub": phone.id,
        "jti": uuid.uuid4().hex,
        "iat": int(now.timestamp()) if iat is None else iat,
        "outcome": "applied",
        "generation": None,
        "bundle": None,
        "detail": None,
        "at": wire(now),
        "rules": {},
        **body,
    }
    return Inbound(phone.id, "reported", phone.sign(typ, claims, key=key).encode(), now)


def hear(*batch: Inbound) -> list[Refusal]:
    with unit_of_work():
        return Router([routes]).handle(batch)
