"""Receipts: `archived` says how far a phone's records are held, made from the truth at the moment it is signed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from archive import chains
from core import clock, outbox, signing
from core.crypto import jose
from core.crypto.jwk import SigningKey
from core.outbox import Due
from fleet import queries as fleet
from mqtt import effects
from mqtt.contract import topics
from mqtt.contract.archived import Archived, Refused
from mqtt.contract.names import Down, Typ
from mqtt.effects import Publish

EFFECT = "archived"
REFUSED, HELLO = "refused", "hello"


def answer(device_ids: Collection[str], *, refused: bool = False) -> None:
    """Have a receipt sent to each phone once this unit of work has committed; `refused` names the newest refusal."""
    if device_ids:
        outbox.enqueue(EFFECT, sorted(device_ids), {REFUSED: True} if refused else None)


def answer_hellos(device_ids: Collection[str], not_before: datetime | None) -> None:
    """The same as the answer to a hello: it names the phone's newest connection."""
    outbox.enqueue(EFFECT, sorted(device_ids), {HELLO: True}, not_before)


@effects.renders(EFFECT)
def render(rows: Sequence[Due], key: SigningKey) -> list[Publish]:
    """One receipt for each phone, however many were asked for; the newest row carries it."""
    wanted: dict[str, dict[str, Any]] = {}
    carriers: dict[str, Due] = {}
    for row in rows:
        wanted.setdefault(row.key, {}).update(row.detail)
        carriers[row.key] = row
    receipts = _receipts(wanted)
    return [
        Publish(carriers[device_id].id, topics.down(device_id, Down.ARCHIVED), _signed(receipt, key).encode())
        for device_id, receipt in receipts.items()
    ]


@signing.makes(EFFECT)
def make(device_id: str, detail: Mapping[str, Any], key: SigningKey) -> str:
    """The receipt as a phone gets it over HTTP."""
    return _signed(_receipts({device_id: detail})[device_id], key)


def _receipts(wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, Archived]:
    connections = _connections([device_id for device_id, detail in wanted.items() if detail.get(HELLO)])
    iat = clock.unix()
    receipts = {}
    for device_id, (through, head, refusal) in chains.watermarks(wanted).items():
        told = refusal if wanted[device_id].get(REFUSED) else None
        receipts[device_id] = Archived(
            sub=device_id,
            iat=iat,
            through=through,
            head=head.hex(),
            root=None,
            refused=Refused(first=told[0], reason=told[1]) if told else None,
            connection=connections.get(device_id),
        )
    return receipts


def _connections(device_ids: Sequence[str]) -> dict[str, str]:
    if not device_ids:
        return {}
    return {device_id: said.connection for device_id, said in fleet.hellos(device_ids).items()}


def _signed(receipt: Archived, key: SigningKey) -> str:
    return jose.sign(key, Typ.ARCHIVED, receipt.wire())
