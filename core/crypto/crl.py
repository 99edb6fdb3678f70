"""Reading a revocation list back: what a broker is about to be given is checked first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from core.crypto.x509 import CertificateAuthority


@dataclass(frozen=True, slots=True)
class RevocationList:
    """What a list says: revoked serials (hex), when it was issued and until when it may be trusted."""

    serials: frozenset[str]
    issued_at: datetime
    ends_at: datetime


def read_crl(pem: bytes, ca: CertificateAuthority) -> RevocationList:
    """Parse a PEM list and check that the fleet CA signed it. Raises ValueError when it is broken or foreign."""
    crl = x509.load_pem_x509_crl(pem)
    if not crl.is_signature_valid(cast(ec.EllipticCurvePublicKey, ca.certificate.public_key())):
        raise ValueError("the revocation list is not signed by the fleet CA")
    if crl.next_update_utc is None:
        raise ValueError("the revocation list has no end")
    return RevocationList(
        frozenset(f"{entry.serial_number:x}" for entry in crl), crl.last_update_utc, crl.next_update_utc
    )


def certificate_serial(pem: bytes) -> str:
    """Hex serial of the first certificate in a PEM text. Raises ValueError."""
    return f"{x509.load_pem_x509_certificate(pem).serial_number:x}"
