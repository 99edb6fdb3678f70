"""Effects on the broker itself: the revocation list, cut sessions, cleared retained messages."""

from __future__ import annotations

from collections.abc import Sequence

from core.crypto.jwk import SigningKey
from core.log import get_logger
from core.outbox import Due
from mqtt import effects
from mqtt.broker.types import BrokerAdmin
from mqtt.contract import topics
from mqtt.contract.names import RETAINED_DOWN, Up
from mqtt.effects import Publish

CRL, REVOKE, KICK, CLEAR_RETAINED = "crl", "revoke", "kick", "clear_retained"

log = get_logger(__name__)
_admins: list[BrokerAdmin] = []


def bind(admin: BrokerAdmin) -> None:
    """Set the hand on the broker; only the worker has one."""
    _admins[:] = [admin]


@effects.performs(CRL)
def put_list_in_force(_rows: Sequence[Due]) -> None:
    """Have the broker obey the newest revocation list."""
    _admins[0].revoke([])


@effects.performs(REVOKE)
def revoke(rows: Sequence[Due]) -> None:
    """Put the newest list in force, then cut the phones: cut before it they would come back."""
    _admins[0].revoke([row.key for row in rows])


@effects.performs(KICK)
def cut_sessions(rows: Sequence[Due]) -> None:
    """Cut the phones' sessions; a phone that is still allowed comes back."""
    _admins[0].kick([row.key for row in rows])


@effects.renders(CLEAR_RETAINED)
def clear_retained(rows: Sequence[Due], _key: SigningKey) -> list[Publish]:
    """Clear what the broker keeps for phones that are out of the fleet, and what they left there on their own topics.

    Ingest passes over what is retained, so nobody takes this for the phone's word.
    """
    return [
        Publish(row.id, topic, b"", retain=True)
        for row in rows
        for topic in (
            *(topics.down(row.key, kind) for kind in sorted(RETAINED_DOWN)),
            *(topics.up(row.key, kind) for kind in Up),
        )
    ]
