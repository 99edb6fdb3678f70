"""JWS and JWE as the protocol uses them: ES256 and nothing else, ECDH-ES with A256GCM over gzip and nothing else.

JWS are checked here rather than by a general library because every check is mandatory and none has a default.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from core.crypto import packing
from core.crypto.jwk import SigningKey, b64u, from_jwk, thumbprint, to_jwk, unb64u

MAX_UNPACKED = 8 * 1024 * 1024
MAX_CIPHERTEXT = 9 * 1024 * 1024
SIGNATURE_BYTES = 64
HEADER_KEPT = 300
_HALF = SIGNATURE_BYTES // 2
_ECDSA = ec.ECDSA(SHA256())
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

_registry = jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM"])
_registry.max_ciphertext_length = MAX_CIPHERTEXT
_registry.max_protected_header_length = 4096


class BadToken(Exception):
    """A JWS, JWT or JWE that must not be believed; `reason` is a stable code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def sign_bytes(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """ES256 signature, 64 raw bytes R||S."""
    r, s = decode_dss_signature(key.sign(data, _ECDSA))
    return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")


def verify_bytes(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    """Whether the raw R||S signature is the key's over the data."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    r, s = int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big")
    try:
        key.verify(encode_dss_signature(r, s), data, _ECDSA)
    except (InvalidSignature, ValueError):
        return False
    return True


def sign(key: SigningKey, typ: str, claims: Mapping[str, Any]) -> str:
    """A compact ES256 JWS of the claims with the given `typ`."""
    signed = f"{_header(key.kid, typ)}.{b64u(_ENCODER.encode(claims).encode())}"
    return f"{signed}.{b64u(sign_bytes(key.private, signed.encode()))}"


@lru_cache(maxsize=64)
def _header(kid: str, typ: str) -> str:
    return b64u(json.dumps({"alg": "ES256", "kid": kid, "typ": typ}, separators=(",", ":")).encode())


def verify(
    token: str | bytes,
    *,
    typ: str,
    keys: Mapping[str, ec.EllipticCurvePublicKey],
    sub: str | None = None,
    aud: str | None = None,
    require: Sequence[str] = (),
) -> dict[str, Any]:
    """The claims of a JWS whose header, key, signature, `iat`, `sub` and `aud` are all what they must be.

    `keys` maps a kid to its key. Claims named in `require` must be there. Times are judged by the caller.
    Raises BadToken with the reason.
    """
    header, signed, signature = _split(token)
    if header.get("alg") != "ES256":
        raise BadToken("alg")
    if header.get("typ") != typ:
        raise BadToken("typ")
    if "crit" in header:
        raise BadToken("crit")
    key = keys.get(str(header.get("kid")))
    if key is None:
        raise BadToken("kid")
    if not verify_bytes(key, signature, signed):
        raise BadToken("signature")
    claims = _object(signed.split(b".", 1)[1])
    _check_claims(claims, sub, aud, require)
    return claims


def _split(token: str | bytes) -> tuple[Mapping[str, Any], bytes, bytes]:
    raw = token.encode() if isinstance(token, str) else token
    parts = raw.split(b".")
    if len(parts) != 3:
        raise BadToken("form")
    try:
        signature = unb64u(parts[2])
    except ValueError as error:
        raise BadToken("form") from error
    # Whoever signs sends the same header again and again; a long one is nobody's, and not worth keeping.
    header = (_known_header if len(parts[0]) <= HEADER_KEPT else _object)(parts[0])
    return header, b".".join(parts[:2]), signature


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("two members of a name")
    return members


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


# Where libraries disagree on what a text says, somebody else may have read another `sub` or `exp` than we do.
_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant)


@lru_cache(maxsize=16_384)
def _known_header(part: bytes) -> Mapping[str, Any]:
    return _object(part)


def _object(part: bytes) -> dict[str, Any]:
    try:
        value = _DECODER.decode(unb64u(part).decode())
    except (ValueError, RecursionError) as error:
        raise BadToken("form") from error
    if not isinstance(value, dict):
        raise BadToken("form")
    return value


def _check_claims(claims: Mapping[str, Any], sub: str | None, aud: str | None, require: Sequence[str]) -> None:
    if not isinstance(claims.get("iat"), int) or isinstance(claims.get("iat"), bool):
        raise BadToken("iat")
    if "exp" in claims and (not isinstance(claims["exp"], int) or isinstance(claims["exp"], bool)):
        raise BadToken("exp")
    if sub is not None and claims.get("sub") != sub:
        raise BadToken("sub")
    if aud is not None and claims.get("aud") != aud:
        raise BadToken("aud")
    for name in require:
        if name not in claims:
            raise BadToken(f"missing_{name}")


def unpack(data: bytes, limit: int = MAX_UNPACKED) -> bytes:
    """Undo the gzip of a JWE plaintext. Raises BadToken for anything else than one whole member of that size."""
    try:
        return packing.unpack(data, limit)
    except packing.NotPacked as error:
        raise BadToken(str(error)) from error


def encrypt(recipient: ec.EllipticCurvePublicKey, plaintext: bytes) -> str:
    """A compact JWE (ECDH-ES, A256GCM) of the gzipped plaintext to the recipient's key."""
    header: Any = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": thumbprint(recipient)}
    key = ECKey.import_key(dict(to_jwk(recipient)))
    return jwe.encrypt_compact(header, packing.pack(plaintext), key, registry=_registry)


def decrypt(keys: Sequence[SigningKey], token: str | bytes, limit: int = MAX_UNPACKED) -> bytes:
    """Open a JWE with whichever key its header names and undo the gzip. Raises BadToken."""
    text = token.decode("ascii", "replace") if isinstance(token, bytes) else token
    parts = text.split(".")
    if len(parts) != 5:
        raise BadToken("form")
    header = _object(parts[0].encode("ascii", "replace"))
    if header.get("alg") != "ECDH-ES" or header.get("enc") != "A256GCM" or "zip" in header:
        raise BadToken("alg")
    key = next((key for key in keys if key.kid == header.get("kid")), None)
    if key is None:
        raise BadToken("kid")
    try:
        from_jwk(header.get("epk") or {})
        opened = jwe.decrypt_compact(text, _opener(key), registry=_registry)
    except (JoseError, ValueError, TypeError, AttributeError) as error:
        raise BadToken("jwe") from error
    return unpack(opened.plaintext or b"", limit)


@lru_cache(maxsize=32)
def _opener(key: SigningKey) -> ECKey:
    # Importing a key takes as long as opening a message with it.
    return ECKey.import_key(key.private_pem())
