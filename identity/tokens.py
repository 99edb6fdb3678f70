"""Access tokens of the API: JWTs by the staff keys, each bound to a session that can be revoked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core import clock
from core.crypto import jose
from core.ids import new_id
from core.runtime import runtime
from identity import sessions

TYP = "shouji-staff+jwt"
AUDIENCE = "shouji-api"
CLOCK_LEEWAY_S = 60
_REQUIRED = ("iss", "sub", "sid", "exp", "jti")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token and the seconds it lives."""

    token: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """Whose token it is and of which session."""

    person_id: str
    session_id: str


def issue(person_id: str) -> AccessToken:
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
    return AccessToken(jose.sign(runtime().ring.staff_keys()[0], TYP, claims), lifetime)


def read(token: str) -> TokenClaims | None:
    """The claims of a token of ours that has not expired, else None. Its session is the caller's to check."""
    keys = {key.kid: key.public for key in runtime().ring.staff_keys()}
    try:
        claims = jose.verify(token, typ=TYP, keys=keys, aud=AUDIENCE, require=_REQUIRED)
    except jose.BadToken:
        return None
    now = clock.unix()
    if claims["iss"] != runtime().settings.base_url or claims["exp"] <= now or claims["iat"] > now + CLOCK_LEEWAY_S:
        return None
    if not isinstance(claims["sub"], str) or not isinstance(claims["sid"], str):
        return None
    return TokenClaims(claims["sub"], claims["sid"])
