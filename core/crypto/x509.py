"""The fleet CA: signs certificates of phones and of the broker, and the list of revoked ones."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from core import clock
from core.crypto.jwk import private_pem
from core.crypto.keyring import KeyRing
from core.errors import Invalid
from core.files import create_file
from core.text import Text

CA_YEARS = 20
BROKER_DAYS = 397
CRL_DAYS = 14
BACKDATE = timedelta(hours=1)
CSR_LIMIT = 16_384


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate: its serial (hex), PEM and end."""

    serial: str
    pem: str
    not_before: datetime
    not_after: datetime


def parse_csr(pem: str) -> ec.EllipticCurvePublicKey:
    """The P-256 key of a well-signed PKCS#10 request, the only thing that is taken from it.

    Raises Invalid `bad_csr` when it is malformed, of another key type or wrongly signed (PROTOCOL 3: 422).
    """
    try:
        if len(pem) > CSR_LIMIT:
            raise ValueError("too long")
        request = x509.load_pem_x509_csr(pem.encode())
        key = request.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("the key is not EC P-256")
        if not request.is_signature_valid:
            raise ValueError("the signature does not verify")
    except (ValueError, TypeError, InvalidSignature, x509.InvalidVersion) as error:
        raise Invalid(
            "bad_csr",
            Text(
                "证书请求无效：需要由设备签名密钥（EC P-256）签名的 PEM PKCS#10。",
                "The certificate request is not valid: send a PEM PKCS#10 signed by the phone's EC P-256 signing key.",
            ),
            reason=str(error)[:200],
        ) from error
    return key


class CertificateAuthority:
    """Opens, and on first use makes, the CA of an installation."""

    def __init__(self, ring: KeyRing, crl_url: str) -> None:
        self._key = ring.ca_key()
        self._path = ring.folder / "ca" / "ca.pem"
        self._crl_url = crl_url

    @cached_property
    def certificate(self) -> x509.Certificate:
        """The CA certificate; of processes that start together, all use the one that was made first."""
        if not self._path.exists():
            create_file(self._path, self._self_signed().public_bytes(serialization.Encoding.PEM))
        return x509.load_pem_x509_certificate(self._path.read_bytes())

    @property
    def pem(self) -> str:
        """The CA certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 of the certificate's DER: `ca_sha256` of the QR code."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def issue_device(self, key: ec.EllipticCurvePublicKey, device_id: str, days: float) -> Issued:
        """A client certificate whose only name is the device id."""
        return self._issue(key, device_id, timedelta(days=days), [ExtendedKeyUsageOID.CLIENT_AUTH], ())

    def issue_broker(self, hosts: Sequence[str]) -> tuple[str, str]:
        """A fresh key and server certificate for the broker's host names and addresses: (certificate PEM, key PEM)."""
        key = ec.generate_private_key(ec.SECP256R1())
        issued = self._issue(
            key.public_key(), hosts[0], timedelta(days=BROKER_DAYS), [ExtendedKeyUsageOID.SERVER_AUTH], hosts
        )
        return issued.pem, private_pem(key).decode()

    def crl(self, revoked: Iterable[tuple[str, datetime]], encoding: str = "pem") -> bytes:
        """The signed list of revoked serials (hex) with their times, as `pem` or `der`."""
        now = clock.now()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - BACKDATE)
            .next_update(now + timedelta(days=CRL_DAYS))
            .add_extension(x509.CRLNumber(clock.unix_ms()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        for serial, at in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(at).build()
            builder = builder.add_revoked_certificate(entry)
        form = serialization.Encoding.DER if encoding == "der" else serialization.Encoding.PEM
        return builder.sign(self._key, hashes.SHA256()).public_bytes(form)

    def _issue(
        self,
        key: ec.EllipticCurvePublicKey,
        name: str,
        lifetime: timedelta,
        usages: list[x509.ObjectIdentifier],
        hosts: Sequence[str],
    ) -> Issued:
        start = clock.now() - BACKDATE
        end = clock.now() + lifetime
        serial = secrets.randbits(158) | 1 << 158
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .serial_number(serial)
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(_distribution_point(self._crl_url), critical=False)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_host(h) for h in hosts]), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        return Issued(f"{serial:x}", pem, certificate.not_valid_before_utc, certificate.not_valid_after_utc)

    def _self_signed(self) -> x509.Certificate:
        name = _name("Shouji Fleet CA")
        now = clock.now()
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATE)
            .not_valid_after(now + timedelta(days=365 * CA_YEARS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(ca=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )


def certificate_end(path: Path) -> datetime:
    """When the first certificate of a PEM file ends."""
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _distribution_point(url: str) -> x509.CRLDistributionPoints:
    location = [x509.UniformResourceIdentifier(url)]
    return x509.CRLDistributionPoints([x509.DistributionPoint(location, None, None, None)])


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
