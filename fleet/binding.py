"""Joining a phone that enrolls with the one that was announced: by serial, by IMEI, never against what it says.

Serial and IMEI are the phone's claims. A row is joined once, by the first phone that claims it with a token that allows
it; whoever comes second, or says something that contradicts the row, comes in unconfirmed.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from core import clock, live
from core.db import session
from fleet.expected_rows import clean_imei, clean_serial, keys_of
from fleet.models import Device, EnrollmentToken, ExpectedKey, ExpectedPhone
from fleet.states import LIVING
from identity import queries
from mqtt.contract.enrollment import DeviceFacts

UNEXPECTED, CONTRADICTS, TAKEN, HOLDER_LEFT, ELSEWHERE = (
    "unexpected",
    "contradicts",
    "taken",
    "holder_left",
    "elsewhere",
)


@dataclass(frozen=True, slots=True)
class Binding:
    """The announced phone and its person, or why there is none (`why`)."""

    phone: ExpectedPhone | None
    person: queries.PersonRef | None
    why: str | None


def find(token: EnrollmentToken, facts: DeviceFacts) -> Binding:
    """Which announced phone this is, locked until the unit of work ends.

    `unexpected`: none was announced; `contradicts`: it claims part of an announced phone and denies another part, or is
    two at once; `taken`: it has come already, or a phone of this serial is in the fleet; `holder_left`: the person is
    not active; `elsewhere`: the token is for another part of the tree.
    """
    serial, imei = clean_serial(facts.serial), {one for text in facts.imei if (one := clean_imei(text))}
    met = _met(keys_of(serial, sorted(imei)))
    if not met:
        return Binding(None, None, UNEXPECTED)
    phone = met[0]
    if len(met) > 1 or _denied(phone, serial, imei):
        return Binding(None, None, CONTRADICTS)
    if phone.device_id is not None or _is_here(facts.serial):
        return Binding(None, None, TAKEN)
    person = queries.person_refs([phone.person_id]).get(phone.person_id)
    if person is None or not person.active:
        return Binding(None, None, HOLDER_LEFT)
    if not _within(token.org_unit_id, person.unit_id, phone.org_unit_id):
        return Binding(None, None, ELSEWHERE)
    return Binding(phone, person, None)


def join(phone: ExpectedPhone, device_id: str) -> None:
    """Note that the announced phone has come as this device."""
    phone.device_id, phone.arrived_at = device_id, clock.now()
    live.announce("expected", [phone.id])


def settle(device: Device) -> None:
    """An administrator vouched for a phone: the row that announced its serial is over, whichever way the phone came."""
    met = _met(keys_of(clean_serial(device.serial), ()))
    if len(met) == 1 and met[0].device_id is None:
        join(met[0], device.id)


def _is_here(serial: str) -> bool:
    query = select(Device.id).where(Device.serial == serial, Device.state.in_(LIVING)).limit(1)
    return session().scalar(query) is not None


def _met(keys: tuple[str, ...]) -> list[ExpectedPhone]:
    found = select(ExpectedKey.phone_id).where(ExpectedKey.value.in_(keys))
    query = select(ExpectedPhone).where(ExpectedPhone.id.in_(found)).order_by(ExpectedPhone.id).with_for_update()
    return list(session().scalars(query.execution_options(populate_existing=True)))


def _denied(phone: ExpectedPhone, serial: str | None, imei: set[str]) -> bool:
    other_serial = bool(phone.serial and phone.serial != serial)
    # A phone may tell one of its IMEIs, or none.
    other_imei = bool(phone.imei and imei and not imei & set(phone.imei))
    return other_serial or other_imei


def _within(token_unit: str | None, *units: str | None) -> bool:
    """Whether all units are at or below the token's: who may bring phones into one part names nobody of another."""
    if token_unit is None:
        return True
    named = {unit for unit in units if unit}
    refs = queries.unit_refs({token_unit, *named})
    above = refs.get(token_unit)
    return above is not None and all(unit in refs and refs[unit].path.startswith(above.path) for unit in named)
