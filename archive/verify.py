"""Stored chains verified again, from their leaves and from the sealed texts."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, select, update

from archive import alerts, ledger
from archive.alerts import Cause
from archive.models import MAIN, Chain, IntegrityAlert, Seam, StoredRecord
from core import clock
from core.db import session
from core.errors import NotFound
from core.text import Text
from mqtt.contract import chain as hashes

MAX_PROBLEMS = 100
ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Problem:
    """What does not hold: `missing`, `repeated`, `chain`, `text`, `sealed` or `head`, at a seq."""

    seq: int
    code: str


@dataclass(slots=True)
class Report:
    """What verifying one phone's records found; `erased` texts are gone, their leaves verify."""

    device_id: str
    through: int
    records: int = 0
    contested: int = 0
    opaque: int = 0
    erased: int = 0
    missing: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether everything holds."""
        return not self.problems

    def add(self, seq: int, code: str) -> None:
        """Note a problem; the first hundred are enough."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(seq, code))


def device(device_id: str) -> Report:
    """Verify one phone's stored records. Raises NotFound when it never sent any."""
    head = session().execute(select(Chain.through, Chain.head).where(Chain.device_id == device_id)).one_or_none()
    if head is None:
        raise NotFound("no_chain", Text("该设备没有归档记录。", "This phone has no archived records."))
    report = Report(device_id, head.through)
    seams = _seams(device_id)
    last, following = hashes.origin(device_id), 1
    for row in _rows(device_id):
        _check_text(report, row)
        if row.branch != MAIN:
            continue
        seam = seams.get(row.seq)
        _check_place(report, row.seq, following, seam)
        last = hashes.link(seam.prev if seam else last, row.leaf)
        if last != row.chain:
            report.add(row.seq, "chain")
        following = row.seq + 1
    seam = seams.get(following)
    if following != head.through + 1 or (seam.prev if seam else last) != head.head:
        report.add(following - 1, "head")
    return report


def _rows(device_id: str) -> Iterator[Row[Any]]:
    columns = (
        StoredRecord.branch,
        StoredRecord.seq,
        StoredRecord.leaf,
        StoredRecord.chain,
        StoredRecord.sealed,
        StoredRecord.opaque,
        StoredRecord.contested,
    )
    query = select(*columns).where(StoredRecord.device_id == device_id)
    query = query.order_by(StoredRecord.seq, StoredRecord.branch)
    yield from session().execute(query.execution_options(yield_per=ROWS_AT_ONCE))


def _seams(device_id: str) -> dict[int, Row[Any]]:
    """The seam in force at each seq, the newest where there are several."""
    query = select(Seam.seq, Seam.prev, Seam.missing_from).where(Seam.device_id == device_id, Seam.prev.is_not(None))
    return {row.seq: row for row in session().execute(query.order_by(Seam.opened_at, Seam.id))}


def _check_place(report: Report, seq: int, following: int, seam: Row[Any] | None) -> None:
    if seq < following:
        report.add(seq, "repeated")
    elif seq > following:
        if seam is None or seam.missing_from != following:
            report.add(following, "missing")
        report.missing += seq - following


def _check_text(report: Report, row: Row[Any]) -> None:
    report.records += 1
    report.contested += row.contested is not None
    report.opaque += row.opaque is not None
    if row.sealed is None:
        report.erased += 1
        return
    try:
        raw = ledger.opened(report.device_id, row.branch, row.seq, row.sealed)
    except (ValueError, zlib.error):
        report.add(row.seq, "sealed")
        return
    if hashlib.sha256(raw).digest() != row.leaf:
        report.add(row.seq, "text")


def every_device() -> Iterator[Report]:
    """Verify all phones' records, one after the other."""
    for device_id in session().scalars(select(Chain.device_id).order_by(Chain.device_id)).all():
        yield device(device_id)


def longest_unverified(budget: int) -> list[Report]:
    """Verify the chains that were not looked at for longest, up to about `budget` records; alert of what is broken."""
    query = select(Chain.device_id).order_by(Chain.verified_at.is_not(None), Chain.verified_at, Chain.device_id)
    reports: list[Report] = []
    for device_id in session().scalars(query.limit(ROWS_AT_ONCE)).all():
        reports.append(device(device_id))
        budget -= reports[-1].records
        if budget <= 0:
            break
    seen = [report.device_id for report in reports]
    change = update(Chain).where(Chain.device_id.in_(seen)).values(verified_at=clock.now())
    session().execute(change, execution_options={"synchronize_session": False})
    _alert([report for report in reports if not report.intact])
    return reports


def _alert(broken: list[Report]) -> None:
    query = select(IntegrityAlert.device_id).where(
        IntegrityAlert.device_id.in_([report.device_id for report in broken]),
        IntegrityAlert.code == alerts.BROKEN,
        IntegrityAlert.acknowledged_at.is_(None),
    )
    told = set(session().scalars(query)) if broken else set()
    alerts.raise_all(
        [
            Cause(
                report.device_id,
                alerts.BROKEN,
                None,
                {"seq": report.problems[0].seq, "what": report.problems[0].code, "problems": len(report.problems)},
            )
            for report in broken
            if report.device_id not in told
        ]
    )
