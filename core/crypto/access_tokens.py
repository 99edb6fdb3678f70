"""Staff access tokens as JWTs, by PyJWT.

The library ignores `typ` and takes a token without `exp` unless told, so both are asked for here; keys, `typ` and `aud`
are none that a device's token could have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jwt
from jwt.types import Options

from core.crypto.jwk import SigningKey

ALGORITHM = "ES256"
OPTIONS: Options = {"require": ["iss", "aud", "sub", "sid", "iat", "exp", "jti"], "strict_aud": True}


def issue(key: SigningKey, typ: str, claims: Mapping[str, Any]) -> str:
    """A token of the claims, signed by the key."""
    return jwt.encode(dict(claims), key.private, ALGORITHM, headers={"kid": key.kid, "typ": typ})


def read(token: str, *, typ: str, keys: Sequence[SigningKey], audience: str, issuer: str) -> dict[str, Any] | None:
    """The claims of a token of ours that has not expired, else None."""
    try:
        header = jwt.get_unverified_header(token)
        key = next((key for key in keys if key.kid == header.get("kid")), None)
        if key is None or header.get("typ") != typ:
            return None
        claims: dict[str, Any] = jwt.decode(
            token, key.public, [ALGORITHM], audience=audience, issuer=issuer, options=OPTIONS
        )
    except jwt.PyJWTError:
        return None
    # The library takes times that are texts or fractions; we never make such ones.
    return claims if all(type(claims[name]) is int for name in ("iat", "exp")) else None
