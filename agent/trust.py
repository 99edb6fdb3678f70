"""The server's keys as far as this phone trusts them (§2, §3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent import clock, crypto
from agent.crypto import PublicKey
from agent.errors import Untrusted
from agent.store import PhoneStore
from mqtt.contract.codec import BadPayload
from mqtt.contract.jwks import Jwk, Jwks
from mqtt.contract.limits import JWKS_REFRESH_S, JWKS_UNKNOWN_KID_S
from mqtt.contract.names import Typ


class Trust:
    """The server's public keys; a new set is taken only from a key that is trusted already."""

    def __init__(self, store: PhoneStore, first: list[dict[str, Any]]) -> None:
        self._store = store
        kept = store.get("trust") or {"keys": first, "iat": 0, "at": clock.wall().timestamp()}
        self._iat: int = kept["iat"]
        self._at: float = kept["at"]
        self._tried: float | None = None
        self._load([Jwk.take(item) for item in kept["keys"]])

    def _load(self, keys: list[Jwk]) -> None:
        self.jwks = keys
        self.signing: dict[str, PublicKey] = {key.thumbprint: crypto.from_jwk(key) for key in keys if key.use == "sig"}
        self.encryption: Jwk | None = next((key for key in keys if key.use == "enc"), None)

    def verify(self, token: bytes | str, typ: Typ, device_id: str) -> dict[str, Any]:
        """Claims of a JWS of the server. Raises UnknownKey or Untrusted."""
        return crypto.verify(token, typ=typ, keys=self.signing, sub=device_id)

    def due(self) -> bool:
        """Whether the key set is a day old, or incomplete as after an enrollment with pins."""
        age = clock.wall().timestamp() - self._at
        return self.encryption is None or not 0 <= age < JWKS_REFRESH_S

    def may_try(self) -> bool:
        """Whether an unknown kid may cause a fetch: at most every 5 minutes."""
        return self._tried is None or clock.monotonic() - self._tried >= JWKS_UNKNOWN_KID_S

    def trying(self) -> None:
        """Note an attempt to fetch, successful or not."""
        self._tried = clock.monotonic()

    def take(self, token: bytes, device_id: str, learn: Callable[[int], object]) -> bool:
        """Take a fetched key set; an older one changes nothing. Raises Untrusted."""
        claims = self.verify(token, Typ.JWKS, device_id)
        try:
            fresh = Jwks.take(claims)
        except BadPayload as error:
            raise Untrusted("jwks", error.detail) from None
        learn(fresh.iat)
        self._at = clock.wall().timestamp()
        if fresh.iat < self._iat or not any(key.use == "sig" for key in fresh.keys):
            return False
        self._load(fresh.keys)
        self._iat = fresh.iat
        keys = [key.wire() for key in fresh.keys]
        self._store.put("trust", {"keys": keys, "iat": fresh.iat, "at": self._at})
        return True
