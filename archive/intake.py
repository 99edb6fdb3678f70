"""Intake of record batches: checked, deduplicated under the chain's lock, appended whole or not at all, answered.

The number of queries does not depend on the number of messages, phones or records, up to 64 MiB of batches.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from archive import alerts, archived, batches, chains, refused, state, waiting
from archive.alerts import Cause
from archive.batches import ReadBatch, Unreadable
from archive.ledger import Ledger
from archive.refused import Rejected
from archive.state import ChainState, SeamState
from archive.waiting import Waiting
from core import clock
from core.runtime import runtime
from fleet import queries as fleet
from fleet.queries import DeviceKeys
from fleet.states import LIVING
from mqtt import effort
from mqtt.events import flooded
from mqtt.routes import Inbound, Refusal

UNKNOWN_DEVICE, CLOSED_DEVICE = "unknown_device", "device_closed"
UNPACKED_AT_ONCE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Arrival:
    """A batch that was read, with its phone's keys and the message that brought it."""

    message: Inbound
    batch: ReadBatch
    keys: DeviceKeys
    late: bool

    @property
    def device_id(self) -> str:
        """The phone."""
        return self.message.device_id


@dataclass(slots=True)
class _Work:
    """What one unit of work found out, before anything is written."""

    now: datetime
    states: dict[str, ChainState] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    rejected: list[Rejected] = field(default_factory=list)
    done: list[Waiting] = field(default_factory=list)
    gaps: list[tuple[str, SeamState]] = field(default_factory=list)


def take(messages: Sequence[Inbound]) -> list[Refusal]:
    """Store batches of living phones and have each answered; returns the messages refused."""
    refusals: list[Refusal] = []
    for arrivals in _read(messages, refusals, closed_too=False):
        work, refused_here = _process({arrival.device_id for arrival in arrivals}, arrivals)
        _answer(work, work.states)
        refusals += refused_here
    return refusals


def take_over_http(message: Inbound) -> list[Refusal]:
    """Store the batch of one phone, closed or not; the caller answers it."""
    refusals: list[Refusal] = []
    for arrivals in _read([message], refusals, closed_too=True):
        refusals += _process({message.device_id}, arrivals)[1]
    return refusals


def resume(device_ids: Collection[str]) -> None:
    """Append what waited for these phones and fits now (a gap was told, a contested batch accepted)."""
    work, _ = _process(device_ids, [])
    _answer(work, {device_id for device_id, chain in work.states.items() if chain.changed})


def _read(messages: Sequence[Inbound], refusals: list[Refusal], *, closed_too: bool) -> Iterator[list[Arrival]]:
    """Open the batches, as many at a time as memory is allowed for: a small message may unpack to 8 MiB."""
    known = fleet.keys({message.device_id for message in messages})
    opening = runtime().ring.encryption_keys()
    arrivals: list[Arrival] = []
    flooding: set[str] = set()
    size = 0
    for message in messages:
        keys = known.get(message.device_id)
        if keys is None or (keys.state not in LIVING and not closed_too):
            refusals.append(Refusal(message, CLOSED_DEVICE if keys else UNKNOWN_DEVICE))
            continue
        if effort.is_spent(message.device_id):
            # Dropped without a receipt, so the phone still has it.
            flooding.add(message.device_id)
            continue
        try:
            with effort.of(message.device_id):
                batch = batches.open_batch(opening, message.payload)
        except Unreadable as error:
            refusals.append(Refusal(message, error.reason, error.detail))
            continue
        arrivals.append(Arrival(message, batch, keys, keys.state not in LIVING))
        size += len(batch.plain)
        if size > UNPACKED_AT_ONCE:
            yield arrivals
            arrivals, size = [], 0
    if flooding:
        flooded.send(None, devices=sorted(flooding))
    if arrivals:
        yield arrivals


