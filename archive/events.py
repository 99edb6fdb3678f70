"""Intake of `up/event`: opened, verified, stored sealed, joined to its record by id (PROTOCOL 10)."""

from __future__ import annotations

from collections.abc import Sequence

from archive import event_store
from archive.event_store import Sighting
from archive.intake import CLOSED_DEVICE, UNKNOWN_DEVICE
from core.crypto import jose
from core.crypto.jose import BadToken
from core.crypto.jwk import SigningKey
from core.runtime import runtime
from fleet import queries as fleet
from fleet.queries import DeviceKeys
from fleet.states import LIVING
from mqtt import signed
from mqtt.contract.codec import BadPayload
from mqtt.contract.event import Event
from mqtt.contract.limits import PAYLOAD_MAX
from mqtt.contract.names import Typ
from mqtt.routes import Inbound, Refusal


def take(messages: Sequence[Inbound]) -> list[Refusal]:
    """Store events of living phones; returns the messages refused."""
    known = fleet.keys({message.device_id for message in messages})
    opening = runtime().ring.encryption_keys()
    sightings: list[Sighting] = []
    refusals: list[Refusal] = []
    for message in messages:
        keys = known.get(message.device_id)
        if keys is None or keys.state not in LIVING:
            refusals.append(Refusal(message, CLOSED_DEVICE if keys else UNKNOWN_DEVICE))
            continue
        try:
            sightings.append(Sighting(message.device_id, _read(opening, keys, message.payload), message.received_at))
        except BadToken as error:
            refusals.append(Refusal(message, error.reason))
        except BadPayload as error:
            refusals.append(Refusal(message, error.reason, error.detail))
    event_store.note(sightings)
    return refusals


def _read(opening: Sequence[SigningKey], keys: DeviceKeys, payload: bytes) -> Event:
    token = jose.decrypt(opening, payload, PAYLOAD_MAX)
    return signed.read(Event, token, typ=Typ.EVENT, keys={keys.signing_kid: keys.signing}, sub=keys.device_id)
