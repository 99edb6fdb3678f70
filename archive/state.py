"""One phone's chain as a unit of work sees it, and what a batch does to it: pure, no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from archive.batches import CHAIN, CONTRADICTION, ReadBatch
from mqtt.contract import chain as hashes

GAP, CONTEST = "gap", "contested"


@dataclass(slots=True)
class SeamState:
    """A seam of the chain (see the table): the record `seq` follows the claimed `prev`."""

    id: str
    seq: int
    prev: bytes | None
    missing_from: int
    cause: str
    ref: str | None
    opened_at: datetime
    proven_at: datetime | None = None
    healed_at: datetime | None = None
    changed: bool = False

    @property
    def open(self) -> bool:
        """Whether the phone said that there is a gap, and has not yet sent what comes after it."""
        return self.prev is None and self.healed_at is None


@dataclass(slots=True)
class ChainState:
    """Head and known hashes of one chain; `held` maps a seq to its leaf and h(seq), as far as they were loaded."""

    device_id: str
    through: int
    head: bytes
    highest: int
    held: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    seams: list[SeamState] = field(default_factory=list)
    refused: tuple[int, str] | None = None
    changed: bool = False

    @classmethod
    def empty(cls, device_id: str) -> ChainState:
        """The chain of a phone that has sent nothing."""
        return cls(device_id, 0, hashes.origin(device_id), 0)

    def before(self, first: int) -> bytes | None:
        """h(first - 1) as the next record has to follow it, None when it is not known."""
        claimed = [seam.prev for seam in self.seams if seam.seq == first and seam.prev is not None]
        if claimed:
            return claimed[-1]
        if first - 1 == self.through:
            return self.head
        if first == 1:
            return hashes.origin(self.device_id)
        found = self.held.get(first - 1)
        return found[1] if found else None

    @property
    def open_gap(self) -> SeamState | None:
        """The gap that the phone has told and not yet bridged."""
        return next((seam for seam in self.seams if seam.open), None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a batch is: `refuse` names why not, `ahead` waits, else `fresh` seqs are to be appended (none: held)."""

    fresh: Sequence[int] = ()
    ahead: bool = False
    refuse: str | None = None


AHEAD = Verdict(ahead=True)


def judge(state: ChainState, batch: ReadBatch) -> Verdict:
    """How a batch that holds by itself fits the chain."""
    before = state.before(batch.first)
    if before is None:
        return AHEAD
    if before != batch.prev:
        return Verdict(refuse=CHAIN)
    fresh = []
    for seq, leaf, _ in batch.items():
        known = state.held.get(seq)
        if known is None:
            fresh.append(seq)
        elif known[0] != leaf:
            return Verdict(refuse=CONTRADICTION)
    if any(_breaks(seam, batch) for seam in state.seams if seam.seq - 1 in fresh):
        return Verdict(refuse=CONTRADICTION)
    if batch.last > state.through and batch.head_at(state.through) != state.head:
        return Verdict(refuse=CHAIN)
    return Verdict(fresh)


def _breaks(seam: SeamState, batch: ReadBatch) -> bool:
    """Whether a batch that closes a gap ends it at another hash than the phone claimed before."""
    return seam.prev is not None and seam.missing_from < seam.seq and batch.head_at(seam.seq - 1) != seam.prev


def append(state: ChainState, batch: ReadBatch, fresh: Sequence[int], now: datetime) -> None:
    """Take the fresh records of a batch into the chain: the head moves, gaps shrink."""
    for seq in fresh:
        index = seq - batch.first
        state.held[seq] = (batch.leaves[index], batch.heads[index])
    for seam in state.seams:
        _shrink(seam, fresh, now)
    if batch.last > state.through:
        state.through, state.head = batch.last, batch.claimed
    state.highest = max(state.highest, batch.last)
    state.changed = True


def _shrink(seam: SeamState, fresh: Sequence[int], now: datetime) -> None:
    filled = [seq for seq in fresh if seam.missing_from <= seq < seam.seq]
    if not filled:
        return
    seam.missing_from = filled[-1] + 1
    seam.changed = True
    if seam.missing_from == seam.seq:
        seam.healed_at = now


def bridge(state: ChainState, batch: ReadBatch, now: datetime) -> SeamState | None:
    """Go on after the gap that the phone told, if the batch is what comes after it; the seam, now proven."""
    gap = state.open_gap
    if gap is None or not state.through + 1 < batch.first <= gap.seq:
        return None
    gap.seq, gap.prev, gap.missing_from = batch.first, batch.prev, state.through + 1
    gap.proven_at, gap.changed = now, True
    state.through, state.head, state.changed = batch.first - 1, batch.prev, True
    return gap
