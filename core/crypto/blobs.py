"""Blobs (PROTOCOL 7): a document under a key that only those learn who are given it; equal content, equal blob."""

from __future__ import annotations

import hmac
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.crypto import packing

# The key belongs to one content alone, so the nonce can never meet another plaintext.
_NONCE = bytes(12)


def blob_key(secret: bytes, document_digest: bytes) -> bytes:
    """The 32-byte key of a document by the SHA-256 of its bytes."""
    return hmac.new(secret, document_digest, sha256).digest()


def seal_blob(secret: bytes, document: bytes) -> bytes:
    """The blob of a document: gzip, then AES-256-GCM under the document's own key."""
    packed = packing.pack(document, 9)
    return AESGCM(blob_key(secret, sha256(document).digest())).encrypt(_NONCE, packed, None)


def open_blob(key: bytes, blob: bytes, limit: int) -> bytes:
    """The document of a blob, at most `limit` bytes. Raises ValueError when it is not what the key belongs to."""
    try:
        packed = AESGCM(key).decrypt(_NONCE, blob, None)
    except InvalidTag as error:
        raise ValueError("the blob does not open with this key") from error
    return packing.unpack(packed, limit)
