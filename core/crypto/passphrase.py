"""Files that a passphrase opens: for keys that leave the machine.

Layout: `SHOUJI-KEYS-1\\n`, 16 bytes salt, 12 bytes nonce, AES-256-GCM ciphertext and tag; the key is scrypt of the
passphrase.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"SHOUJI-KEYS-1\n"
SALT_BYTES, NONCE_BYTES, KEY_BYTES = 16, 12, 32
# 128 MiB and about half a second: the first figure of RFC 7914's examples for files, doubled once.
COST, BLOCK, LANES = 2**17, 8, 1


def seal(plaintext: bytes, passphrase: str) -> bytes:
    """Encrypt under a passphrase; each call differs."""
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    return MAGIC + salt + nonce + AESGCM(_key(passphrase, salt)).encrypt(nonce, plaintext, MAGIC)


def open_sealed(sealed: bytes, passphrase: str) -> bytes:
    """Decrypt. Raises ValueError when the passphrase is another one or the file was changed."""
    if not sealed.startswith(MAGIC):
        raise ValueError("not a file of keys")
    rest = sealed[len(MAGIC) :]
    salt, nonce, ciphertext = (
        rest[:SALT_BYTES],
        rest[SALT_BYTES : SALT_BYTES + NONCE_BYTES],
        rest[SALT_BYTES + NONCE_BYTES :],
    )
    try:
        return AESGCM(_key(passphrase, salt)).decrypt(nonce, ciphertext, MAGIC)
    except InvalidTag as error:
        raise ValueError("the passphrase does not open it") from error


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=KEY_BYTES, n=COST, r=BLOCK, p=LANES).derive(passphrase.encode())
