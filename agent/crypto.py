"""All cryptography of the phone: keys, JWS, JWE, blobs, certificates, sealed state (§2, §3, §7, §9)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import ssl
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from agent.errors import UnknownKey, Untrusted
from mqtt.contract import chain, codec
from mqtt.contract.jwks import Jwk
from mqtt.contract.limits import BLOB_UNPACKED_MAX, UNPACKED_MAX

PrivateKey = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey
_ECDSA = ec.ECDSA(hashes.SHA256())
_GZIP, _GZIP_LEVEL = 16 + zlib.MAX_WBITS, 6
_TOKEN_MAX = 16 * 1024 * 1024
_REGISTRY = jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM"])
_REGISTRY.max_ciphertext_length = _TOKEN_MAX
_REGISTRY.max_protected_header_length = 4096


def b64u(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64u(text: str) -> bytes:
    """Undo `b64u`. Raises Untrusted on anything else than its own form."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Untrusted("form", "not base64url") from None
    if b64u(raw) != text:
        raise Untrusted("form", "not canonical base64url")
    return raw


@dataclass(frozen=True)
class DeviceKeys:
    """The two keys that a phone makes for itself and never gives away."""

    signing: PrivateKey
    encryption: PrivateKey

    @classmethod
    def generate(cls) -> DeviceKeys:
        """Two new P-256 keys."""
        return cls(ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def load(cls, members: Mapping[str, str]) -> DeviceKeys:
        """Undo `dump`."""
        return cls(_private(members["signing"]), _private(members["encryption"]))

    def dump(self) -> dict[str, str]:
        """Both keys in DER, base64; sealed by whoever stores it."""
        return {"signing": _der(self.signing), "encryption": _der(self.encryption)}

    @cached_property
    def kid(self) -> str:
        """Thumbprint of the signing key."""
        return to_jwk(self.signing.public_key()).thumbprint

    @cached_property
    def encryption_jwk(self) -> Jwk:
        """The public encryption key, as the enrollment sends it."""
        return to_jwk(self.encryption.public_key(), use="enc")


def _private(text: str) -> PrivateKey:
    key = serialization.load_der_private_key(base64.b64decode(text), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Untrusted("key", "not an elliptic curve key")
    return key


def _der(key: PrivateKey) -> str:
    raw = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return base64.b64encode(raw).decode()


def to_jwk(key: PublicKey, use: str | None = None) -> Jwk:
    """A public key as a JWK with its thumbprint."""
    numbers = key.public_numbers()
    x, y = (b64u(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    bare = Jwk.take({"kty": "EC", "crv": "P-256", "x": x, "y": y, **({"use": use} if use else {})})
    return bare.model_copy(update={"kid": bare.thumbprint})


@lru_cache(maxsize=64)
def _point(x: str, y: str) -> PublicKey:
    first, second = (int.from_bytes(unb64u(part), "big") for part in (x, y))
    try:
        return ec.EllipticCurvePublicNumbers(first, second, ec.SECP256R1()).public_key()
    except ValueError:
        raise Untrusted("key", "not a point of P-256") from None


def from_jwk(jwk: Jwk) -> PublicKey:
    """The key that a JWK holds. Raises Untrusted when it is no point of the curve."""
    return _point(jwk.x, jwk.y)


def csr_pem(key: PrivateKey) -> str:
    """A certificate request for the key; the server takes nothing else from it (§2)."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shouji-device")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.PEM).decode()


def sign_raw(key: PrivateKey, data: bytes) -> bytes:
    """ES256 signature, R || S, 64 bytes."""
    r, s = decode_dss_signature(key.sign(data, _ECDSA))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def sign_chain(key: PrivateKey, device_id: str, head: bytes) -> str:
    """`sig` of a batch (§9)."""
    return b64u(sign_raw(key, chain.signing_input(device_id, head)))


def sign(key: PrivateKey, kid: str, typ: str, claims: Mapping[str, Any]) -> str:
    """A compact JWS of the claims."""
    header = {"alg": "ES256", "typ": typ, "kid": kid}
    signed = f"{b64u(codec.encode(header))}.{b64u(codec.encode(claims))}"
    return f"{signed}.{b64u(sign_raw(key, signed.encode()))}"


def verify(token: bytes | str, *, typ: str, keys: Mapping[str, PublicKey], sub: str) -> dict[str, Any]:
    """Claims of a JWS whose `alg`, `typ`, `kid`, signature, `sub` and `iat` are what they must be.

    Raises UnknownKey where only the key is missing, else Untrusted.
    """
    text = token.decode("ascii", "replace") if isinstance(token, bytes) else token
    parts = text.split(".")
    if len(parts) != 3:
        raise Untrusted("form", "not a compact JWS")
    header = _json(parts[0])
    if header.get("alg") != "ES256" or header.get("typ") != typ or "crit" in header:
        raise Untrusted("header")
    kid = str(header.get("kid"))
    if kid not in keys:
        raise UnknownKey(kid)
    _check_signature(keys[kid], unb64u(parts[2]), f"{parts[0]}.{parts[1]}".encode())
    claims = _json(parts[1])
    if claims.get("sub") != sub:
        raise Untrusted("sub")
    for name in ("iat", "exp"):
        if type(claims.get(name, 0)) is not int:
            raise Untrusted(name)
    if "iat" not in claims:
        raise Untrusted("iat")
    return claims


def _json(part: str) -> dict[str, Any]:
    try:
        return codec.decode_object(unb64u(part), limit=_TOKEN_MAX)
    except codec.BadPayload as error:
        raise Untrusted("form", error.reason) from None


def _check_signature(key: PublicKey, signature: bytes, data: bytes) -> None:
    if len(signature) != 64:
        raise Untrusted("signature")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        key.verify(encode_dss_signature(r, s), data, _ECDSA)
    except InvalidSignature:
        raise Untrusted("signature") from None


def pack(plain: bytes) -> bytes:
    """gzip."""
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP)
    return packer.compress(plain) + packer.flush()


def unpack(packed: bytes, limit: int = UNPACKED_MAX) -> bytes:
    """Undo one gzip member of at most `limit` bytes unpacked. Raises Untrusted."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(packed, limit)
        if not unpacker.eof and len(plain) == limit:
            plain += unpacker.decompress(unpacker.unconsumed_tail, 1)
    except zlib.error:
        raise Untrusted("gzip") from None
    if len(plain) > limit:
        raise Untrusted("unpacked_size")
    if not unpacker.eof or unpacker.unused_data:
        raise Untrusted("gzip")
    return plain


@lru_cache(maxsize=16)
def _recipient(x: str, y: str) -> ECKey:
    return ECKey.import_key({"kty": "EC", "crv": "P-256", "x": x, "y": y})


def encrypt_to(jwk: Jwk, plain: bytes) -> str:
    """A compact JWE of gzip of `plain` to the holder of the key (§2)."""
    header: Any = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": jwk.thumbprint}
    return jwe.encrypt_compact(header, pack(plain), _recipient(jwk.x, jwk.y), registry=_REGISTRY)


def decrypt(keys: DeviceKeys, token: bytes | str) -> bytes:
    """Open a JWE to the device and unpack it. Raises Untrusted."""
    text = token.decode("ascii", "replace") if isinstance(token, bytes) else token
    parts = text.split(".")
    if len(parts) != 5:
        raise Untrusted("form", "not a compact JWE")
    header = _json(parts[0])
    if (header.get("alg"), header.get("enc")) != ("ECDH-ES", "A256GCM") or "zip" in header or "crit" in header:
        raise Untrusted("header")
    own = ECKey.import_key(json.loads(_private_jwk(keys.encryption)))
    try:
        opened = jwe.decrypt_compact(text, own, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, InvalidTag):
        raise Untrusted("jwe") from None
    return unpack(opened.plaintext or b"")


def _private_jwk(key: PrivateKey) -> str:
    jwk = to_jwk(key.public_key())
    secret = b64u(key.private_numbers().private_value.to_bytes(32, "big"))
    return json.dumps({"kty": "EC", "crv": "P-256", "x": jwk.x, "y": jwk.y, "d": secret})


def sha256_hex(raw: bytes) -> str:
    """SHA-256 in lower-case hex."""
    return hashlib.sha256(raw).hexdigest()


def open_blob(blob: bytes, key: str) -> bytes:
    """The document inside a blob (§7). Raises Untrusted."""
    try:
        packed = AESGCM(unb64u(key)).decrypt(bytes(12), blob, None)
    except (InvalidTag, ValueError):
        raise Untrusted("blob_key") from None
    return unpack(packed, BLOB_UNPACKED_MAX)


class Sealer:
    """Seals what the phone keeps on disk, under a key that stands for its hardware key store."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, place: str) -> bytes:
        """AES-256-GCM; `place` binds the value to where it is kept."""
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, plain, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """Undo `seal`. Raises Untrusted when the value was changed or moved."""
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], place.encode())
        except (InvalidTag, ValueError):
            raise Untrusted("sealed_state", place) from None


def new_sealing_key() -> bytes:
    """A random 256-bit key."""
    return AESGCM.generate_key(bit_length=256)


def keep_pinned(ca: Sequence[str], ca_sha256: str | None) -> list[str]:
    """The CA certificates to keep: the pinned one and what it signed, or all when nothing is pinned (§3).

    Raises Untrusted.
    """
    certificates = [_certificate(pem) for pem in ca]
    if ca_sha256 is None:
        return [_pem(item) for item in certificates]
    kept = [item for item in certificates if item.fingerprint(hashes.SHA256()).hex() == ca_sha256.lower()]
    if not kept:
        raise Untrusted("ca_pin", "no CA certificate matches the pin")
    rest = [item for item in certificates if item not in kept]
    while found := next((item for item in rest if any(_issued(item, by) for by in kept)), None):
        kept.append(found)
        rest.remove(found)
    return [_pem(item) for item in kept]


def check_certificate(pem: str, ca: Sequence[str], key: PrivateKey, device_id: str) -> None:
    """Check that a device certificate holds our key and id and comes from a kept CA. Raises Untrusted."""
    certificate = _certificate(pem)
    if certificate.public_key() != key.public_key():
        raise Untrusted("certificate_key")
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if [name.value for name in names] != [device_id]:
        raise Untrusted("certificate_subject")
    if not any(_issued(certificate, _certificate(by)) for by in ca):
        raise Untrusted("certificate_issuer")


def _certificate(pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise Untrusted("certificate_form") from None


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def tls_context(ca: Sequence[str], certificate: str, key: PrivateKey) -> ssl.SSLContext:
    """Client context that trusts `ca` alone and shows the device certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata="\n".join(ca))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a pin may name an intermediate CA
    _load_chain(context, certificate, key)
    return context


def _load_chain(context: ssl.SSLContext, certificate: str, key: PrivateKey) -> None:
    # The ssl module reads files only; a memory file keeps the private key off the disk.
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor = os.memfd_create("device", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, certificate.encode() + b"\n" + secret)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def http_context(ca_file: str | None) -> ssl.SSLContext:
    """Context for HTTPS: the system's roots, or the CA file given for a private server."""
    return ssl.create_default_context(cafile=ca_file)
