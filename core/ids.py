"""Identifiers and opaque tokens."""

from __future__ import annotations

import hashlib
import secrets
import uuid

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> str:
    """A random lower-case UUID."""
    return str(uuid.uuid4())


def new_token(length: int = 26) -> str:
    """An opaque token of Crockford base32 characters, 5 random bits each (PROTOCOL 3: 26 of them)."""
    return "".join(secrets.choice(CROCKFORD) for _ in range(length))


def token_digest(token: str) -> str:
    """What is stored of a token: hex SHA-256. Tokens hold 128 bits and more, so no salt or stretching is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID in its canonical lower-case form."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
