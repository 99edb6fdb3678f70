"""Trying the broker's doors: what must stay shut, and what must open, tested on the running broker itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.clock import monotonic
from core.ids import new_id
from mqtt.broker.acl import CANARY_ID, REVOKED_CANARY_ID
from mqtt.broker.errors import BrokerAway
from mqtt.broker.files import BrokerFiles
from mqtt.broker.probe_client import ProbeClient, Refused
from mqtt.broker.types import NO_SUBSCRIBERS, Check, ProbeReport, ServiceEndpoint
from mqtt.contract import topics
from mqtt.contract.names import Down, Up

NOT_AUTHORIZED = 0x87
DROPPED_TOPIC = "$SYS/broker/publish/messages/dropped"


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the doors are: the phones' listener, and the server's own endpoint that may publish to canaries."""

    host: str
    port: int
    admin: ServiceEndpoint
    files: BrokerFiles


def probe(doors: Doors) -> ProbeReport:
    """Try every door once. Needs the change lock (canaries are exchanged under it). Raises BrokerAway."""
    start = monotonic()
    try:
        with ProbeClient.service(doors.admin, f"shouji-probe-{new_id()}") as admin:
            admin.connect()
            checks = tuple(_checks(doors, admin))
            dropped = _dropped(admin)
    except Refused as error:
        raise BrokerAway(f"the server's own client was refused: {error}") from error
    return ProbeReport(checks, (monotonic() - start) * 1000, dropped)


def _checks(doors: Doors, admin: ProbeClient) -> Iterator[Check]:
    # The canary that must get in goes first: without it, a door that nobody gets through proves nothing.
    with ProbeClient.phone(doors.host, doors.port, doors.files.ca, doors.files.canary) as phone:
        try:
            phone.connect()
        except Refused as error:
            yield Check("valid_certificate_accepted", False, str(error))
        else:
            yield Check("valid_certificate_accepted", True, "accepted")
            yield from _topic_checks(phone, admin)
            yield _client_id_check(doors, phone)
    yield _must_be_refused(
        "revoked_certificate_refused",
        ProbeClient.phone(doors.host, doors.port, doors.files.ca, doors.files.revoked_canary),
    )
    yield _must_be_refused(
        "missing_certificate_refused",
        ProbeClient.phone(doors.host, doors.port, doors.files.ca, None, REVOKED_CANARY_ID),
    )
    yield _must_be_refused(
        "wrong_service_password_refused",
        ProbeClient.service(doors.admin, f"shouji-probe-{new_id()}", password="wrong"),  # noqa: S106 -- it must be
    )


def _topic_checks(phone: ProbeClient, admin: ProbeClient) -> Iterator[Check]:
    foreign = phone.publish(topics.up(REVOKED_CANARY_ID, Up.HELLO))
    yield Check("foreign_topic_refused", foreign == NOT_AUTHORIZED, f"0x{foreign:02x}")
    own = phone.publish(topics.up(CANARY_ID, Up.HELLO))
    yield Check("own_topic_accepted", own in (0, NO_SUBSCRIBERS), f"0x{own:02x}")
    theirs, mine = topics.down(REVOKED_CANARY_ID, Down.ARCHIVED), topics.down(CANARY_ID, Down.ARCHIVED)
    phone.subscribe(topics.all_down(REVOKED_CANARY_ID), topics.all_down(CANARY_ID))
    for topic in (theirs, mine):
        admin.publish(topic, b"canary")
    # The broker keeps the order: what it delivers to the phone comes before its answer to the phone's next word.
    phone.publish(topics.up(CANARY_ID, Up.HELLO))
    arrived = any(name == mine for name, _ in phone.received)
    yield Check("own_delivery", arrived, "delivered" if arrived else "nothing came")
    leaked = any(name == theirs for name, _ in phone.received)
    yield Check("foreign_delivery_refused", not leaked, "delivered" if leaked else "nothing came")


def _client_id_check(doors: Doors, phone: ProbeClient) -> Check:
    # Whatever client id it asks for, a certificate has one session: a second connection must end the first.
    other = f"shouji-probe-{new_id()}"
    with ProbeClient.phone(doors.host, doors.port, doors.files.ca, doors.files.canary, other) as second:
        try:
            second.connect()
        except Refused as error:
            return Check("client_id_bound_to_certificate", False, str(error))
        # The broker ends the first before it accepts the second, so the first one's next word tells.
        ended = not phone.answered(topics.up(CANARY_ID, Up.HELLO))
    return Check("client_id_bound_to_certificate", ended, "bound" if ended else "another id was taken")


def _must_be_refused(name: str, client: ProbeClient) -> Check:
    with client:
        try:
            client.connect()
        except Refused as error:
            return Check(name, True, str(error))
        return Check(name, False, "accepted")


def _dropped(admin: ProbeClient) -> int | None:
    admin.subscribe(DROPPED_TOPIC)
    # What is retained comes ahead of the answer to the next word; a broker that tells no figures keeps none.
    admin.publish(topics.down(CANARY_ID, Down.ARCHIVED), b"canary")
    value = next((payload for name, payload in admin.received if name == DROPPED_TOPIC), b"")
    return int(value) if value.isdigit() else None
