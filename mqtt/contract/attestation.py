"""What binds a key attestation to one enrollment (§3)."""

from __future__ import annotations

import hashlib

CONTEXT = b"shouji-attestation-v1"


def challenge(code: str) -> bytes:
    """The 32 bytes that a phone gives its key store before it makes the signing key, from its enrollment token."""
    return hashlib.sha256(CONTEXT + b"\x00" + code.encode("utf-8")).digest()
