"""Rows of phones that are announced before they arrive: their form, and what would become of each."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from core.actor import Actor
from core.bulk import texts
from core.db import session
from core.errors import Invalid
from core.text import Text
from core.verdicts import CREATE, NOTHING_TO_DO, Verdict, changed, refused
from fleet import groups
from fleet.models import Device, ExpectedKey, ExpectedPhone
from fleet.states import LIVING
from identity import queries
from identity.queries import PersonRef, UnitRef

_SERIAL = re.compile(r"[0-9A-Z][0-9A-Z._/+-]{3,63}")
_IMEI = re.compile(r"[0-9]{15}")
_NO_SERIALS = frozenset({"UNKNOWN", "0123456789ABCDEF", "NULL", "NONE"})


@dataclass(frozen=True, slots=True)
class ExpectedRow:
    """A phone as it is announced: a serial, IMEIs or both; whom it is for by employee number or id; a unit and groups
    where they are not those of the person and the token."""

    serial: str | None
    imei: tuple[str, ...]
    person: str
    org_unit: str | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A row with its verdict, and what it refers to when it can be taken."""

    row: ExpectedRow
    verdict: Verdict
    keys: tuple[str, ...] = ()
    person: PersonRef | None = None
    unit: UnitRef | None = None
    known: ExpectedPhone | None = None


def clean_serial(text: str) -> str | None:
    """A serial as it is compared: upper case without blanks around it; None for what is none."""
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    placeholder = plain in _NO_SERIALS or not plain.strip("0")
    return plain if _SERIAL.fullmatch(plain) and not placeholder else None


def clean_imei(text: str) -> str | None:
    """An IMEI as it is compared: 15 digits; None for what is none. Blanks and dashes between digits are left out."""
    plain = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
    return plain if _IMEI.fullmatch(plain) and plain.strip("0") else None


def keys_of(serial: str | None, imei: Sequence[str]) -> tuple[str, ...]:
    """The keys of a phone in the table of keys."""
    return tuple([f"serial:{serial}"] if serial else []) + tuple(f"imei:{one}" for one in dict.fromkeys(imei))


class Judge:
    """Judges rows for one actor; what it looks up, it looks up for many rows at once."""

    def __init__(self, actor: Actor) -> None:
        self._units = queries.units_in_sight(actor)
        self._unit_ids = {unit.id for unit in self._units.values()}
        self._by_id = {unit.id: unit for unit in self._units.values()}

    def judge(self, rows: Sequence[ExpectedRow]) -> list[Judged]:
        """A verdict on each row, in a constant number of queries. Two rows must not speak of the same phone."""
        people = self._people(rows)
        known = _known([key for row in rows for key in keys_of(row.serial, row.imei)])
        phones = {phone.id: phone for phone in known.values()}
        holders = queries.person_refs({phone.person_id for phone in phones.values()})
        here = _here({row.serial for row in rows if row.serial}, {p.device_id for p in phones.values() if p.device_id})
        return [self._one(row, people.get(row.person), known, holders, here) for row in rows]

    def _people(self, rows: Sequence[ExpectedRow]) -> dict[str, PersonRef]:
        named = {row.person for row in rows}
        return queries.people_by_employee_no(named) | queries.person_refs(named)

    def _one(
        self,
        row: ExpectedRow,
        person: PersonRef | None,
        known: Mapping[str, ExpectedPhone],
        holders: Mapping[str, PersonRef],
        here: Mapping[str, Device],
    ) -> Judged:
        keys = keys_of(row.serial, row.imei)
        unit = self._units.get(row.org_unit) if row.org_unit else None
        wrong = self._wrong(row, person, unit)
        if wrong or person is None:
            return Judged(row, wrong or _no_person())
        met = {phone.id: phone for key in keys if (phone := known.get(key))}
        if len(met) > 1:
            return Judged(row, _two_phones())
        phone = next(iter(met.values()), None)
        if phone is None:
            return Judged(row, _of_new(here.get(row.serial or ""), person), keys, person, unit)
        holder = holders.get(phone.person_id)
        if (phone.org_unit_id or (holder.unit_id if holder else "")) not in self._unit_ids:
            return Judged(row, _elsewhere())
        shown = {**self._shown(phone), "person": _name(holder)}
        wanted = {**self._wanted(row, unit), "person": _name(person)}
        verdict = _of_known(phone, here.get(phone.device_id or ""), person, shown, wanted)
        return Judged(row, verdict, keys, person, unit, phone)

    def _wrong(self, row: ExpectedRow, person: PersonRef | None, unit: UnitRef | None) -> Verdict | None:
        if not row.serial and not row.imei:
            return refused(
                None,
                "serial_or_imei_needed",
                Text("请填写序列号或 IMEI（至少一项）。", "Give a serial, an IMEI, or both."),
            )
        if person is None or not person.active or person.unit_id not in self._unit_ids:
            return _no_person()
        if row.org_unit and unit is None:
            return refused(
                "org_unit",
                "unknown_org_unit",
                Text(
                    "没有这个组织，或不在您的管理范围内。请填写完整路径，如 /总部/电销。",
                    "There is no such org unit in your part of the tree. Give its whole path, such as /总部/电销.",
                ),
            )
        for name in row.groups:
            try:
                groups.checked_name(name)
            except Invalid as error:
                return refused("groups", error.code, error.text)
        return None

    def _shown(self, phone: ExpectedPhone) -> dict[str, str]:
        unit = self._by_id.get(phone.org_unit_id or "")
        return _columns(phone.serial, phone.imei, unit.name_path if unit else "", phone.groups)

    def _wanted(self, row: ExpectedRow, unit: UnitRef | None) -> dict[str, str]:
        return _columns(row.serial, row.imei, unit.name_path if unit else "", sorted(row.groups))


