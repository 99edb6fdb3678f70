"""Counters that contact limits look at; the caller keeps them and hands in their values by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from policies.engine.vocabulary import Counted, CounterKey

EFFECTIVE_TALK_S = 10
ZONE = "Asia/Shanghai"


class Counter(BaseModel):
    """What is counted, for whom, over which window (seconds, or `day`: a calendar day of the zone)."""

    model_config = ConfigDict(frozen=True)

    key: CounterKey
    count: Counted
    window: int | str
    timezone: str | None = None

    @property
    def name(self) -> str:
        """One name for equal counters, for example `customer/effective_talk/day@Asia/Shanghai`."""
        window = f"{self.window}@{self.timezone}" if self.timezone else str(self.window)
        return f"{self.key}/{self.count}/{window}"

    def since(self, now: datetime) -> datetime:
        """When the window that ends now began."""
        if isinstance(self.window, int):
            return now - timedelta(seconds=self.window)
        local = now.astimezone(ZoneInfo(self.timezone or ZONE))
        return local.replace(hour=0, minute=0, second=0, microsecond=0)


def counts_of_call(outcome: str | None, seconds: int, talk_seconds: int | None) -> list[Counted]:
    """What an outgoing call counts as; `talk_seconds` is from when on it is a talk."""
    if outcome != "connected":
        return ["attempt", "unanswered_dial"]
    if seconds >= (talk_seconds or EFFECTIVE_TALK_S):
        return ["attempt", "connected", "effective_talk"]
    return ["attempt", "connected"]


def talk_seconds(rules: Mapping[str, Any]) -> int | None:
    """From how many seconds on a bundle's rules count a call as a talk; None: the engine's own figure."""
    limits = rules.get("contact_limits")
    return limits.effective_talk_seconds if limits else None


def counters_for(rules: Mapping[str, Any]) -> list[Counter]:
    """All counters that the contact limits of a bundle's rules look at, each once."""
    limits = rules.get("contact_limits")
    found: Iterable[Counter | None] = (limit.counter() for limit in (limits.rules or ())) if limits else ()
    return list({counter.name: counter for counter in found if counter}.values())
