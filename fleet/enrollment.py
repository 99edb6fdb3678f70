"""Enrollment: a phone with a token becomes a device (PROTOCOL 3).

The order of checks is that of what a stranger may learn: without a good token nothing else is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import select

from core import audit, clock, live
from core.actor import ROOT_PATH, Actor, system_actor
from core.crypto.jwk import PublicKey, from_jwk, public_from_der, public_to_der, thumbprint, to_jwk
from core.crypto.x509 import parse_csr
from core.db import session
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.runtime import runtime
from core.text import Text
from fleet import attestation, binding, certificates, enrollment_tokens, groups, holders, notices, presence, timeline
from fleet.events import Enrolled, devices_enrolled
from fleet.models import Device, EnrollmentToken, ExpectedPhone
from fleet.states import ACTIVE, LIVING
from identity import org, queries
from mqtt.contract.attestation import challenge
from mqtt.contract.enrollment import Broker, EnrollmentAnswer, EnrollmentRequest
from mqtt.contract.jwks import Jwk, JwkSet
from mqtt.contract.limits import ENROLL_REPEAT_S


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who holds the phone, whether that is sure, and the announced phone that says so or why there is none."""

    person: queries.PersonRef | None
    confirmed: bool
    expected: ExpectedPhone | None = None
    unbound: str | None = None

    def confirmed_by(self, token: EnrollmentToken) -> str | None:
        if not self.confirmed:
            return None
        return f"expected:{self.expected.id}" if self.expected else f"token:{token.id}"


def enroll(request: EnrollmentRequest) -> EnrollmentAnswer:
    """Take a phone in, or repeat the answer to the same token and key within 10 minutes.

    Raises Unauthenticated for the token, Invalid for CSR, key or attestation, NotFound for the employee number,
    Conflict for the serial, PreconditionRequired for the notice.
    """
    token = enrollment_tokens.by_code(request.token)
    key, key_error = _key_of(request.csr)
    earlier = _earlier(token, key) if key else None
    if earlier is not None:
        return _answer(earlier)
    if not enrollment_tokens.usable(token):
        raise enrollment_tokens.refused()
    if key is None:
        raise key_error or _bad_encryption_key()
    encryption_key = _encryption_key(request.encryption_key, key)
    judged = attestation.judge(request.attestation, key, challenge(request.token), clock.now())
    attestation.admit(judged)
    holder = _holder(token, request)
    older = _same_serial(request.device.serial)
    if older and not token.allow_reenroll:
        raise _serial_enrolled()
    notice = notices.enrollable(request.notice)
    enrollment_tokens.use(token)
    device = _create(request, token, key, encryption_key, holder)
    judged.put(device, challenge(request.token))
    _settle(request, token, device, holder, notice)
    return _answer(device)


def _key_of(csr: str) -> tuple[PublicKey | None, Invalid | None]:
    try:
        return parse_csr(csr), None
    except Invalid as error:
        return None, error


def _earlier(token: EnrollmentToken, key: PublicKey) -> Device | None:
    """The phone that the same token and key made a moment ago: its answer may have been lost on the way."""
    query = select(Device).where(
        Device.token_id == token.id,
        Device.signing_kid == thumbprint(key),
        Device.state.in_(LIVING),
        Device.enrolled_at > clock.now() - timedelta(seconds=ENROLL_REPEAT_S),
    )
    return session().scalars(query.order_by(Device.enrolled_at.desc()).limit(1)).one_or_none()


def _encryption_key(jwk: Jwk, signing: PublicKey) -> PublicKey:
    try:
        key = from_jwk(jwk.wire())
    except ValueError as error:
        raise _bad_encryption_key() from error
    if jwk.use == "sig" or thumbprint(key) == thumbprint(signing):
        raise _bad_encryption_key()
    return key


def _bad_encryption_key() -> Invalid:
    return Invalid(
        "bad_encryption_key",
        Text(
            "encryption_key 应为另一把 EC P-256 公钥（JWK，use 为 enc）。",
            "encryption_key is a public EC P-256 JWK of its own with use “enc”.",
        ),
    )


def _holder(token: EnrollmentToken, request: EnrollmentRequest) -> _Holder:
    """Who holds the phone: the token's person or, where it says so, the announced phone's for sure; else whom the phone
    claims."""
    if token.person_id is not None:
        person = queries.person_refs([token.person_id]).get(token.person_id)
        if person is None or not person.active:
            raise enrollment_tokens.refused()
        return _Holder(person, True)
    if not token.bind_expected:
        return _claimed(request.employee_no)
    bound = binding.find(token, request.device)
    if bound.phone is not None:
        return _Holder(bound.person, True, bound.phone)
    return replace(_claimed(request.employee_no), unbound=bound.why)


def _claimed(employee_no: str | None) -> _Holder:
    if employee_no is None:
        return _Holder(None, False)
    claimed = queries.person_by_employee_no(employee_no)
    if claimed is None:
        raise NotFound(
            "unknown_employee",
            Text(
                "没有这个工号的在职员工，请核对后重试。",
                "There is no active employee with this number. Check it and try again.",
            ),
        )
    return _Holder(claimed, False)


