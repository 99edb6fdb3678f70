"""Somebody who owns the broker, and what they can say to a phone."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import paho.mqtt.client as paho

from agent.phone import Phone
from core.crypto.blobs import blob_key, seal_blob
from core.crypto.jose import encrypt
from core.crypto.jwk import SigningKey
from mqtt.contract import topics
from mqtt.contract.names import Down, Typ
from tests.bad_input.tokens import b64u, jws

TYPS = {Down.DESIRED: Typ.DESIRED, Down.COMMAND: Typ.COMMAND, Down.ARCHIVED: Typ.ARCHIVED, Down.CONTACTS: Typ.CONTACTS}


@dataclass
class BrokerOwner:
    """Somebody who may publish anything to a phone, and has even got hold of the server's signing key."""

    client: paho.Client
    key: SigningKey

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish anything anywhere."""
        self.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def say(self, phone: Phone, kind: Down, payload: bytes) -> None:
        """Publish to a phone."""
        self.publish(topics.down(phone.id, kind), payload)

    def claims(self, phone: Phone, kind: Down, **changes: Any) -> bytes:
        """Claims that would do, with changes; `...` leaves a member out."""
        now = int(time.time())
        members: dict[Down, dict[str, Any]] = {
            Down.DESIRED: {
                "generation": phone.policy.highest + 1,
                "bundle": {"digest": "0" * 64, "size": 9, "key": "A" * 43},
                "notice": phone.notice.accepted,
            },
            Down.COMMAND: {"jti": str(uuid.uuid4()), "type": "ping", "args": {}, "exp": now + 300},
            Down.ARCHIVED: {"through": 0, "head": "0" * 64, "root": None},
            Down.CONTACTS: {"version": int(time.time() * 1000), "exp": now + 300, "contacts": []},
        }
        full = {"sub": phone.id, "iat": now, **members[kind], **changes}
        return json.dumps({name: value for name, value in full.items() if value is not ...}).encode()

    def token(self, kind: Down, payload: bytes, /, **header: Any) -> bytes:
        """A JWS of the server over these bytes."""
        return jws(self.key.private, {"alg": "ES256", "typ": str(TYPS[kind]), "kid": self.key.kid, **header}, payload)

    def say_signed(self, phone: Phone, kind: Down, **changes: Any) -> bytes:
        """Say what the server itself could say; gives the JWS."""
        token = self.token(kind, self.claims(phone, kind, **changes))
        self.say(phone, kind, self.sealed(phone, token) if kind == Down.CONTACTS else token)
        return token

    def sealed(self, phone: Phone, token: bytes) -> bytes:
        """A JWE to the phone."""
        return encrypt(phone.core.keys.encryption.public_key(), token).encode()

    def lay_blob(self, content: bytes, key: bytes | None = None) -> dict[str, Any]:
        """Lay a blob of this content on the broker; the reference to it."""
        secret = bytes(32)
        body = seal_blob(secret, content)
        digest = sha256(body).hexdigest()
        self.publish(topics.blob(digest), body, retain=True)
        right = blob_key(secret, sha256(content).digest())
        return {"digest": digest, "size": len(body), "key": b64u(key or right)}

    def heard_all(self, phone: Phone) -> None:
        """Wait until the phone has taken everything said before."""
        jti = str(uuid.uuid4())
        self.say_signed(phone, Down.COMMAND, jti=jti)
        phone.wait_command(jti)
