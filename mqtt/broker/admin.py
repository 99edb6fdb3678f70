"""The hand on a broker: the same order of steps whoever runs it; a `Control` does what differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from core.crypto.x509 import CertificateAuthority
from core.files import holds, replace_file
from core.log import get_logger
from mqtt.broker.canaries import Doors, probe
from mqtt.broker.certificates import ensure_canary
from mqtt.broker.crl import CrlKeeper
from mqtt.broker.errors import BrokerUnsafe
from mqtt.broker.files import BrokerFiles
from mqtt.broker.kick import kick
from mqtt.broker.types import ProbeReport, ServiceEndpoint

log = get_logger(__name__)


class Control(Protocol):
    """What a kind of broker does in its own way. All but `doors` and `admin_endpoint` run under the change lock."""

    @property
    def doors(self) -> Doors:
        """Where the canaries go."""

    @property
    def admin_endpoint(self) -> ServiceEndpoint:
        """The server's own client that may take sessions over."""

    def repair_files(self) -> list[str]:
        """Bring every file but the revocation list to what it must be; the names of those that were not."""

    def reload(self) -> None:
        """Have the broker read its files again. Raises BrokerAway."""

    def halt(self) -> None:
        """Take the broker out of use, as far as that is ours to do."""


class Admin:
    """`BrokerAdmin` over a control and a keeper of the revocation list."""

    def __init__(self, files: BrokerFiles, ca: CertificateAuthority, keeper: CrlKeeper, control: Control) -> None:
        self._files = files
        self._ca = ca
        self._keeper = keeper
        self._control = control

    def prepare(self) -> None:
        """Write everything that the broker obeys, without touching the broker: before its start."""
        with self._files.change():
            self._write_static()
            self._mend_list()

    def apply(self) -> ProbeReport:
        """See BrokerAdmin."""
        with self._files.change():
            self._write_static()
            self._keeper.renew()
            self._control.reload()
            return self._probe_or_halt()

    def revoke(self, device_ids: Sequence[str]) -> ProbeReport:
        """See BrokerAdmin."""
        with self._files.change():
            self._keeper.renew()
            self._control.reload()
            kick(self._control.admin_endpoint, device_ids)
            return self._probe_or_halt()

    def kick(self, device_ids: Sequence[str]) -> None:
        """See BrokerAdmin."""
        kick(self._control.admin_endpoint, device_ids)

    def probe(self) -> ProbeReport:
        """See BrokerAdmin."""
        with self._files.change():
            return probe(self._control.doors)

    def check(self, *, ask_source: bool) -> ProbeReport:
        """The watch: repair files that are not what they must be, renew the list where it is old, then probe.

        With `ask_source` the list is also compared with what the database says. Raises BrokerUnsafe (stopped),
        BrokerAway.
        """
        with self._files.change():
            repaired = self._control.repair_files()
            if not self._keeper.intact():
                repaired.append("crl")
                self._mend_list()
            elif ask_source and self._renewed_list():
                self._control.reload()
            if repaired:
                log.error("broker_files_repaired", files=repaired)
                self._control.reload()
            return self._probe_or_halt()

    def _write_static(self) -> None:
        if not holds(self._files.ca, self._ca.pem.encode()):
            replace_file(self._files.ca, self._ca.pem.encode())
        ensure_canary(self._files, self._ca)
        self._control.repair_files()

    def _mend_list(self) -> None:
        try:
            self._keeper.renew()
        except Exception:
            # The database is away: an older list of ours still keeps out all that it names.
            log.exception("broker_revocation_source_failed")
            try:
                self._keeper.restore()
            except ValueError as error:
                self._control.halt()
                raise BrokerUnsafe([str(error)]) from error

    def _renewed_list(self) -> bool:
        try:
            if not self._keeper.outdated():
                return False
            self._keeper.renew()
        except Exception:
            log.exception("broker_revocation_source_failed")
            return False
        return True

    def _probe_or_halt(self) -> ProbeReport:
        report = probe(self._control.doors)
        if report.safe:
            return report
        # The files are right by now, so one more reload heals a broker that had read them in a bad moment.
        log.critical("broker_unsafe", failures=report.failures)
        self._control.reload()
        report = probe(self._control.doors)
        if report.safe:
            return report
        log.critical("broker_halted", failures=report.failures)
        self._control.halt()
        raise BrokerUnsafe(report.failures)