def _same_serial(serial: str) -> list[Device]:
    query = select(Device).where(Device.serial == serial, Device.state.in_(LIVING)).order_by(Device.id)
    return list(session().scalars(query))


def _serial_enrolled() -> Conflict:
    return Conflict(
        "serial_enrolled",
        Text(
            "该序列号的设备已注册。请先停用旧设备，或使用允许重新注册的注册令牌。",
            "A device of this serial is enrolled already. Retire it first, or use a token that allows enrolling again.",
        ),
    )


def _create(
    request: EnrollmentRequest,
    token: EnrollmentToken,
    key: PublicKey,
    encryption_key: PublicKey,
    holder: _Holder,
) -> Device:
    facts, now = request.device, clock.now()
    device = Device(
        id=new_id(),
        state=ACTIVE,
        state_since=now,
        state_reason="",
        serial=facts.serial,
        imei=list(facts.imei),
        manufacturer=facts.manufacturer,
        model=facts.model,
        os=facts.os,
        os_version=facts.os_version,
        agent=facts.agent,
        agent_version=facts.agent_version,
        specific_id=facts.enrollment_specific_id,
        attestation=request.attestation,
        search=" ".join((facts.serial, *facts.imei, facts.manufacturer, facts.model)).casefold(),
        signing_key=public_to_der(key),
        signing_kid=thumbprint(key),
        encryption_key=public_to_der(encryption_key),
        encryption_kid=thumbprint(encryption_key),
        org_unit_id=_unit(token, holder),
        unit_from_token=_unit_is_fixed(token, holder),
        person_id=holder.person.id if holder.person else None,
        holder_confirmed=holder.confirmed,
        claimed_employee_no=request.employee_no,
        serial_confirmed_at=now if holder.confirmed else None,
        token_id=token.id,
        enrolled_at=now,
        certificate_expires_at=now,
    )
    session().add(device)
    session().flush()
    certificates.issue(device, key)
    presence.start(device.id)
    return device


def _unit(token: EnrollmentToken, holder: _Holder) -> str:
    """Where the phone belongs: the announced unit, else the token's, else its confirmed holder's, else the root until
    somebody confirms. An announced phone's holder says more than the token's unit, which has the holder's below it."""
    if holder.expected is not None and holder.person:
        return holder.expected.org_unit_id or holder.person.unit_id
    if token.org_unit_id is not None:
        return token.org_unit_id
    if holder.person and holder.confirmed:
        return holder.person.unit_id
    return org.resolve(system_actor("enrollment"), ROOT_PATH).id


def _unit_is_fixed(token: EnrollmentToken, holder: _Holder) -> bool:
    """Whether the phone stays in its unit when its holder moves to another."""
    named = holder.expected.org_unit_id if holder.expected else token.org_unit_id
    return named is not None


def _settle(
    request: EnrollmentRequest, token: EnrollmentToken, device: Device, holder: _Holder, notice: notices.NoticeView
) -> None:
    """All that follows from a new phone: holding, notice, groups, the older self, history and news."""
    actor = Actor("device", device.id, device.serial[:100])
    if holder.person:
        holders.begin(device, holder.person.id, confirmed_by=holder.confirmed_by(token))
    if request.notice:
        key = public_from_der(device.signing_key)
        said = notices.checked_acceptance(request.notice, notice, device.signing_kid, key)
        notices.note_acceptance(device, said, notice)
    joined = sorted({*token.groups, *(holder.expected.groups if holder.expected else ())})
    groups.join_by_token(device.id, joined)
    if holder.expected is not None:
        binding.join(holder.expected, device.id)
    session().flush()
    detail = {
        "serial": device.serial,
        "token": token.id,
        "person": device.person_id,
        "confirmed": holder.confirmed,
        "attestation": device.attestation_level,
    }
    if token.bind_expected:
        detail |= {"expected": holder.expected.id if holder.expected else None, "unbound": holder.unbound}
    audit.record(actor, "device.enroll", ("device", device.id), detail)
    timeline.add([timeline.Line(device.id, "enrollment", "device.enrolled", actor, token.id, detail)])
    live.announce("devices", [device.id])
    enrolled = Enrolled(device.id, device.org_unit_id, device.person_id, holder.confirmed, tuple(joined))
    devices_enrolled.send(None, devices=[enrolled])
    if holder.confirmed:
        holders.retire_older(actor, device, same_holder=True)


def _answer(device: Device) -> EnrollmentAnswer:
    here = runtime()
    certificate = certificates.newest(device.id)
    keys = [Jwk(**to_jwk(key, "sig")) for key in here.ring.public_signing()]  # type: ignore[arg-type]
    keys += [Jwk(**to_jwk(key.public, "enc")) for key in here.ring.encryption_keys()]  # type: ignore[arg-type]
    return EnrollmentAnswer(
        device_id=device.id,
        certificate=certificate.pem,
        ca=[here.ca.pem],
        certificate_expires_at=certificate.expires_at,
        broker=Broker(host=here.settings.broker_host_for_phones, port=here.settings.broker_port_for_phones),
        api=f"{here.settings.base_url}/api/v1",
        jwks=JwkSet(keys=keys),
        holder="confirmed" if device.holder_confirmed else "unconfirmed",
    )
