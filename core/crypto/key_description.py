"""What a phone's key store says of a key: the `KeyDescription` that Android puts into the key's certificate.

The form is that of Android's key attestation, versions 1 (Keymaster 2) to 400 (KeyMint 4). Members that later versions
add are passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat import asn1

T = TypeVar("T")
OID = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
SOFTWARE, TEE, STRONGBOX = "software", "tee", "strongbox"
VERIFIED = "verified"
GENERATED = 0
"""Origin of a key that was made where it lies, and not brought there."""
_LEVELS = (SOFTWARE, TEE, STRONGBOX)
_BOOT = (VERIFIED, "self_signed", "unverified", "failed")
_ORIGIN, _ROOT_OF_TRUST, _OS_VERSION, _PATCH_LEVEL, _APPLICATION = 702, 704, 705, 706, 709
_ENUMERATED = b"\x0a"
_INT_MAX = 2**31


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """A key store's word. `os_version` is 150000 for 15, `patch_level` 202610 or 20261005; None: not said.

    `packages` and `signers` (SHA-256 of their signing certificates) are those of the app that asked for the key.
    """

    level: str
    challenge: bytes
    origin: int | None
    boot_state: str | None
    locked: bool | None
    os_version: int | None
    patch_level: int | None
    packages: tuple[str, ...]
    signers: tuple[bytes, ...]


@asn1.sequence
class _Description:
    version: int
    level: asn1.TLV
    keymint_version: int
    keymint_level: asn1.TLV
    challenge: bytes
    unique_id: bytes
    software: list[asn1.TLV]
    hardware: list[asn1.TLV]


@asn1.sequence
class _RootOfTrust:
    boot_key: bytes
    locked: bool
    boot_state: asn1.TLV
    boot_hash: bytes | None


@asn1.sequence
class _Package:
    name: bytes
    version: int


@asn1.sequence
class _Application:
    packages: asn1.SetOf[_Package]
    signers: asn1.SetOf[bytes]


def read(der: bytes) -> KeyDescription:
    """Parse the extension's value. Raises ValueError when it is not of the form."""
    said = asn1.decode_der(_Description, der)
    level = min(_enumerated(said.level, _LEVELS), _enumerated(said.keymint_level, _LEVELS), key=_LEVELS.index)
    software, hardware = _by_tag(said.software), _by_tag(said.hardware)
    # Beside a key that hardware holds, what software says of it proves nothing.
    known = {**software, **hardware} if level == SOFTWARE else hardware
    root = _member(known, _ROOT_OF_TRUST, _RootOfTrust)
    # The app that asks is known to the system alone, which is what the verified boot vouches for.
    wrapped = _member({**hardware, **software}, _APPLICATION, bytes)
    application = asn1.decode_der(_Application, wrapped) if wrapped is not None else None
    return KeyDescription(
        level=level,
        challenge=said.challenge,
        origin=_integer(known, _ORIGIN),
        boot_state=_enumerated(root.boot_state, _BOOT) if root else None,
        locked=root.locked if root else None,
        os_version=_integer(known, _OS_VERSION),
        patch_level=_integer(known, _PATCH_LEVEL),
        packages=tuple(one.name.decode("utf-8") for one in application.packages.as_list()) if application else (),
        signers=tuple(application.signers.as_list()) if application else (),
    )


def _enumerated(tlv: asn1.TLV, names: Sequence[str]) -> str:
    value = bytes(tlv.data)
    if tlv.tag_bytes != _ENUMERATED or len(value) != 1 or value[0] >= len(names):
        raise ValueError("an enumerated value is out of its range")
    return names[value[0]]


def _by_tag(members: Sequence[asn1.TLV]) -> dict[bytes, bytes]:
    return {bytes(member.tag_bytes): bytes(member.data) for member in members}


def _member(members: dict[bytes, bytes], number: int, form: type[T]) -> T | None:
    found = members.get(_tag(number))
    return None if found is None else asn1.decode_der(form, found)


def _integer(members: dict[bytes, bytes], number: int) -> int | None:
    value = _member(members, number, int)
    if value is not None and not 0 <= value < _INT_MAX:
        raise ValueError("a figure is out of its range")
    return value


def _tag(number: int) -> bytes:
    """Tag bytes of an explicit context tag above 127 and below 16,384 (X.690, 8.1.2.4)."""
    return bytes((0xBF, 0x80 | number >> 7, number & 0x7F))