def _columns(serial: str | None, imei: Sequence[str], unit: str, names: Sequence[str]) -> dict[str, str]:
    return {"serial": serial or "", "imei": " ".join(sorted(imei)), "org_unit": unit, "groups": " ".join(names)}


def _name(person: PersonRef | None) -> str:
    return (person.employee_no or person.name) if person else ""


def _known(keys: Sequence[str]) -> dict[str, ExpectedPhone]:
    query = select(ExpectedKey.value, ExpectedPhone).join(ExpectedPhone, ExpectedPhone.id == ExpectedKey.phone_id)
    rows = session().execute(query.where(ExpectedKey.value.in_(texts(session(), keys))))
    return {row.value: row.ExpectedPhone for row in rows}


def _here(serials: set[str], device_ids: set[str]) -> dict[str, Device]:
    """Living phones by serial, and by id."""
    query = select(Device).where(Device.state.in_(LIVING))
    by_serial = session().scalars(query.where(Device.serial.in_(texts(session(), serials))))
    found = {device.serial: device for device in by_serial}
    by_id = session().scalars(query.where(Device.id.in_(texts(session(), device_ids))))
    return found | {device.id: device for device in by_id}


def _of_new(device: Device | None, person: PersonRef) -> Verdict:
    if device is None:
        return Verdict(CREATE)
    return NOTHING_TO_DO if device.holder_confirmed and device.person_id == person.id else _enrolled()


def _of_known(
    phone: ExpectedPhone, device: Device | None, person: PersonRef, shown: Mapping[str, str], wanted: Mapping[str, str]
) -> Verdict:
    if phone.device_id is None:
        return changed(shown, wanted)
    if device is None:
        # What it became is out of the fleet: the phone is expected once more.
        return changed({"device": phone.device_id}, {"device": ""})
    same = device.holder_confirmed and device.person_id == person.id
    return NOTHING_TO_DO if same else _enrolled()


def _no_person() -> Verdict:
    return refused(
        "person",
        "unknown_person",
        Text(
            "您的管理范围内没有这个工号的在职人员。请先导入人员，或更正工号。",
            "No active person in your part of the tree has this employee number. Import people first, or correct it.",
        ),
    )


def _two_phones() -> Verdict:
    return refused(
        None,
        "two_phones",
        Text(
            "序列号与 IMEI 属于两台不同的待到设备。请核对后分行填写。",
            "Serial and IMEI belong to two different expected phones. Check them.",
        ),
    )


def _elsewhere() -> Verdict:
    return refused(
        None,
        "announced_elsewhere",
        Text(
            "该序列号或 IMEI 已由其他组织登记。请联系根组织的管理员。",
            "Another part of the organisation has announced this serial or IMEI. Ask an administrator at the root.",
        ),
    )


def _enrolled() -> Verdict:
    return refused(
        None,
        "enrolled_already",
        Text(
            "该设备已注册。请在设备页确认使用人，或先停用该设备。",
            "This phone is enrolled already. Confirm its holder on its page, or retire it first.",
        ),
    )
