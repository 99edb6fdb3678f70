"""A phone with valid keys that says what it likes."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from agent import crypto
from agent.phone import Phone
from mqtt.contract.chain import leaf, link, origin
from mqtt.contract.names import Typ
from tests.bad_input.conftest import Yard, settled
from tests.bad_input.tokens import b64u, jwe_of, jws

LETTERS = 90


@dataclass
class Attacker:
    """A phone with valid keys that says what it likes."""

    yard: Yard
    phone: Phone
    other: Phone
    sent: int = 0
    before: dict[str, dict[str, Any]] = field(default_factory=dict)

    def next_phone(self) -> Phone:
        """The phone to misbehave with now: another one before the quarantine of the last is full for the day."""
        if self.sent % LETTERS == 0:
            self.phone = self.yard.phone()
            self.before[self.phone.id] = settled(self.yard.server, self.phone)
        self.sent += 1
        return self.phone

    def header(self, typ: str, /, **changes: Any) -> dict[str, Any]:
        """The right header for its key."""
        return {"alg": "ES256", "typ": typ, "kid": self.phone.core.keys.kid, **changes}

    def claims(self, members: dict[str, Any], **changes: Any) -> bytes:
        """JSON claims that would do, with changes; `...` leaves a member out."""
        full = {"sub": self.phone.id, "jti": uuid.uuid4().hex, "iat": self.iat(), **members, **changes}
        return json.dumps({name: value for name, value in full.items() if value is not ...}).encode()

    def iat(self) -> int:
        """A time that the server takes as new."""
        return int(self.phone.loop.run_sync(self.phone.core.clock.next_iat))

    def token(self, typ: str, payload: bytes, /, **header: Any) -> bytes:
        """A JWS by its own key over these bytes."""
        return jws(self.phone.core.keys.signing, self.header(typ, **header), payload)

    def good(self, kind: str, **changes: Any) -> bytes:
        """The payload of an honest message, with changes."""
        return self.claims(self.members(kind), **changes)

    def members(self, kind: str) -> dict[str, Any]:
        """What an honest phone would say now."""
        now = self.phone.probe.heartbeat_members()["at"]
        if kind == Typ.HELLO:
            return {**self.phone.probe.hello_members(), "reported": None}
        if kind == Typ.REPORTED:
            return {"generation": None, "bundle": None, "outcome": "failed", "detail": "x", "at": now, "rules": {}}
        if kind == Typ.RESULT:
            return {"command": str(uuid.uuid4()), "status": "succeeded", "detail": None, "output": None, "at": now}
        members = {"id": str(uuid.uuid4()), "at": now, "type": "integrity", "severity": "info", "rule": None}
        return {**members, "peer": None, "excerpt": None, "blocked": False, "detail": {}}

    def seal(self, plain: bytes) -> bytes:
        """A JWE to the server."""
        return self.phone.probe.seal(plain)

    def seal_unpacked(self, plain: bytes) -> bytes:
        """A JWE to the server whose plaintext is not what the protocol says."""
        key = self.phone.core.trust.encryption
        assert key is not None
        return jwe_of(key.wire(), plain, kid=key.thumbprint)

    def batch(self, **changes: Any) -> bytes:
        """A batch of one record that continues its chain, with changes."""
        chain = self.phone.archive
        text = json.dumps({"seq": chain.next_seq, "salt": b64u(bytes(16))})
        before = chain._last_head if chain.last_seq else origin(self.phone.id)
        head = link(before, leaf(text))
        members = {
            "first": chain.next_seq,
            "prev": before.hex(),
            "records": [text],
            "head": head.hex(),
            "sig": crypto.sign_chain(self.phone.core.keys.signing, self.phone.id, head),
        }
        return json.dumps({**members, **changes}).encode()

    def heartbeat(self, **changes: Any) -> bytes:
        """An honest heartbeat with changes; `...` leaves a member out."""
        members = {**self.phone.probe.heartbeat_members(), **changes}
        return json.dumps({name: value for name, value in members.items() if value is not ...}).encode()

    def by_other(self, typ: Typ, payload: bytes) -> bytes:
        """What another phone of the fleet signed as itself."""
        keys = self.other.core.keys
        return jws(keys.signing, {"alg": "ES256", "typ": str(typ), "kid": keys.kid}, payload)
