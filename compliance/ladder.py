"""The ladder, pure: the most severe step that a phone's findings have reached, and when the next is due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.engine.families.compliance import Rung

NO_STEP = "none"
STEPS = (NO_STEP, "notify_holder", "alert", "lock")


@dataclass(frozen=True, slots=True)
class Standing:
    """A finding that climbs: its code, the word by which policies name it, since when it counts.

    `by_any`: whether `when: any` means it too.
    """

    code: str
    word: str
    since: datetime
    by_any: bool


@dataclass(frozen=True, slots=True)
class Reached:
    """A step, the finding that reached it, and when time alone brings a higher one."""

    step: str = NO_STEP
    code: str | None = None
    next_at: datetime | None = None


def rank(step: str) -> int:
    """How severe a step is; `none` is 0."""
    return STEPS.index(step)


def reached(rungs: Iterable[Rung], findings: Sequence[Standing], now: datetime) -> Reached:
    """The most severe step whose time has come; of several findings the one that reached it first."""
    best: tuple[int, float, str] = (0, 0.0, "")
    ahead: list[tuple[int, datetime]] = []
    for rung in rungs:
        for finding in findings:
            if not (finding.by_any if rung.when == "any" else finding.word in rung.when):
                continue
            at = finding.since + timedelta(seconds=rung.after)
            if at <= now:
                best = max(best, (rank(rung.do), -at.timestamp(), finding.code))
            else:
                ahead.append((rank(rung.do), at))
    higher = [at for step, at in ahead if step > best[0]]
    return Reached(STEPS[best[0]], best[2] or None, min(higher, default=None))
