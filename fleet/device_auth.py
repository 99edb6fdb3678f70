"""Requests of phones over HTTP: who signs with a device's own key is that device (PROTOCOL 3)."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from core import clock
from core.actor import Actor
from core.crypto.jose import BadToken, verify
from core.crypto.jwk import public_from_der, unb64u
from core.db import session
from core.errors import Conflict, TooMany, Unauthenticated
from core.ids import is_uuid
from core.runtime import settings
from core.text import Text
from core.uow import after_rollback
from fleet.models import NAME, Device, UsedJti
from mqtt.buckets import Buckets
from mqtt.contract.limits import DEVICE_JWT_MAX_S, FLOOD_CUT_S
from mqtt.contract.names import DEVICE_AUDIENCE, Typ
from mqtt.events import flooded

LEEWAY_S = 30
MAX_TOKEN = 4096

_paces: dict[int, Buckets] = {}


@dataclass(frozen=True, slots=True)
class _Known:
    id: str
    serial: str
    state: str
    signing_kid: str
    signing_key: bytes


def authenticate(token: str) -> Actor:
    """The phone that made this device JWT; its `jti` is spent by that, in the current unit of work.

    A closed phone is let in too (`device/status` and late records): a service asks `require_state`.
    Raises Unauthenticated; for the clock with a `Date` header. Raises TooMany for a phone that floods.
    """
    device = _claimed(token)
    claims = _verified(token, device)
    _require_calm(device.id)
    _check_times(claims)
    _spend(device.id, claims)
    return Actor("device", device.id, device.serial[:100], roles=frozenset({device.state}))


def require_state(actor: Actor, allowed: Collection[str]) -> None:
    """Raise Conflict unless the phone that acts is in one of the states; its state was read when it signed in."""
    if actor.kind != "device" or not actor.roles & set(allowed):
        state = next(iter(actor.roles), "")
        raise Conflict(
            "device_state",
            Text(f"设备当前状态（{state}）不允许此操作。", f"The phone's state ({state}) does not allow this."),
            state=state,
        )


def forget_jtis() -> None:
    """Forget token ids that could not be used again anyway."""
    session().execute(delete(UsedJti).where(UsedJti.expires_at < clock.now()))


def _claimed(token: str) -> _Known:
    """The phone that the token names, before anything of it is believed."""
    try:
        if len(token) > MAX_TOKEN:
            raise ValueError("too long")
        claims = json.loads(unb64u(token.split(".")[1]))
        device_id = str(claims["sub"])
    except (ValueError, IndexError, KeyError, TypeError, RecursionError) as error:
        raise _refused("form") from error
    if not is_uuid(device_id):
        raise _refused("sub")
    columns = (Device.id, Device.serial, Device.state, Device.signing_kid, Device.signing_key)
    row = session().execute(select(*columns).where(Device.id == device_id)).one_or_none()
    if row is None:
        raise _refused("kid")
    return _Known(*row)


def _verified(token: str, device: _Known) -> dict[str, Any]:
    keys = {device.signing_kid: public_from_der(device.signing_key)}
    try:
        claims = verify(
            token, typ=Typ.DEVICE_JWT, keys=keys, sub=device.id, aud=DEVICE_AUDIENCE, require=("iss", "exp", "jti")
        )
    except BadToken as error:
        raise _refused(error.reason) from error
    if claims["iss"] != device.id:
        raise _refused("iss")
    jti = claims["jti"]
    if not isinstance(jti, str) or not 1 <= len(jti) <= NAME or not jti.isprintable():
        raise _refused("jti")
    return claims


def _check_times(claims: dict[str, Any]) -> None:
    now, iat, exp = clock.unix(), claims["iat"], claims["exp"]
    if not 0 < exp - iat <= DEVICE_JWT_MAX_S:
        raise _refused("exp")
    if iat > now + LEEWAY_S or exp <= now - LEEWAY_S:
        raise Unauthenticated(
            "clock",
            Text(
                "设备时间与服务器不一致，请按 Date 校正后重试。",
                "The phone's clock is off. Set it by the Date header and try once more.",
            ),
            headers={"Date": format_datetime(clock.now(), usegmt=True)},
        )


def _require_calm(device_id: str) -> None:
    """Hold a phone to the pace that it has over MQTT. Each web process counts for itself."""
    rate = settings().device_message_rate
    buckets = _paces.setdefault(rate, Buckets(rate, 1))
    if buckets.allow(device_id, 0, clock.monotonic()):
        return
    flooding = buckets.take_flooding()

    def tell() -> None:
        flooded.send(None, devices=flooding)

    if flooding:
        after_rollback(tell)
    raise TooMany(
        "too_many_requests",
        Text("请求过于频繁，请稍后再试。", "Too many requests. Wait before the next one."),
        headers={"Retry-After": str(FLOOD_CUT_S)},
    )


def _spend(device_id: str, claims: dict[str, Any]) -> None:
    """Note the `jti` as used; a second use finds it there, whichever process it reaches."""
    row = {
        "device_id": device_id,
        "jti": claims["jti"],
        "expires_at": clock.from_unix(claims["exp"] + 2 * LEEWAY_S),
    }
    dialect = postgresql if session().get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(UsedJti).values(row).on_conflict_do_nothing().returning(UsedJti.jti)
    if session().execute(statement).one_or_none() is None:
        raise _refused("replayed")


def _refused(reason: str) -> Unauthenticated:
    return Unauthenticated(
        "device_token_refused", Text("设备令牌无效。", "The device token is not valid."), reason=reason
    )
