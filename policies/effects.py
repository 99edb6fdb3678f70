"""What the relay makes of this room's outbox rows: retained desired states and retained blobs."""

from __future__ import annotations

from collections.abc import Sequence

from core import clock
from core.crypto.jose import sign
from core.crypto.jwk import SigningKey
from core.outbox import Due
from fleet import editions
from fleet import queries as fleet
from mqtt import effects
from mqtt.contract import topics
from mqtt.contract.limits import BLOB_MQTT_MAX
from mqtt.contract.names import Down, Typ
from mqtt.effects import Publish
from policies import blobs, desired, rollouts


@effects.renders(desired.DESIRED_EFFECT)
def render_desired(rows: Sequence[Due], key: SigningKey) -> list[Publish]:
    """The newest desired state of each phone, signed; phones that left the fleet get none."""
    ids = sorted({row.key for row in rows})
    states = desired.of_devices(ids)
    living = fleet.living_among(ids)
    bundles = {digest: ref.plain() for digest, ref in blobs.refs({state.bundle for state in states.values()}).items()}
    named, iat = editions.named_to(ids), clock.unix()
    messages = []
    for row in rows:
        state = states.get(row.key)
        if state is None or row.key not in living:
            continue
        claims = {
            "sub": row.key,
            "generation": state.generation,
            "bundle": bundles[state.bundle],
            "notice": named[row.key],
            "iat": iat,
        }
        payload = sign(key, Typ.DESIRED, claims).encode()
        messages.append(Publish(row.id, topics.down(row.key, Down.DESIRED), payload, retain=True))
    return messages


@effects.settles(desired.DESIRED_EFFECT)
def note_sent(reached: Sequence[Due], _missed: Sequence[Due]) -> None:
    """A desired state that found no session waits, retained, for the phone's next connect."""
    rollouts.sent([row.key for row in reached])


@effects.renders(desired.BLOB_EFFECT)
def render_blob(rows: Sequence[Due], _key: SigningKey) -> list[Publish]:
    """Stored blobs as retained messages; one that is too large for that comes by HTTP, one that is gone is cleared."""
    bodies = blobs.retained_bodies({row.key for row in rows})
    return [
        Publish(row.id, topics.blob(row.key), body, retain=True)
        for row in rows
        if len(body := bodies.get(row.key, b"")) <= BLOB_MQTT_MAX
    ]
