"""Certificates around the broker: its own, and those of its canaries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from config.settings import Settings
from core import clock
from core.crypto.clients import make_client
from core.crypto.x509 import CertificateAuthority, certificate_end
from core.files import holds, replace_file
from mqtt.broker.acl import CANARY_ID
from mqtt.broker.files import BrokerFiles

RENEW_BEFORE = timedelta(days=30)
CANARY_DAYS = 90.0
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- read, not bound


def local_host(settings: Settings) -> str:
    """The address under which this machine reaches the phones' listener."""
    return WILDCARDS.get(settings.mqtt_host, settings.mqtt_host)


def broker_hosts(settings: Settings) -> list[str]:
    """Names in the broker's certificate: what phones are told first, then the address it listens on."""
    return list(dict.fromkeys([settings.broker_host_for_phones, local_host(settings)]))


def ensure_broker_certificate(files: BrokerFiles, ca: CertificateAuthority, hosts: Sequence[str]) -> bool:
    """Issue the broker's certificate when it is missing, ends soon, or names other hosts or another CA.

    Certificate and key share one file, so that a reload never sees one without the other. True when it was issued.
    """
    facts = json.dumps({"hosts": list(hosts), "ca": ca.fingerprint}).encode()
    if holds(files.certificate_facts, facts) and _lives(files.certificate):
        return False
    certificate, key = ca.issue_broker(hosts)
    replace_file(files.certificate, certificate.encode() + key.encode())
    replace_file(files.certificate_facts, facts)
    return True


def ensure_canary(files: BrokerFiles, ca: CertificateAuthority) -> None:
    """Issue the canary that must get in, when it is missing or ends soon. Needs the change lock."""
    facts = files.canary.with_suffix(".ca")
    if not (holds(facts, ca.fingerprint.encode()) and _lives(files.canary)):
        replace_file(files.canary, make_client(ca, CANARY_ID, CANARY_DAYS).pem)
        replace_file(facts, ca.fingerprint.encode())


def _lives(path: Path) -> bool:
    try:
        return certificate_end(path) - clock.now() > RENEW_BEFORE
    except (OSError, ValueError):
        return False
