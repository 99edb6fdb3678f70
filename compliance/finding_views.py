"""Findings as people see them: what is the matter, what to do, and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from compliance import registry
from compliance.registry import Severity
from compliance.views import FindingView, PhoneRef
from core.actor import Actor
from core.errors import Invalid
from core.paging import DEFAULT_LIMIT, Page
from core.permissions import Permission
from core.text import Text
from fleet import findings, findings_read
from fleet import queries as fleet
from fleet.findings import OpenFinding
from fleet.findings_read import FindingFilters
from identity import queries as org


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed by; None does not narrow. Raises Invalid, when asked, for what there is not.

    `hints`: False leaves out what does not count anyway.
    """

    code: str | None = None
    severity: str | None = None
    org_unit: str | None = None
    excepted: bool | None = None
    hints: bool = True

    def narrowed(self) -> FindingFilters:
        """For the store of findings: a severity is the codes that have it."""
        codes: set[str] | None = None
        if self.severity is not None:
            codes = set(registry.codes_of(known_severity(self.severity)))
        if self.code is not None:
            known_code(self.code)
            codes = {self.code} if codes is None else codes & {self.code}
        return FindingFilters(codes, () if self.hints else registry.hints(), self.org_unit, self.excepted)


def find(
    actor: Actor, filters: Filters | None = None, cursor: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[FindingView]:
    """A page of open findings of the phones in scope, the worst first. Raises Invalid for an unknown filter."""
    actor.require(Permission.COMPLIANCE_READ)
    worst = [registry.codes_of(severity) for severity in (Severity.CRITICAL, Severity.WARNING)]
    page = findings_read.page(actor, (filters or Filters()).narrowed(), worst, cursor, limit)
    return Page(_views(page.items), page.next_cursor)


def count(actor: Actor, filters: Filters) -> tuple[int, int]:
    """How many `find` lists in all, and how many hints it leaves out. Raises Invalid for an unknown filter."""
    actor.require(Permission.COMPLIANCE_READ)
    counted = findings_read.counts(actor, replace(filters, hints=True).narrowed())
    left_out = set() if filters.hints else set(registry.hints())
    hidden = sum(phones for (code, _), phones in counted.items() if code in left_out)
    return sum(counted.values()) - hidden, hidden


def of_device(actor: Actor, device_id: str) -> list[FindingView]:
    """The open findings of one phone, those that count first, the worst first. Raises NotFound."""
    actor.require(Permission.COMPLIANCE_READ)
    phone = fleet.ref(actor, device_id)
    views = _views(findings.open_of([phone.id]).get(phone.id, []))
    order = list(registry.Severity)
    return sorted(views, key=lambda one: (not one.counts, -order.index(registry.Severity(one.severity)), one.since))


def known_code(code: str) -> str:
    """The code itself. Raises Invalid when no check has it."""
    if not registry.is_known(code):
        codes = ", ".join(check.code for check in registry.all_checks())
        raise Invalid(
            "unknown_finding",
            Text(f"没有“{code[:64]}”这种发现。可用：{codes}", f"There is no finding “{code[:64]}”. There are: {codes}"),
        )
    return code


def known_severity(severity: str) -> str:
    """The severity itself. Raises Invalid when there is none such."""
    if severity not in list(registry.Severity):
        names = ", ".join(registry.Severity)
        raise Invalid("bad_severity", Text(f"severity 应为 {names} 之一。", f"severity is one of {names}."))
    return severity


def _views(rows: Sequence[OpenFinding]) -> list[FindingView]:
    phones = fleet.refs({row.device_id for row in rows})
    people = org.person_refs({phone.person_id for phone in phones.values() if phone.person_id})
    units = org.unit_refs({phone.org_unit_id for phone in phones.values()})
    refs = {
        phone.id: PhoneRef(
            id=phone.id,
            serial=phone.serial,
            model=phone.model,
            holder=people[phone.person_id].name if phone.person_id in people else None,
            org_unit=units[phone.org_unit_id].name_path if phone.org_unit_id in units else "",
        )
        for phone in phones.values()
    }
    return [_view(row, refs[row.device_id]) for row in rows]


def _view(row: OpenFinding, device: PhoneRef) -> FindingView:
    check = registry.check_of(row.code)
    return FindingView(
        device=device,
        code=row.code,
        title=check.title,
        reason=check.say(row.detail),
        advice=check.advice,
        severity=str(check.severity),
        basis=str(_basis(check, row)),
        judged_on=row.source or check.source,
        judged_at=row.judged_at,
        since=row.since,
        last_seen_at=row.seen_at,
        excepted_until=row.excepted_until,
        counts=check.counts and row.excepted_until is None,
        ends=str(check.ends),
        word=check.ladder,
        detail=row.detail,
    )


def _basis(check: registry.Check, row: OpenFinding) -> registry.Basis:
    """An event is signed by the phone, whatever else the check usually rests on."""
    return registry.Basis.SIGNED if row.source == "event" else check.basis
