"""Sealed envelopes: what lies in the database, the outbox or a file and is private lies in one of these.

Layout: 0x01, 12 bytes nonce, AES-256-GCM ciphertext and tag. The additional data binds an envelope to its place.
"""

from __future__ import annotations

import hmac
import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.crypto.keyring import KeyRing

VERSION = b"\x01"
NONCE_BYTES = 12


class Envelope:
    """Seals and opens with the ring's sealing key, and makes blind index values."""

    def __init__(self, ring: KeyRing) -> None:
        self._cipher = AESGCM(ring.seal_key())
        self._blind = ring.blind_key()

    def seal(self, plaintext: bytes, place: str) -> bytes:
        """Encrypt for one place (`table:id`, say); the same place opens it."""
        nonce = os.urandom(NONCE_BYTES)
        return VERSION + nonce + self._cipher.encrypt(nonce, plaintext, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """Decrypt what was sealed for that place. Raises ValueError when it was altered or moved."""
        if sealed[:1] != VERSION:
            raise ValueError("unknown envelope version")
        try:
            return self._cipher.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], place.encode())
        except InvalidTag as error:
            raise ValueError("the envelope was altered, moved or sealed with another key") from error

    def blind(self, value: str, purpose: str) -> str:
        """A keyed fingerprint that finds equal values without telling them (hex, 32 characters)."""
        return hmac.new(self._blind, f"{purpose}\0{value}".encode(), sha256).hexdigest()[:32]
