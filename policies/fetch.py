"""Blobs over HTTP: where they are too large for MQTT, or did not arrive by it."""

from __future__ import annotations

from core.actor import Actor
from core.errors import NotFound
from core.text import Text
from fleet import device_auth
from fleet.states import LIVING
from policies import blobs, bundles, desired


def blob_for(actor: Actor, digest: str) -> bytes:
    """The bytes of a blob that the phone's desired state names. Raises NotFound for any other, Conflict when closed."""
    device_auth.require_state(actor, LIVING)
    state = desired.of_devices([actor.id]).get(actor.id)
    named = {state.bundle, *bundles.parts_of(state.bundle)} if state else set()
    body = blobs.bodies([digest]).get(digest) if digest in named else None
    if body is None:
        raise NotFound(
            "no_such_blob",
            Text(
                "期望状态未引用此数据，请按最新的期望状态重试。",
                "The desired state does not name this blob. Take the newest one.",
            ),
        )
    return body
