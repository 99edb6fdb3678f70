"""A phone for tests: real keys, requests and messages as the protocol has them, written from the protocol alone."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

from mqtt.routes import Inbound


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": b64u(numbers.x.to_bytes(32, "big")),
        "y": b64u(numbers.y.to_bytes(32, "big")),
    }


def kid(key: ec.EllipticCurvePrivateKey) -> str:
    return b64u(hashlib.sha256(json.dumps(jwk(key), sort_keys=True, separators=(",", ":")).encode()).digest())


def csr(key: Any, name: str = "whatever the phone likes") -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def rsa_csr() -> str:
    return csr(rsa.generate_private_key(65537, 2048))


def p384_csr() -> str:
    return csr(ec.generate_private_key(ec.SECP384R1()))


def wrongly_signed_csr() -> str:
    """A request whose signature was made over other bytes."""
    body = x509.load_pem_x509_csr(csr(new_key(), "one").encode()).public_bytes(serialization.Encoding.DER)
    broken = body.replace(b"one", b"two")
    return (
        "-----BEGIN CERTIFICATE REQUEST-----\n"
        + base64.encodebytes(broken).decode()
        + "-----END CERTIFICATE REQUEST-----\n"
    )


def wire(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


@dataclass
class Phone:
    """Keys and facts of one phone, and its id once it is enrolled."""

    serial: str = field(default_factory=lambda: f"SN{uuid.uuid4().hex[:10].upper()}")
    signing: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    encryption: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    id: str = ""
    boot_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    connection: str = field(default_factory=lambda: str(uuid.uuid4()))

    def enrollment(self, token: str, notice_version: str, **changes: Any) -> dict[str, Any]:
        body = {
            "token": token,
            "csr": csr(self.signing),
            "encryption_key": {**jwk(self.encryption), "use": "enc"},
            "device": {
                "serial": self.serial,
                "imei": ["860123456789012"],
                "manufacturer": "Xiaomi",
                "model": "23127PN0CC",
                "os": "android",
                "os_version": "15",
                "agent": "shouji-agent",
                "agent_version": "1.0.0",
            },
            "employee_no": None,
            "notice": {"version": notice_version, "accepted_at": wire(datetime.now(UTC))},
        }
        return {**body, **changes}

    def sign(
        self, typ: str, claims: dict[str, Any], *, key: ec.EllipticCurvePrivateKey | None = None, alg: str = "ES256"
    ) -> str:
        signer = key or self.signing
        header = b64u(json.dumps({"alg": alg, "typ": typ, "kid": kid(signer)}).encode())
        signed = f"{header}.{b64u(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(signer.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{b64u(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        plain = {
            "iss": self.id,
            "sub": self.id,
            "aud": "shouji-device",
            "iat": now,
            "exp": now + 120,
            "jti": uuid.uuid4().hex,
        }
        return {name: value for name, value in {**plain, **changes}.items() if value is not None}

    def bearer(self, *, typ: str = "shouji-device+jwt", **changes: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.sign(typ, self.claims(**changes))}"}

    def hello(self, at: datetime, **changes: Any) -> Inbound:
        body = {
            "sub": self.id,
            "jti": uuid.uuid4().hex,
            "iat": int(at.timestamp()),
            "connection": self.connection,
            "boot_id": self.boot_id,
            "agent_version": "1.0.0",
            "capabilities": ["numbers", "lock"],
            "generation": 0,
            "highest_generation": 0,
            "bundle": None,
            "reported": None,
            "contacts_version": 0,
            "next_seq": 1,
            "oldest_seq": 1,
            "archived_through": 0,
            "clock": wire(at),
            "notice_version": None,
        }
        return self.inbound("hello", self.sign("shouji-hello+jws", {**body, **changes}).encode(), at)

    def heartbeat(self, sent_at: datetime, received_at: datetime | None = None, **changes: Any) -> Inbound:
        body = {
            "at": wire(sent_at),
            "battery": 0.83,
            "charging": False,
            "network": "wifi",
            "storage_free": 12_345_678,
            "uptime_s": 4242,
            "queue": {"records": 0, "oldest": None},
            "generation": 0,
            "bundle": None,
            "posture": {
                "encrypted": True,
                "passcode": True,
                "rooted": False,
                "developer_mode": False,
                "agent_admin": True,
                "permissions": {"accessibility": True, "sms": True},
                "sim": [],
                "security_patch": "2026-10-05",
            },
        }
        return self.inbound("heartbeat", json.dumps({**body, **changes}).encode(), received_at or sent_at)

    def presence(self, online: bool, at: datetime, connection: str | None = None) -> Inbound:
        said = {"online": online, "connection": connection or self.connection}
        return self.inbound("presence", json.dumps(said).encode(), at)

    def inbound(self, kind: str, payload: bytes, at: datetime) -> Inbound:
        return Inbound(self.id, kind, payload, at)
