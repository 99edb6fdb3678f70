"""Hellos: each is answered with a receipt, and one tells of records that neither side holds (PROTOCOL 5).

That happens after the server was restored from a backup, or when a phone lost what it had not sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from archive import archived, chains, intake
from archive.state import GAP, ChainState, SeamState
from core import clock
from core.ids import new_id
from fleet.events import HelloReceived, hello_received
from fleet.states import LIVING


@hello_received.connect
def heard(_sender: Any, hellos: Sequence[HelloReceived]) -> None:
    """Answer hellos, and open gaps that they prove."""
    _answer(hellos)
    oldest = {hello.device_id: hello.hello.oldest_seq for hello in hellos if hello.state in LIVING}
    behind = {
        device_id for device_id, (through, _, _) in chains.watermarks(oldest).items() if oldest[device_id] > through + 1
    }
    if behind:
        _open(chains.lock(behind), oldest)
        intake.resume(behind)


def _answer(hellos: Sequence[HelloReceived]) -> None:
    due: dict[datetime | None, list[str]] = defaultdict(list)
    for hello in hellos:
        # Answers that are due in the same second go together, so that many phones need few statements.
        at = hello.not_before
        due[at.replace(microsecond=0) if at and at > hello.received_at else None].append(hello.device_id)
    for not_before, device_ids in due.items():
        archived.answer_hellos(device_ids, not_before)


def _open(states: Mapping[str, ChainState], oldest: Mapping[str, int]) -> None:
    """Note what is missing; the claimed hash comes with the first batch after it."""
    now = clock.now()
    for device_id, chain in states.items():
        if oldest[device_id] <= chain.through + 1:
            continue
        gap = chain.open_gap
        if gap is None:
            gap = SeamState(new_id(), oldest[device_id], None, chain.through + 1, GAP, None, now)
            chain.seams.append(gap)
        gap.seq = max(gap.seq, oldest[device_id])
        gap.missing_from = chain.through + 1
        gap.changed = chain.changed = True
    chains.save(states.values())
