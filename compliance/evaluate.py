"""Judging phones: facts, findings, exceptions, state and step, for many phones in a constant number of statements."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping

from compliance import covering, facts, ladder, registry, sims, states, steps
from compliance.facts import Facts
from compliance.ladder import Reached, Standing
from compliance.registry import Basis, Check, Judgement, Severity
from core import clock, live
from core.db import session
from core.uow import after_commit, unit_of_work
from fleet import findings
from fleet import queries as fleet
from fleet.chunks import chunks
from fleet.findings import Observation, OpenFinding
from fleet.hello import CLONED

BATCH = 1000
LONGEST = timedelta(hours=1)
"""No phone stays unjudged longer, so that what a finding was last seen by is never older."""
HELD_AGAIN = timedelta(minutes=1)
_BUSY = "compliance_busy"
_SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Judged:
    """One phone with its open findings, which of them count, the step they have reached, and when to look again."""

    facts: Facts
    open: Sequence[OpenFinding]
    reached: Reached
    again_at: datetime

    @property
    def counted(self) -> list[Check]:
        """Checks of the findings that make the phone noncompliant."""
        found = [registry.check_of(one.code) for one in self.open if one.excepted_until is None]
        return [check for check in found if check.counts]

    @property
    def state(self) -> str:
        """The phone's state."""
        if self.counted:
            return states.NONCOMPLIANT
        return states.COMPLIANT if self.facts.phone.heartbeat_at else states.UNKNOWN


def run(device_ids: Collection[str], *, climb: bool = False) -> int:
    """Judge phones; those that are not in the fleet are passed over. Returns how many were judged.

    Nobody waits here for a phone that somebody else judges at this moment: it is judged once more afterwards. With
    `climb` the ladder goes on; that is for the job alone, which holds nothing that others may wait for. Else a phone
    whose step has changed is left to it.
    """
    if is_busy():
        return 0
    with _busy():
        return sum(_batch(some, climb) for some in chunks(sorted(set(device_ids)), BATCH))


def is_busy() -> bool:
    """Whether this unit of work is judging: findings that change meanwhile are its own doing."""
    return bool(session().info.get(_BUSY))


@contextmanager
def _busy() -> Iterator[None]:
    info = session().info
    info[_BUSY] = True
    try:
        yield
    finally:
        info.pop(_BUSY, None)


def _batch(device_ids: Sequence[str], climb: bool) -> int:
    # A command refers to its phone: whoever changes that very phone now would wait for us, and we for them.
    stored = states.lock(fleet.held(device_ids) if climb else device_ids)
    loaded = facts.load(_free(device_ids, stored, climb))
    if not loaded:
        return 0
    now = clock.now()
    opened = findings.open_of(list(loaded))
    seen, again = _observe(loaded, opened, now)
    if findings.observe(seen):
        opened = findings.open_of(list(loaded))
        # What has just opened stands since a moment ago, not since one that is still to come.
        now = clock.now()
    opened = covering.apply(loaded, opened, now)
    judged = {
        device_id: _judged(one, opened.get(device_id, []), again[device_id], now) for device_id, one in loaded.items()
    }
    moves = [steps.Move(one.facts.phone, stored.get(key), one.reached, one.open) for key, one in judged.items()]
    held = steps.carry_out(moves) if climb else {}
    rows = [_row(one, stored.get(key), now) for key, one in judged.items()]
    for row in rows:
        if climb:
            _climb(row, judged[row["device_id"]].reached, held.get(row["device_id"]), now)
        elif row["step"] != judged[row["device_id"]].reached.step:
            row["due_at"] = now
    states.write(rows)
    changed = [row["device_id"] for row in rows if _differs(row, stored.get(row["device_id"]))]
    live.announce("devices", changed)
    return len(rows)


def _free(device_ids: Sequence[str], stored: Mapping[str, RowMapping], climb: bool) -> list[str]:
    """Phones that are ours to judge: those we hold, and new ones; the others follow once we have committed."""
    if climb:
        return list(stored)
    taken = states.known(device_ids) - set(stored)
    if taken:
        after_commit(lambda: _again(taken))
    return [device_id for device_id in device_ids if device_id not in taken]


