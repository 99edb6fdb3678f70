"""Simulate: what a draft would have done with the archived calls and messages of a span, against what is in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Select, select

from archive import ledger, texts
from archive.models import MAIN, StoredRecord
from archive.replay import Phone, is_act
from archive.simulation_views import SampleView, SimulatedRuleView, SimulatedView, SimulationView
from core import audit, clock
from core.actor import Actor
from core.db import session
from core.permissions import Permission
from core.uow import start_writing
from fleet import queries as fleet
from fleet.queries import DeviceRef
from identity import org
from identity import queries as people
from identity.scope import visible_at, visible_units
from mqtt.contract.records import Record
from policies import trying
from policies.engine import decide

MOST = 10_000
"""Records that one simulation looks at, the newest of the span."""
MAX_DAYS = 90
WEEK = 7
SAMPLES = 20
STALE, AHEAD = timedelta(days=366), timedelta(days=2)
NEW, GONE, SAME = "new", "gone", "same"
_Rule = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Seen:
    """One record, and what draft and version in force say of it: rules with their actions."""

    device_id: str
    seq: int
    at: datetime
    draft: frozenset[_Rule]
    present: frozenset[_Rule]


@dataclass(slots=True)
class _Tally:
    """Hits of one rule, phone or unit."""

    hits: int = 0
    before: int = 0
    new: int = 0
    gone: int = 0

    def add(self, drafted: bool, present: bool) -> None:
        """Count one record."""
        self.hits += drafted
        self.before += present
        self.new += drafted and not present
        self.gone += present and not drafted


@dataclass(slots=True)
class _Tallies:
    """All that is counted."""

    rules: dict[_Rule, _Tally] = field(default_factory=dict)
    phones: dict[str, _Tally] = field(default_factory=dict)
    samples: list[SampleView] = field(default_factory=list)
    _sampled: Counter[_Rule] = field(default_factory=Counter)

    def add(self, seen: _Seen) -> None:
        """Count what was seen of one record."""
        for rule in seen.draft | seen.present:
            drafted, present = rule in seen.draft, rule in seen.present
            self.rules.setdefault(rule, _Tally()).add(drafted, present)
            if self._sampled[rule] < SAMPLES:
                self._sampled[rule] += 1
                change = SAME if drafted and present else NEW if drafted else GONE
                self.samples.append(
                    SampleView(rule=rule[0], change=change, device_id=seen.device_id, seq=seen.seq, at=seen.at)
                )
        if seen.draft or seen.present:
            self.phones.setdefault(seen.device_id, _Tally()).add(bool(seen.draft), bool(seen.present))


def simulate(actor: Actor, kind: str, name: str, *, days: int = WEEK, org_unit: str | None = None) -> SimulationView:
    """Replay the draft of a policy or keyword set over the archive of the last days, of phones in the actor's scope.

    Each is judged by itself, without the policies around it; limits count from the beginning of the span. The reading
    is audited. Raises NotFound.
    """
    actor.require(Permission.DOCUMENT_READ)
    actor.require(Permission.ARCHIVE_READ)
    days = max(1, min(days, MAX_DAYS))
    until = clock.now()
    compared = trying.compared(kind, name)
    records = _records(actor, until - timedelta(days=days), until, org_unit)
    tallies = _Tallies()
    for seen in _judged(compared, records):
        tallies.add(seen)
    start_writing()
    detail = {"days": days, "records": len(records), "org_unit": org_unit}
    audit.record(actor, "records.simulate", ("document", f"{kind}/{name}"), detail)
    refs = fleet.refs(list(tallies.phones))
    return SimulationView(
        kind=kind,
        name=name,
        version=compared.version,
        days=days,
        until=until,
        records=len(records),
        complete=len(records) < MOST,
        rules=[
            SimulatedRuleView(rule=rule, action=action, **asdict(tally))
            for (rule, action), tally in sorted(tallies.rules.items(), key=lambda one: (-one[1].hits, one[0]))
        ],
        by_unit=_named(tallies, {one.id: one.org_unit_id for one in refs.values()}, _unit_names(refs)),
        by_person=_named(tallies, {one.id: one.person_id for one in refs.values()}, _person_names(refs)),
        samples=tallies.samples,
    )


def _records(actor: Actor, since: datetime, until: datetime, org_unit: str | None) -> list[tuple[str, Record]]:
    row = StoredRecord
    query = select(row.device_id, row.seq, row.sealed).where(
        row.received_at >= since,
        row.branch == MAIN,
        row.sealed.is_not(None),
        row.channel.is_not(None),
        row.channel != "device",
        # A phone's clock may show anything; what lies far off is of no use to limits and hours.
        row.at.between(since - STALE, until + AHEAD),
        row.device_id.in_(_phones(actor, org_unit)),
    )
    newest = session().execute(query.order_by(row.received_at.desc(), row.seq.desc()).limit(MOST)).all()
    found = []
    for device_id, seq, sealed in sorted(newest, key=lambda one: (one.device_id, one.seq)):
        record, _ = texts.read(seq, ledger.opened(device_id, MAIN, seq, sealed))
        if record is not None and is_act(record):
            found.append((device_id, record))
    return found


def _phones(actor: Actor, org_unit: str | None) -> Select[tuple[str]]:
    devices = fleet.devices().subquery()
    seen = select(devices.c.id).where(devices.c.org_unit_id.in_(visible_units(actor)))
    if org_unit is None:
        return seen
    return seen.where(devices.c.org_unit_id.in_(visible_at(org.resolve(actor, org_unit).path)))


def _judged(compared: trying.Compared, records: Sequence[tuple[str, Record]]) -> Iterator[_Seen]:
    """Each record by both, phone by phone."""
    for device_id, mine in groupby(records, key=itemgetter(0)):
        draft, present = Phone(compared.draft), Phone(compared.in_force) if compared.in_force else None
        for _, record in mine:
            yield _Seen(device_id, record.seq, record.at, _rules(draft, record), _rules(present, record))


def _rules(phone: Phone | None, record: Record) -> frozenset[_Rule]:
    if phone is None:
        return frozenset()
    verdict = decide(phone.bundle, phone.situation(record))
    return frozenset((one.rule, one.action) for one in verdict.because)


def _named(tallies: _Tallies, keys: Mapping[str, str | None], names: Mapping[str, str]) -> list[SimulatedView]:
    """Figures of phones added up by what each belongs to, the most hits first; None: to nothing."""
    summed: dict[str | None, _Tally] = {}
    for device_id, tally in tallies.phones.items():
        total = summed.setdefault(keys.get(device_id), _Tally())
        for name, number in asdict(tally).items():
            setattr(total, name, getattr(total, name) + number)
    found = [SimulatedView(id=key, name=names.get(key or ""), **asdict(tally)) for key, tally in summed.items()]
    return sorted(found, key=lambda one: (-one.hits, one.name or ""))


def _unit_names(refs: Mapping[str, DeviceRef]) -> dict[str, str]:
    units = people.unit_refs({one.org_unit_id for one in refs.values()})
    return {id: unit.name_path for id, unit in units.items()}


def _person_names(refs: Mapping[str, DeviceRef]) -> dict[str, str]:
    holders = people.person_refs({one.person_id for one in refs.values() if one.person_id})
    return {id: person.name for id, person in holders.items()}
