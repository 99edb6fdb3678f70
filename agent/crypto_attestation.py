"""Key attestation as a phone's key store makes it (§3), by a test root: for simulations and tests, proves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent.crypto import PrivateKey, PublicKey
from agent.errors import AgentError
from mqtt.contract.attestation import challenge

KEY_DESCRIPTION = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
LEVELS = ("software", "tee", "strongbox")
BOOT_STATES = ("verified", "self_signed", "unverified", "failed")
KEYMINT = 300
SINCE, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2048, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Emulated:
    """What the emulated key store says; `signers` are SHA-256 of the certificates that signed the app."""

    level: str = "tee"
    boot_state: str = "verified"
    locked: bool = True
    origin: int = 0
    os_version: int = 150000
    patch_level: int = 202610
    package: str = "com.example.agent"
    signers: Sequence[bytes] = ()


PLAIN = Emulated()


@dataclass(frozen=True, slots=True)
class EmulatedRoot:
    """A root of our own, and what it vouches by: a server that is to believe it must be told its certificate."""

    key: PrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls) -> EmulatedRoot:
        """A new one."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Shouji attestation test root")
        return cls(key, _signed(name, key.public_key(), name, key, ca=True))

    @classmethod
    def at(cls, path: Path) -> EmulatedRoot:
        """The one in a PEM file, which is made when it is missing. Raises AgentError when the file holds none."""
        if not path.exists():
            made = cls.make()
            path.touch(mode=0o600)
            path.write_bytes(_private_pem(made.key) + made.pem.encode())
            return made
        content = path.read_bytes()
        try:
            key = serialization.load_pem_private_key(content, password=None)
            certificate = x509.load_pem_x509_certificates(content)[0]
        except (ValueError, TypeError) as error:
            raise AgentError("attest_root", f"{path} holds no key with its certificate") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise AgentError("attest_root", f"{path} holds no elliptic curve key")
        return cls(key, certificate)

    @property
    def pem(self) -> str:
        """Its certificate."""
        return _pem(self.certificate)

    def attest(self, key: PublicKey, code: str, said: Emulated = PLAIN) -> list[str]:
        """The chain for a signing key that was made for an enrollment token: leaf, batch certificate, root."""
        batch = ec.generate_private_key(ec.SECP256R1())
        name = _name("Shouji attestation test batch")
        above = _signed(name, batch.public_key(), self.certificate.subject, self.key, ca=True)
        statement = x509.UnrecognizedExtension(KEY_DESCRIPTION, description(challenge(code), said))
        leaf = _signed(_name("Android Keystore Key"), key, name, batch, ca=False, statement=statement)
        return [_pem(leaf), _pem(above), self.pem]


@asn1.sequence
class _RootOfTrust:
    boot_key: bytes
    locked: bool
    boot_state: asn1.TLV
    boot_hash: bytes


@asn1.sequence
class _Package:
    name: bytes
    version: int


@asn1.sequence
class _Application:
    packages: asn1.SetOf[_Package]
    signers: asn1.SetOf[bytes]


@asn1.sequence
class _Software:
    created: Annotated[int | None, asn1.Explicit(701)]
    application: Annotated[bytes | None, asn1.Explicit(709)]


@asn1.sequence
class _Hardware:
    purpose: Annotated[asn1.SetOf[int] | None, asn1.Explicit(1)]
    algorithm: Annotated[int | None, asn1.Explicit(2)]
    key_size: Annotated[int | None, asn1.Explicit(3)]
    no_auth_required: Annotated[asn1.Null | None, asn1.Explicit(503)]
    origin: Annotated[int | None, asn1.Explicit(702)]
    root_of_trust: Annotated[_RootOfTrust | None, asn1.Explicit(704)]
    os_version: Annotated[int | None, asn1.Explicit(705)]
    patch_level: Annotated[int | None, asn1.Explicit(706)]


@asn1.sequence
class _KeyDescription:
    version: int
    level: asn1.TLV
    keymint_version: int
    keymint_level: asn1.TLV
    challenge: bytes
    unique_id: bytes
    software: _Software
    hardware: _Hardware


def description(answer: bytes, said: Emulated = PLAIN) -> bytes:
    """The extension's value, in DER."""
    package = _Package(name=said.package.encode(), version=1)
    application = _Application(packages=asn1.SetOf([package]), signers=asn1.SetOf(list(said.signers)))
    level = _enumerated(LEVELS.index(said.level))
    return asn1.encode_der(
        _KeyDescription(
            version=KEYMINT,
            level=level,
            keymint_version=KEYMINT,
            keymint_level=level,
            challenge=answer,
            unique_id=b"",
            software=_Software(created=1_790_000_000_000, application=asn1.encode_der(application)),
            hardware=_Hardware(
                purpose=asn1.SetOf([2]),
                algorithm=3,
                key_size=256,
                no_auth_required=asn1.Null(),
                origin=said.origin,
                root_of_trust=_RootOfTrust(
                    boot_key=bytes(32),
                    locked=said.locked,
                    boot_state=_enumerated(BOOT_STATES.index(said.boot_state)),
                    boot_hash=bytes(32),
                ),
                os_version=said.os_version,
                patch_level=said.patch_level,
            ),
        )
    )


def _enumerated(value: int) -> asn1.TLV:
    return asn1.decode_der(asn1.TLV, bytes((0x0A, 1, value)))


def _signed(
    subject: x509.Name,
    key: PublicKey,
    issuer: x509.Name,
    by: PrivateKey,
    *,
    ca: bool,
    statement: x509.UnrecognizedExtension | None = None,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(SINCE)
        .not_valid_after(UNTIL)
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if statement is not None:
        builder = builder.add_extension(statement, critical=False)
    return builder.sign(by, hashes.SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _private_pem(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
