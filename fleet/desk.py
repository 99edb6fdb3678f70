"""What the worker signs for phones that ask over HTTP: the current keys, and what a refused phone should do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core import clock, signing
from core.crypto.jose import sign
from core.crypto.jwk import SigningKey, to_jwk
from core.db import session
from core.runtime import runtime
from fleet import guards, states
from fleet.certificates import RENEWAL_GRACE
from fleet.models import Device
from fleet.visibility import no_such_device
from mqtt.contract.jwks import Jwk, Jwks
from mqtt.contract.names import DeviceState, StatusAction, Typ
from mqtt.contract.status import Status

JWKS: Final = "jwks"
STATUS: Final = "status"
RETRY_AFTER_S: Final = 3600


@signing.makes(JWKS)
def make_jwks(device_id: str, detail: Mapping[str, Any], key: SigningKey) -> str:
    """All keys that a phone should know: sig keys, the standby one too, and enc keys, the newest first.

    Signed by a key that the phone trusts: of the kids it names the newest, else the current one.
    """
    ring = runtime().ring
    signers = ring.signing_keys()
    shown = [to_jwk(one.public, "sig") for one in (*signers, ring.standby_key())]
    shown += [to_jwk(one.public, "enc") for one in ring.encryption_keys()]
    body = Jwks(sub=device_id, iat=clock.unix(), keys=[Jwk.take(jwk) for jwk in shown])
    trusted = set(detail.get("trusts") or ())
    return sign(next((one for one in signers if one.kid in trusted), key), Typ.JWKS, body.wire())


@signing.makes(STATUS)
def make_status(device_id: str, _detail: Mapping[str, Any], key: SigningKey) -> str:
    """What the phone is to the server and what it should do now."""
    device = session().get(Device, device_id)
    if device is None:
        raise no_such_device()
    action = _action(device)
    body = Status(
        sub=device_id,
        iat=clock.unix(),
        state=DeviceState(device.state),
        action=action,
        retry_after=RETRY_AFTER_S if action is StatusAction.RETRY else None,
        command=guards.open_wipe(device_id) if device.state != states.WIPED else None,
    )
    return sign(key, Typ.STATUS, body.wire())


def _action(device: Device) -> StatusAction:
    """Closed phones and those too late to renew leave; an ended certificate is renewed; else nothing is wrong."""
    now = clock.now()
    if device.state in states.CLOSED:
        return StatusAction.UNENROLL
    if now <= device.certificate_expires_at:
        return StatusAction.NONE
    if device.state == states.LOST:
        return StatusAction.RETRY
    return (
        StatusAction.REAUTHENTICATE if now <= device.certificate_expires_at + RENEWAL_GRACE else StatusAction.UNENROLL
    )
