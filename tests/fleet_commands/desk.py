"""What tests of commands need around them: the relay's part, the phone's words, and people who ask and approve."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient

from core import clock, outbox
from core.crypto import jose
from core.crypto.jwk import SigningKey, thumbprint
from core.runtime import runtime
from core.uow import unit_of_work
from fleet.commands import offers
from fleet.commands.device import routes as command_routes
from fleet.device import routes as fleet_routes
from mqtt.effects import Publish
from mqtt.routes import Inbound, Refusal, Router
from tests.fleet.company import Company
from tests.fleet.phone import Phone
from tests.identity import world
from tests.support.tables import beginning

WIPE = {"scope": "device", "preserve_records": True, "deadline_s": 600}
LOSSY = {**WIPE, "preserve_records": False}
REASON = "地铁上遗失"


@dataclass
class Offered:
    """A command as it reached the phone's topic."""

    topic: str
    expiry_s: int | None
    retain: bool
    claims: dict[str, Any]


@dataclass
class Desk:
    """The company with `asker` and `second`, two IT administrators, and `officer`, for compliance."""

    company: Company
    who: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def open(cls, client: FlaskClient) -> Desk:
        made = beginning("desk", lambda: cls._open(Company.found(client)))
        return replace(made, company=replace(made.company, client=client), who=dict(made.who))

    @classmethod
    def _open(cls, company: Company) -> Desk:
        world.person("asker", "it_admin")
        world.person("second", "it_admin")
        names = ("asker", "second", "officer", "admin", "leader")
        return cls(company, {name: world.headers(name) for name in names})

    def sign_in(self) -> None:
        """Fresh tokens, after time went by."""
        self.who = {name: world.headers(name) for name in self.who}

    def ask(
        self, phone: Phone, kind: str, args: Any = None, reason: str = REASON, who: str = "asker", **more: Any
    ) -> Any:
        body = {"type": kind, "args": args or {}, "reason": reason, **more}
        return self.company.post(f"/devices/{phone.id}/commands", body, self.who[who])

    def sent(self, phone: Phone, kind: str, args: Any = None, **more: Any) -> str:
        """Id of a command that was taken."""
        answer = self.ask(phone, kind, args, **more)
        assert answer.status_code == 202, answer.json
        return str(answer.json["id"])

    def many(
        self, selector: dict[str, Any], kind: str, args: Any = None, who: str = "asker", reason: str = REASON
    ) -> Any:
        body = {"selector": selector, "type": kind, "args": args or {}, "reason": reason}
        return self.company.post("/commands", body, self.who[who])

    def decide(self, command_id: str, how: str, who: str = "second", reason: str = "已核实") -> Any:
        return self.company.post(f"/commands/{command_id}/{how}", {"reason": reason}, self.who[who])

    def approved_wipe(self, phone: Phone, args: Any = None, who: str = "second") -> str:
        command_id = self.sent(phone, "wipe", args or WIPE)
        answer = self.decide(command_id, "approve", who)
        assert answer.status_code == 200, answer.json
        return command_id

    def show(self, command_id: str) -> dict[str, Any]:
        answer = self.company.get(f"/commands/{command_id}")
        assert answer.status_code == 200, answer.json
        shown: dict[str, Any] = answer.json
        return shown

    def status(self, command_id: str) -> str:
        return str(self.show(command_id)["status"])

    def codes(self, phone: Phone) -> set[str]:
        """Codes of the phone's open findings."""
        return {finding["code"] for finding in self.company.device(phone)["compliance"]["findings"]}

    def freeze(self, frozen: bool, who: str = "admin", reason: str = "核查误操作") -> Any:
        return self.company.post("/freeze", {"frozen": frozen, "reason": reason}, self.who[who])

    def audited(self, action: str) -> list[dict[str, Any]]:
        return world.audit_items(self.company.client, self.who["admin"], action=action)


def relay(*, reached: bool = True) -> list[Offered]:
    """Carry the due command rows out as the relay does: render, commit, then settle by what the broker said."""
    with unit_of_work() as current:
        due = [row for row in outbox.due(current, 1000) if row.effect == "command"]
        # Of equal rows one stands for all, as the relay has it.
        rows = list({row.key: row for row in reversed(due)}.values())[::-1]
        messages = offers.render(rows, runtime().ring.signing_keys()[0])
        ids = {row.id: row for row in due}
    with unit_of_work() as current:
        rendered = {message.row_id for message in messages}
        gone = [] if reached else [ids[row_id] for row_id in rendered]
        offers.settle([row for row in rows if row not in gone], gone)
        outbox.settle(current, list(ids))
    return [_read(message) for message in messages]


def _read(message: Publish) -> Offered:
    keys = {thumbprint(key): key for key in runtime().ring.public_signing()}
    claims = jose.verify(message.payload, typ="shouji-command+jws", keys=keys, require=("exp", "jti"))
    return Offered(message.topic, message.expiry_s, message.retain, claims)


def jtis(offered: list[Offered]) -> list[str]:
    return [one.claims["jti"] for one in offered]


def result_token(phone: Phone, command_id: str, status: str, **changes: Any) -> str:
    """A result's JWS by the phone's own key."""
    now = clock.now()
    body = {
        "sub": phone.id,
        "jti": uuid.uuid4().hex,
        "iat": int(now.timestamp()),
        "command": command_id,
        "status": status,
        "detail": None,
        "output": None,
        "at": clock.to_wire(now),
    }
    return phone.sign("shouji-result+jws", {**body, **changes})


def sealed(token: str) -> bytes:
    """The JWE that carries a JWS to the server."""
    key: SigningKey = runtime().ring.encryption_keys()[0]
    return jose.encrypt(key.public, token.encode()).encode()


def result(phone: Phone, command_id: str, status: str, **changes: Any) -> Inbound:
    return phone.inbound("result", sealed(result_token(phone, command_id, status, **changes)), clock.now())


def say(*messages: Inbound) -> list[Refusal]:
    """Take device messages as ingest does."""
    with unit_of_work():
        return Router([fleet_routes, command_routes]).handle(messages)


def hello(phone: Phone, **changes: Any) -> list[Refusal]:
    return say(phone.hello(clock.now(), **changes))


def later(**span: float) -> Any:
    """The clock, moved on."""
    return clock.now() + timedelta(**span)
