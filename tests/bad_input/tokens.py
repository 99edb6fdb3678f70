"""Tokens byte by byte: a JWS with any header over any bytes, and a JWE with any plaintext."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc import jwe
from joserfc.jwk import ECKey


def b64u(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jws(key: ec.EllipticCurvePrivateKey, header: dict[str, Any], payload: bytes) -> bytes:
    """A compact JWS whose header and payload are exactly these, signed by ES256 whatever the header says."""
    signed = f"{b64u(json.dumps(header).encode())}.{b64u(payload)}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{b64u(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}".encode()


def unsigned(header: dict[str, Any], payload: bytes) -> bytes:
    """What a library makes of `alg` none: no signature."""
    return f"{b64u(json.dumps(header).encode())}.{b64u(payload)}.".encode()


def tampered(token: bytes) -> bytes:
    """The same JWS with one byte of its payload changed."""
    head, payload, signature = token.split(b".")
    at = len(payload) // 2
    changed = payload[:at] + (b"A" if payload[at : at + 1] != b"A" else b"B") + payload[at + 1 :]
    return b".".join([head, changed, signature])


def jwe_of(jwk: dict[str, Any], plaintext: bytes, *, kid: str) -> bytes:
    """A compact JWE of exactly these bytes, without the gzip that the protocol asks for."""
    header: Any = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": kid}
    key = ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")})
    registry = jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM"])
    registry.max_ciphertext_length = 1 << 24
    return jwe.encrypt_compact(header, plaintext, key, registry=registry).encode()


def reheaded(token: bytes, **changes: Any) -> bytes:
    """The same compact token with members of its header changed."""
    head, *rest = token.split(b".")
    header = json.loads(base64.urlsafe_b64decode(head + b"=" * (-len(head) % 4)))
    return b".".join([b64u(json.dumps({**header, **changes}).encode()).encode(), *rest])