def _process(device_ids: Collection[str], arrivals: Sequence[Arrival]) -> tuple[_Work, list[Refusal]]:
    work = _Work(clock.now())
    if not device_ids:
        return work, []
    # Signatures are checked before the lock: it is the slow part.
    defects = [arrival.batch.defect(arrival.keys) for arrival in arrivals]
    states = work.states = chains.lock(device_ids)
    waits = waiting.load(device_ids)
    chains.load_held(states, _ranges(arrivals, waits.values()))
    for arrival, defect in zip(arrivals, defects, strict=True):
        _place(work, states[arrival.device_id], waits[arrival.device_id], arrival, defect)
    for device_id, mine in waits.items():
        with effort.of(device_id):
            _catch_up(work, states[device_id], mine)
    return work, _write(work, [one for mine in waits.values() for one in mine])


def _ranges(arrivals: Iterable[Arrival], waits: Iterable[list[Waiting]]) -> list[tuple[str, int, int]]:
    ranges = [(arrival.device_id, arrival.batch.first, arrival.batch.last) for arrival in arrivals]
    return ranges + [(one.device_id, one.first, one.last) for mine in waits for one in mine]


def _place(work: _Work, chain: ChainState, mine: list[Waiting], arrival: Arrival, defect: str | None) -> None:
    """Put one batch where it belongs: appended, held already, waiting, or refused."""
    batch, received_at, late = arrival.batch, arrival.message.received_at, arrival.late
    verdict = state.Verdict(refuse=defect) if defect else state.judge(chain, batch)
    if verdict.refuse:
        work.rejected.append(Rejected(arrival.device_id, batch, verdict.refuse, received_at, late, arrival.message))
    elif verdict.ahead:
        chain.highest, chain.changed = max(chain.highest, batch.last), True
        waiting.keep(mine, arrival.device_id, batch, received_at, late=late)
    else:
        _append(work, chain, batch, verdict.fresh, received_at, late)


def _append(
    work: _Work, chain: ChainState, batch: ReadBatch, fresh: Sequence[int], received_at: datetime, late: bool
) -> None:
    if fresh:
        work.ledger.add(chain.device_id, batch, fresh, received_at, late=late)
        state.append(chain, batch, fresh, work.now)


def _catch_up(work: _Work, chain: ChainState, mine: list[Waiting]) -> None:
    """Append, nearest first, what waited and fits now; a gap that the phone told is bridged by the nearest batch."""
    for one in list(mine):
        if one.first > chain.through + 1:
            gap = state.bridge(chain, one.read(), work.now)
            if gap is None:
                continue
            work.gaps.append((chain.device_id, gap))
        batch = one.read()
        verdict = state.judge(chain, batch)
        if verdict.ahead:
            continue
        mine.remove(one)
        work.done.append(one)
        if verdict.refuse:
            work.rejected.append(Rejected(one.device_id, batch, verdict.refuse, one.received_at, one.late))
        else:
            _append(work, chain, batch, verdict.fresh, one.received_at, one.late)


def _write(work: _Work, waits: Sequence[Waiting]) -> list[Refusal]:
    accepted = refused.accepted(work.rejected)
    work.rejected = [one for one in work.rejected if one.key not in accepted]
    for one in work.rejected:
        chain = work.states[one.device_id]
        chain.refused, chain.changed = (one.batch.first, one.reason), True
    chains.save(work.states.values())
    waiting.save(waits, work.done)
    work.ledger.write()
    refused.note(work.rejected)
    alerts.raise_all([_gap_cause(device_id, gap) for device_id, gap in work.gaps])
    return [
        Refusal(one.message, one.reason, f"first {one.batch.first}") for one in work.rejected if one.message is not None
    ]


def _answer(work: _Work, device_ids: Iterable[str]) -> None:
    told = {one.device_id for one in work.rejected}
    archived.answer(set(device_ids) - told)
    archived.answer(told, refused=True)


def _gap_cause(device_id: str, gap: SeamState) -> Cause:
    detail = {"first": gap.missing_from, "last": gap.seq - 1, "prev": gap.prev.hex() if gap.prev else None}
    return Cause(device_id, alerts.GAP, gap.id, detail)
