"""Keys, certificates, blobs and phones as the server in miniature has them."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from agent import crypto
from mqtt.contract import chain


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


class Authority:
    def __init__(self, name: str = "test CA") -> None:
        self.key = new_key()
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._build(self.name, self.key.public_key(), ca=True)
        self.revoked: list[int] = []

    @property
    def pin(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def _build(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool = False) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=90))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, common_name: str, key: ec.EllipticCurvePublicKey) -> x509.Certificate:
        return self._build(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]), key)

    def crl(self) -> bytes:
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        builder = builder.last_update(now - timedelta(minutes=1)).next_update(now + timedelta(days=1))
        for serial in self.revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class Blob:
    def __init__(self, document: Any, *, key: bytes | None = None, pad: int = 0) -> None:
        raw = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
        self.key_bytes = key or hashlib.sha256(b"secret" + raw).digest()
        packed = gzip.compress(raw + b" " * pad, 0 if pad else 6)
        self.bytes = AESGCM(self.key_bytes).encrypt(bytes(12), packed, None)
        self.digest = hashlib.sha256(self.bytes).hexdigest()

    @property
    def ref(self) -> dict[str, Any]:
        return {"digest": self.digest, "size": len(self.bytes), "key": crypto.b64u(self.key_bytes)}


class Device:
    """What the server knows of one phone."""

    def __init__(self, device_id: str, jwk: dict[str, Any], certificate: x509.Certificate) -> None:
        self.id = device_id
        self.key = certificate.public_key()
        self.serial = certificate.serial_number
        self.encryption_jwk = jwk
        self.records: list[str] = []
        self.through = 0
        self.head = chain.origin(device_id)
        self.got: dict[str, list[Any]] = defaultdict(list)
        self.open_commands: dict[str, dict[str, Any]] = {}
        self.desired: dict[str, Any] | None = None
        self.status: dict[str, Any] = {"state": "active", "action": "none"}
