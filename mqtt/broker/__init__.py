"""The broker: our own Mosquitto or an outside one, behind one interface (`BrokerAdmin`), fail-closed.

Whatever the broker obeys is written whole, read back, put in force, and then tried from outside with canaries. A
broker whose canaries do not find what they must is stopped.
"""

from __future__ import annotations

from config.settings import Settings
from core.crypto.x509 import CertificateAuthority
from mqtt.broker.acl import CANARY_IDS, for_outside_broker
from mqtt.broker.endpoint import service_endpoint
from mqtt.broker.errors import BrokerAway, BrokerError, BrokerUnsafe, BrokerUnusable
from mqtt.broker.external import external_admin
from mqtt.broker.managed import managed_admin
from mqtt.broker.role import OnTakeover, run_broker_role
from mqtt.broker.types import BrokerAdmin, Check, CrlSource, ProbeReport, ServiceEndpoint, ServiceUser


def open_admin(settings: Settings, ca: CertificateAuthority, source: CrlSource) -> BrokerAdmin:
    """The hand on the broker of this installation. Raises BrokerUnusable when an outside broker is set up halfway."""
    return (external_admin if settings.broker_url else managed_admin)(settings, ca, source)


__all__ = [
    "CANARY_IDS",
    "BrokerAdmin",
    "BrokerAway",
    "BrokerError",
    "BrokerUnsafe",
    "BrokerUnusable",
    "Check",
    "CrlSource",
    "OnTakeover",
    "ProbeReport",
    "ServiceEndpoint",
    "ServiceUser",
    "for_outside_broker",
    "open_admin",
    "run_broker_role",
    "service_endpoint",
]
