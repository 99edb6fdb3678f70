"""The revocation list on the disk: built, parsed back, written whole, kept twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from core import clock
from core.crypto.clients import make_client
from core.crypto.crl import RevocationList, certificate_serial, read_crl
from core.crypto.x509 import CertificateAuthority
from core.files import holds, replace_file
from mqtt.broker.acl import REVOKED_CANARY_ID
from mqtt.broker.files import BrokerFiles
from mqtt.broker.types import CrlSource

RENEW_AFTER = timedelta(days=1)
LEAST_LIFE = timedelta(days=7)
CANARY_DAYS = 30.0
CERTIFICATE_MARK = b"-----BEGIN CERTIFICATE-----"


class CrlKeeper:
    """Writes the list that the source gives to the places where the broker reads it, and a copy with its canary.

    All methods need the change lock.
    """

    def __init__(
        self, files: BrokerFiles, ca: CertificateAuthority, source: CrlSource, place: Path, mode: int = 0o600
    ) -> None:
        self._files = files
        self._ca = ca
        self._source = source
        self._place = place
        self._mode = mode

    def renew(self) -> None:
        """Put the newest list in place. It revokes a fresh canary: a broker that lets it in did not take the list.

        Raises what the source raises, and ValueError when the source gives something that is not our list.
        """
        canary = make_client(self._ca, REVOKED_CANARY_ID, CANARY_DAYS)
        pem = self._source([(canary.serial, clock.now())])
        parsed = read_crl(pem, self._ca)
        if canary.serial not in parsed.serials:
            raise ValueError("the source left the canary out of the revocation list")
        if parsed.ends_at - clock.now() < LEAST_LIFE:
            raise ValueError("the source gave a revocation list that ends too soon")
        self._write(pem, canary.pem)

    def restore(self) -> None:
        """Without asking the source: bring every place to the newest good copy.

        Raises ValueError when no good copy is left.
        """
        copies = [
            (parsed.issued_at, pem, canary)
            for pem, canary in (self._copy(), (_content(self._place), _content(self._files.revoked_canary)))
            if (parsed := self._good(pem, canary))
        ]
        if not copies:
            raise ValueError("no good copy of the revocation list is left")
        _, pem, canary = max(copies, key=lambda copy: copy[0])
        self._write(pem, canary)

    def intact(self) -> bool:
        """Whether the broker's list is the one that we wrote last, still good, and revokes the canary that we hold."""
        pem, canary = self._copy()
        return (
            self._good(pem, canary) is not None
            and holds(self._place, pem)
            and holds(self._files.revoked_canary, canary)
        )

    def outdated(self) -> bool:
        """Whether the list is a day old, or the source would now give other serials. Raises what the source raises."""
        pem, canary = self._copy()
        current = self._good(pem, canary)
        if current is None:
            return True
        wanted = read_crl(self._source([(certificate_serial(canary), clock.now())]), self._ca)
        return wanted.serials != current.serials or wanted.issued_at - current.issued_at > RENEW_AFTER

    def _write(self, pem: bytes, canary: bytes) -> None:
        # List and canary belong together, so the copy holds both in one file.
        replace_file(self._files.crl_copy, pem + canary)
        replace_file(self._files.revoked_canary, canary)
        replace_file(self._place, pem, self._mode)

    def _copy(self) -> tuple[bytes, bytes]:
        pem, mark, canary = _content(self._files.crl_copy).partition(CERTIFICATE_MARK)
        return pem, mark + canary

    def _good(self, pem: bytes, canary: bytes) -> RevocationList | None:
        try:
            parsed = read_crl(pem, self._ca)
            known = certificate_serial(canary) in parsed.serials
        except ValueError:
            return None
        return parsed if known and parsed.ends_at > clock.now() else None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