def _again(device_ids: Collection[str]) -> None:
    with unit_of_work():
        states.mark_due(device_ids)


def _climb(row: dict[str, Any], reached: Reached, held: str | None, now: datetime) -> None:
    """Note the step that was carried out, or why it waits."""
    row["step_held"] = held
    if held:
        row["due_at"] = min(row["due_at"], now + HELD_AGAIN)
    elif reached.step != row["step"]:
        row.update(step=reached.step, step_since=now, step_code=reached.code)


def _observe(
    loaded: Mapping[str, Facts], opened: Mapping[str, Sequence[OpenFinding]], now: datetime
) -> tuple[list[Observation], dict[str, datetime]]:
    """What to open, to refresh and to close, and when each phone is to be judged again because of time."""
    judges = [(check, check.judge) for check in registry.all_checks() if check.judge]
    doubtful = {key for key, several in opened.items() if any(finding.code == CLONED for finding in several)}
    seen: list[Observation] = sims.observations(loaded, doubtful)
    again: dict[str, datetime] = {}
    for device_id, one in loaded.items():
        standing = {finding.code for finding in opened.get(device_id, ())}
        next_at = now + LONGEST
        for check, judge in judges:
            judgement = judge(one, now)
            if judgement is None or (device_id in doubtful and _proves_nothing(check, judgement)):
                continue
            if judgement.present or check.code in standing:
                at = _judged_on(check, one)
                seen.append(Observation(device_id, check.code, judgement.present, judgement.detail, check.source, at))
            if judgement.again_at and judgement.again_at < next_at:
                next_at = judgement.again_at
        again[device_id] = next_at
    return seen, again


def _proves_nothing(check: Check, judgement: Judgement) -> bool:
    """Whether only a phone that may be another one says that all is well: two would open and close findings in turn."""
    return check.basis is Basis.SELF_REPORTED and not judgement.present


def _judged_on(check: Check, one: Facts) -> datetime | None:
    """Time of the message that a check looked at; None for what is seen at this moment."""
    newest = {
        "heartbeat": one.phone.heartbeat_at,
        "hello": one.phone.hello_at,
        "reported": one.policy.reported_at,
    }
    return newest.get(check.source) if check.basis is not Basis.SERVER else None


def _judged(one: Facts, opened: Sequence[OpenFinding], again_at: datetime, now: datetime) -> Judged:
    reached = ladder.reached(one.policy.ladder, _climbing(opened), now)
    ends = [finding.excepted_until for finding in opened if finding.excepted_until]
    moments = [again_at, *ends, *([reached.next_at] if reached.next_at else [])]
    return Judged(one, opened, reached, min(moments))


def _climbing(opened: Sequence[OpenFinding]) -> list[Standing]:
    found = []
    for one in opened:
        check = registry.check_of(one.code)
        if check.ladder and one.excepted_until is None:
            found.append(Standing(one.code, check.ladder, one.counted_from or one.since, check.counts))
    return found


def _row(one: Judged, stored: RowMapping | None, now: datetime) -> dict[str, Any]:
    counted = one.counted
    excepted = sum(finding.excepted_until is not None for finding in one.open)
    same = stored is not None and stored["state"] == one.state
    return {
        "device_id": one.facts.phone.id,
        "state": one.state,
        "since": stored["since"] if stored is not None and same else now,
        "severity": str(max((check.severity for check in counted), key=_SEVERITIES.index)) if counted else None,
        "findings": len(counted),
        "excepted": excepted,
        "hints": len(one.open) - len(counted) - excepted,
        "step": stored["step"] if stored else ladder.NO_STEP,
        "step_since": stored["step_since"] if stored else None,
        "step_code": stored["step_code"] if stored else None,
        "step_held": stored["step_held"] if stored else None,
        "evaluated_at": now,
        "due_at": one.again_at,
    }


def _differs(row: Mapping[str, Any], stored: RowMapping | None) -> bool:
    return stored is None or any(row[name] != stored[name] for name in ("state", "step", "step_held"))
