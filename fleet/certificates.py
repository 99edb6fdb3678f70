"""Client certificates of phones: issue, renew, revoke, and the list of the revoked ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from core import audit, clock, outbox
from core.actor import Actor
from core.crypto.jwk import PublicKey, public_from_der, thumbprint
from core.crypto.x509 import Issued, parse_csr
from core.db import session, upsert
from core.errors import Conflict, Forbidden, TooMany
from core.runtime import runtime
from core.text import Text
from fleet import timeline
from fleet.models import Certificate, Device, OrphanRevocation
from mqtt.contract.enrollment import CertificateAnswer
from mqtt.contract.limits import RENEWAL_GRACE_DAYS

CRL_EFFECT, CRL_KEY = "crl", "crl"
REVOKE_EFFECT = "revoke"
RENEWALS_A_DAY = 20
SHOWN = 50
RENEWAL_GRACE = timedelta(days=RENEWAL_GRACE_DAYS)


def issue(device: Device, key: PublicKey) -> Issued:
    """Sign a certificate for the phone's key; older ones become superseded but stay good until they end."""
    certificate = runtime().ca.issue_device(key, device.id, runtime().settings.device_certificate_days)
    now = clock.now()
    older = update(Certificate).where(Certificate.device_id == device.id, Certificate.superseded_at.is_(None))
    session().execute(older.values(superseded_at=now), execution_options={"synchronize_session": False})
    session().add(
        Certificate(
            serial=certificate.serial,
            device_id=device.id,
            pem=certificate.pem,
            issued_at=now,
            expires_at=certificate.not_after,
        )
    )
    device.certificate_expires_at = certificate.not_after
    return certificate


def renew(actor: Actor, csr: str) -> CertificateAnswer:
    """Sign a new certificate for the same key.

    Raises Invalid for the request, Conflict for another key, a phone that is not active or one too late, TooMany.
    """
    device = _own_device(actor)
    key = parse_csr(csr)
    if thumbprint(key) != device.signing_kid:
        raise Conflict(
            "key_changed",
            Text("续期必须使用原有密钥；更换密钥请重新注册。", "A renewal keeps the key. Enroll anew with a new key."),
        )
    _require_renewable(device)
    certificate = issue(device, public_from_der(device.signing_key))
    audit.record(actor, "certificate.renew", ("device", device.id), {"serial": certificate.serial})
    timeline.add([timeline.Line(device.id, "certificate", "certificate.renewed", actor, certificate.serial)])
    return CertificateAnswer(
        certificate=certificate.pem, ca=[runtime().ca.pem], certificate_expires_at=certificate.not_after
    )


@dataclass(frozen=True, slots=True)
class Serial:
    """A certificate's serial (hex) and when it would have ended."""

    serial: str
    expires_at: datetime


def revoke_all(device_ids: Sequence[str]) -> dict[str, list[Serial]]:
    """Revoke every unexpired certificate of phones; returns them by phone. The list and the cut follow at once."""
    now = clock.now()
    living = select(Certificate.device_id, Certificate.serial, Certificate.expires_at).where(
        Certificate.device_id.in_(device_ids), Certificate.expires_at > now, Certificate.revoked_at.is_(None)
    )
    found: dict[str, list[Serial]] = {device_id: [] for device_id in device_ids}
    for row in session().execute(living.order_by(Certificate.serial)):
        found[row.device_id].append(Serial(row.serial, row.expires_at))
    serials = [one.serial for several in found.values() for one in several]
    change = update(Certificate).where(Certificate.serial.in_(serials)).values(revoked_at=now)
    session().execute(change, execution_options={"synchronize_session": False})
    outbox.enqueue(REVOKE_EFFECT, sorted(device_ids))
    return found


def revoke_orphans(serials: Sequence[Serial]) -> None:
    """Revoke serials that this database never issued, or no longer knows of."""
    now = clock.now()
    rows = [{"serial": one.serial, "revoked_at": now, "expires_at": one.expires_at} for one in serials]
    upsert(session(), OrphanRevocation.__table__, rows, ["serial"], update=[])
    outbox.enqueue(CRL_EFFECT, [CRL_KEY])


def revoked() -> list[tuple[str, datetime]]:
    """Serials (hex) that the list names, with the time of their revocation: revoked and not yet expired."""
    now = clock.now()
    known = select(Certificate.serial, Certificate.revoked_at).where(
        Certificate.revoked_at.is_not(None), Certificate.expires_at > now
    )
    orphans = select(OrphanRevocation.serial, OrphanRevocation.revoked_at).where(OrphanRevocation.expires_at > now)
    found = {row.serial: row.revoked_at for query in (orphans, known) for row in session().execute(query)}
    return sorted(found.items())


def newest_revocations() -> tuple[datetime | None, datetime | None]:
    """When the newest revocations of either kind were, at the cost of two looks into an index."""
    known = session().scalar(select(func.max(Certificate.revoked_at)))
    return known, session().scalar(select(func.max(OrphanRevocation.revoked_at)))


def expiring(before: datetime) -> int:
    """How many phones in the fleet have a certificate that ends before that time."""
    query = select(func.count(Device.id)).where(
        Device.state.in_(("active", "lost")), Device.certificate_expires_at < before
    )
    return session().scalar(query) or 0


def newest(device_id: str) -> Certificate:
    """The certificate that a phone got last."""
    query = select(Certificate).where(Certificate.device_id == device_id)
    return session().scalars(query.order_by(Certificate.issued_at.desc(), Certificate.serial).limit(1)).one()


def of_device(device_id: str) -> list[dict[str, str | None]]:
    """The newest certificates of a phone as they are shown, at most `SHOWN`, newest first."""
    query = select(Certificate).where(Certificate.device_id == device_id)
    query = query.order_by(Certificate.issued_at.desc()).limit(SHOWN)
    return [
        {
            "serial": row.serial,
            "issued_at": clock.to_wire(row.issued_at),
            "expires_at": clock.to_wire(row.expires_at),
            "superseded_at": clock.to_wire(row.superseded_at) if row.superseded_at else None,
            "revoked_at": clock.to_wire(row.revoked_at) if row.revoked_at else None,
        }
        for row in session().scalars(query)
    ]


def _own_device(actor: Actor) -> Device:
    if actor.kind != "device":
        raise Forbidden("device_only", Text("只有设备可以续期证书。", "Only a phone renews its certificate."))
    return session().execute(select(Device).where(Device.id == actor.id).with_for_update()).scalar_one()


def _require_renewable(device: Device) -> None:
    now = clock.now()
    if device.state != "active":
        raise Conflict(
            "device_not_active",
            Text(
                "设备不在使用状态，不能续期，请联系管理员。",
                "The phone is not active, so nothing is renewed. Ask an administrator.",
            ),
            state=device.state,
        )
    if now > device.certificate_expires_at + RENEWAL_GRACE:
        raise Conflict(
            "renewal_too_late",
            Text(
                "证书过期已超过 30 天，请重新注册设备。",
                "The certificate ended more than 30 days ago. Enroll the phone anew.",
            ),
        )
    recent = (
        select(func.count())
        .select_from(Certificate)
        .where(Certificate.device_id == device.id, Certificate.issued_at > now - timedelta(days=1))
    )
    if (session().scalar(recent) or 0) > RENEWALS_A_DAY:
        raise TooMany(
            "too_many_renewals", Text("今日续期次数过多，请明天再试。", "Too many renewals today. Try again tomorrow.")
        )
