"""Which broker it is: our own, or one that stands outside."""

from __future__ import annotations

from config.settings import Settings
from core.crypto.x509 import CertificateAuthority
from mqtt.broker.external import external_admin
from mqtt.broker.managed import managed_admin
from mqtt.broker.types import BrokerAdmin, CrlSource


def open_admin(settings: Settings, ca: CertificateAuthority, source: CrlSource) -> BrokerAdmin:
    """The hand on the broker of this installation. Raises BrokerUnusable when an outside broker is set up halfway."""
    return (external_admin if settings.broker_url else managed_admin)(settings, ca, source)
