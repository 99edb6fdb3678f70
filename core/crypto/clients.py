"""Client identities that the server makes for itself: the canaries that try the broker's doors."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from core.crypto.jwk import private_pem
from core.crypto.x509 import CertificateAuthority


@dataclass(frozen=True, slots=True)
class OwnClient:
    """A certificate and its key in one PEM text, and the certificate's serial (hex)."""

    serial: str
    pem: bytes


def make_client(ca: CertificateAuthority, name: str, days: float) -> OwnClient:
    """A fresh P-256 key and a client certificate of that name, living `days` days."""
    key = ec.generate_private_key(ec.SECP256R1())
    issued = ca.issue_device(key.public_key(), name, days)
    return OwnClient(issued.serial, issued.pem.encode() + private_pem(key))
