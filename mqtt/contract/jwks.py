"""Keys on the wire and `GET device/jwks` (§2, §3)."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Annotated, Literal

from pydantic import Field

from mqtt.contract.model import Label, Message, ServerSigned, absent

Coordinate = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]


class Jwk(Message):
    """A public P-256 key; `kid` is its RFC 7638 thumbprint. With its private part `d` it is refused and not kept."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: Coordinate
    y: Coordinate
    use: Literal["sig", "enc"] | None = absent()
    kid: Label | None = absent()
    alg: Label | None = absent()
    d: None = Field(default=None, exclude=True)

    @property
    def thumbprint(self) -> str:
        """RFC 7638 thumbprint in base64url, computed from the coordinates."""
        members = {"crv": self.crv, "kty": self.kty, "x": self.x, "y": self.y}
        canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


class JwkSet(Message):
    """A set of keys."""

    keys: list[Jwk]


class Jwks(ServerSigned, JwkSet):
    """Payload of the JWS `shouji-jwks+jws`."""
