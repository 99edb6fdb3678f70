"""EC P-256 keys as JWK, and their RFC 7638 thumbprints."""

from __future__ import annotations

import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

PublicKey = ec.EllipticCurvePublicKey
COORDINATE_BYTES = 32
_TO_URL = bytes.maketrans(b"+/", b"-_")
# What the usual alphabet has and that of URLs has not becomes something that neither has.
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")


def b64u(data: bytes) -> str:
    """base64url without padding."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode()


def unb64u(text: str | bytes) -> bytes:
    """Decode base64url without padding. Raises ValueError."""
    raw = text.encode("ascii") if isinstance(text, str) else text
    return binascii.a2b_base64(raw.translate(_FROM_URL) + b"=" * (-len(raw) % 4), strict_mode=True)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private P-256 key with its key id."""

    private: ec.EllipticCurvePrivateKey
    kid: str

    @property
    def public(self) -> ec.EllipticCurvePublicKey:
        """The public half."""
        return self.private.public_key()

    def public_pem(self) -> bytes:
        """The public half as PEM."""
        return self.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def private_pem(self) -> bytes:
        """The private half as PEM, for libraries that take nothing else."""
        return private_pem(self.private)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as unencrypted PKCS#8 PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def to_jwk(key: ec.EllipticCurvePublicKey, use: str | None = None) -> dict[str, str]:
    """The public JWK, with `kid` and, when given, `use`."""
    numbers = key.public_numbers()
    x, y = (b64u(number.to_bytes(COORDINATE_BYTES, "big")) for number in (numbers.x, numbers.y))
    jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": _thumbprint(x, y)}
    return {**jwk, "use": use} if use else jwk


def thumbprint(key: ec.EllipticCurvePublicKey) -> str:
    """RFC 7638 thumbprint, base64url: the `kid` of a key."""
    return to_jwk(key)["kid"]


def _thumbprint(x: str, y: str) -> str:
    members = json.dumps({"crv": "P-256", "kty": "EC", "x": x, "y": y}, separators=(",", ":"))
    return b64u(hashlib.sha256(members.encode()).digest())


def from_jwk(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    """The public key of a P-256 JWK. Raises ValueError when it is anything else or not on the curve."""
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or "d" in jwk:
        raise ValueError("not a public P-256 JWK")
    x, y = (unb64u(str(jwk.get(member, ""))) for member in ("x", "y"))
    if len(x) != COORDINATE_BYTES or len(y) != COORDINATE_BYTES:
        raise ValueError("coordinates of a wrong length")
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1())
    return numbers.public_key()


@lru_cache(maxsize=16_384)
def public_from_der(der: bytes) -> ec.EllipticCurvePublicKey:
    """The public key of a SubjectPublicKeyInfo. Raises ValueError when it is not P-256."""
    key = serialization.load_der_public_key(der)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not a P-256 key")
    return key


def public_to_der(key: ec.EllipticCurvePublicKey) -> bytes:
    """The SubjectPublicKeyInfo of a key, as it is stored."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
