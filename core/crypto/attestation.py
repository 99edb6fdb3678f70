"""Chains of key attestation: does a root that we trust vouch for this very key, in answer to this challenge?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from core.crypto import key_description
from core.crypto.jwk import PublicKey
from core.crypto.key_description import GENERATED, SOFTWARE, KeyDescription

PEM_MAX = 16_384
"""Characters of one certificate; those of phones have 1,000 to 3,000."""
LONGEST = 10


class Flaw(StrEnum):
    """What is wrong with a chain."""

    MALFORMED = "malformed"
    SIGNATURE = "signature"
    VALIDITY = "validity"
    ROOT = "root"
    REVOKED = "revoked"
    KEY = "key"
    EXTENDED = "extended"
    NO_STATEMENT = "no_statement"
    CHALLENGE = "challenge"
    ORIGIN = "origin"


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to believe: roots, and serials that are not to be believed any more. `digest` changes with them."""

    roots: tuple[x509.Certificate, ...] = ()
    revoked: frozenset[int] = frozenset()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a chain says, as far as it could be read, and what is wrong with it."""

    said: KeyDescription | None
    flaws: tuple[Flaw, ...]


def read_trust(roots: Path | None, revoked: Path | None) -> Trust:
    """Roots (PEM) and revoked serials (JSON, the form of Android's attestation status list) of the operator's files.

    A file that was replaced is read anew. Raises OSError, or ValueError that names a file which is not of its form.
    """
    return _read_trust(*(_version(path) for path in (roots, revoked)))


def _version(path: Path | None) -> tuple[Path, int, int] | None:
    if path is None:
        return None
    found = path.stat()
    return path, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=4)
def _read_trust(roots: tuple[Path, int, int] | None, revoked: tuple[Path, int, int] | None) -> Trust:
    contents = [version[0].read_bytes() if version else b"" for version in (roots, revoked)]
    return Trust(
        _roots(roots[0], contents[0]) if roots else (),
        _revoked(revoked[0], contents[1]) if revoked else frozenset(),
        hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents)).hexdigest()[:32],
    )


def _roots(path: Path, content: bytes) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(content))
    except ValueError as error:
        raise ValueError(f"{path} holds no PEM certificates") from error


def _revoked(path: Path, content: bytes) -> frozenset[int]:
    try:
        return frozenset(int(serial, 16) for serial in json.loads(content)["entries"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is no attestation status list") from error


def check(pems: Sequence[str], key: PublicKey, challenge: bytes, trust: Trust, at: datetime) -> Checked:
    """Judge a chain, leaf first, as it was at a time.

    The root may be left out, or be another certificate of a trusted root's name and key: such are issued again when
    they end. What a root's certificate says of its own validity is not asked.
    """
    try:
        chain = [_certificate(pem) for pem in pems]
        values = [_statement(certificate) for certificate in chain]
        said = key_description.read(values[0]) if values and values[0] is not None else None
    except ValueError:
        return Checked(None, (Flaw.MALFORMED,))
    if not 1 <= len(chain) <= LONGEST:
        return Checked(None, (Flaw.MALFORMED,))
    anchored = _is_root(chain[-1], trust)
    below = chain[:-1] if anchored else chain
    found = {
        Flaw.SIGNATURE: not all(_issued(one, by) for one, by in pairwise(chain))
        or not all(_is_ca(one) for one in below[1:]),
        Flaw.VALIDITY: not all(one.not_valid_before_utc <= at <= one.not_valid_after_utc for one in below),
        Flaw.ROOT: not anchored and not any(_issued(chain[-1], root) for root in trust.roots),
        Flaw.REVOKED: any(one.serial_number in trust.revoked for one in chain),
        Flaw.KEY: not _holds(chain[0], key),
        # Whoever has an attested key can sign a certificate below it, and write into that what they like.
        Flaw.EXTENDED: any(value is not None for value in values[1:]),
        Flaw.NO_STATEMENT: said is None,
        Flaw.CHALLENGE: said is not None and said.challenge != challenge,
        Flaw.ORIGIN: said is not None and said.level != SOFTWARE and said.origin != GENERATED,
    }
    return Checked(said, tuple(flaw for flaw, is_so in found.items() if is_so))


def _certificate(pem: str) -> x509.Certificate:
    if len(pem) > PEM_MAX:
        raise ValueError("too long")
    return x509.load_pem_x509_certificate(pem.encode("utf-8", "replace"))


def _statement(certificate: x509.Certificate) -> bytes | None:
    try:
        value = certificate.extensions.get_extension_for_oid(key_description.OID).value
    except x509.ExtensionNotFound:
        return None
    return value.value if isinstance(value, x509.UnrecognizedExtension) else None


def _is_root(certificate: x509.Certificate, trust: Trust) -> bool:
    return any(root.subject == certificate.subject and _same_key(root, certificate) for root in trust.roots)


def _same_key(one: x509.Certificate, other: x509.Certificate) -> bool:
    try:
        return one.public_key() == other.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False


def _holds(certificate: x509.Certificate, key: PublicKey) -> bool:
    try:
        return certificate.public_key() == key
    except (ValueError, UnsupportedAlgorithm):
        return False


def _issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
