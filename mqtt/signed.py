"""What a phone signed: verified, then read by the reader that gives a text one meaning only (PROTOCOL, Forms)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from core.crypto.jose import verify
from core.crypto.jwk import PublicKey, unb64u
from mqtt.contract.limits import PAYLOAD_MAX
from mqtt.contract.model import Message
from mqtt.contract.names import Typ

M = TypeVar("M", bound=Message)


def read(
    model: type[M],
    token: str | bytes,
    *,
    typ: Typ,
    keys: Mapping[str, PublicKey],
    sub: str | None,
    require: Sequence[str] = ("jti",),
    limit: int = PAYLOAD_MAX,
) -> M:
    """The claims of a JWS by one of the keys, at most `limit` bytes of them. Raises BadToken, BadPayload."""
    verify(token, typ=typ, keys=keys, sub=sub, require=require)
    # The verifier's own reader bounds neither depth nor numbers, and takes U+0000 and lone surrogates.
    raw = token.encode("ascii") if isinstance(token, str) else token
    return model.read(unb64u(raw.split(b".")[1]), limit=limit)
