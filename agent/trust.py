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
        kept = store.get("trust") or {"keys": first, "iat": 0}
        self._iat: int = kept["iat"]
        self._fetched: float | None = None
        self._load([Jwk.take(item) for item in kept["keys"]])

    def _load(self, keys: list[Jwk]) -> None:
        self.jwks = keys
        self.signing: dict[str, PublicKey] = {key.thumbprint: crypto.from_jwk(key) for key in keys if key.use == "sig"}
        self.encryption: Jwk | None = next((key for key in keys if key.use == "enc"), None)

    def verify(self, token: bytes | str, typ: Typ, device_id: str) -> dict[str, Any]:
        """Claims of a JWS of the server. Raises UnknownKey or Untrusted."""
        return crypto.verify(token, typ=typ, keys=self.signing, sub=device_id)

    def due(self, *, unknown_kid: bool = False) -> bool:
        """Whether the key set should be fetched: daily, on an unknown kid at most every 5 minutes."""
        if self._fetched is None:
            return True
        span = JWKS_UNKNOWN_KID_S if unknown_kid else JWKS_REFRESH_S
        return clock.monotonic() - self._fetched >= span

    def fetching(self) -> None:
        """Note a fetch, successful or not."""
        self._fetched = clock.monotonic()

    def take(self, token: bytes, device_id: str, learn: Callable[[int], object]) -> bool:
        """Take a fetched key set; an older one changes nothing. Raises Untrusted."""
        claims = self.verify(token, Typ.JWKS, device_id)
        try:
            fresh = Jwks.take(claims)
        except BadPayload as error:
            raise Untrusted("jwks", error.detail) from None
        learn(fresh.iat)
        if fresh.iat < self._iat or not any(key.use == "sig" for key in fresh.keys):
            return False
        self._load(fresh.keys)
        self._iat = fresh.iat
        self._store.put("trust", {"keys": [key.wire() for key in fresh.keys], "iat": fresh.iat})
        return True
