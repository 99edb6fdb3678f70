"""Access tokens of the API: JWTs by the staff keys, each bound to a session that can be revoked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core import clock
from core.crypto import access_tokens
from core.ids import new_id
from core.runtime import runtime
from identity import sessions

TYP = "shouji-staff+jwt"
AUDIENCE = "shouji-api"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token, the seconds it lives, and whether it is good for changing one's password alone."""

    token: str
    expires_in: int
    must_change_password: bool = False


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """Whose token it is and of which session."""

    person_id: str
    session_id: str


def issue(person_id: str, *, must_change_password: bool = False) -> AccessToken:
    """Open an API session for the person and make its access token."""
    settings = runtime().settings
    lifetime = settings.access_token_lifetime
    ticket = sessions.start(person_id, sessions.API, timedelta(seconds=lifetime))
    issued = clock.unix()
    claims = {
        "iss": settings.base_url,
        "aud": AUDIENCE,
        "sub": person_id,
        "sid": ticket.session_id,
        "iat": issued,
        "exp": issued + lifetime,
        "jti": new_id(),
    }
    return AccessToken(access_tokens.issue(runtime().ring.staff_keys()[0], TYP, claims), lifetime, must_change_password)


def read(token: str) -> TokenClaims | None:
    """The claims of a token of ours that has not expired, else None. Its session is the caller's to check."""
    issuer = runtime().settings.base_url
    claims = access_tokens.read(token, typ=TYP, keys=runtime().ring.staff_keys(), audience=AUDIENCE, issuer=issuer)
    if claims is None or not isinstance(claims["sid"], str):
        return None
    return TokenClaims(claims["sub"], claims["sid"])
