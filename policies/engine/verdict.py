"""What the engine answers: an action, and why."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from policies.engine.actions import Action, refuses
from policies.engine.forms import Words, words


class CounterUse(BaseModel):
    """A figure that a rule saw: its name, its value (None: the caller did not know it) and the limit."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: int | None
    limit: int


class Because(BaseModel):
    """One rule that had something to say. `until` is when it would stop saying it, where that is known."""

    model_config = ConfigDict(frozen=True)

    rule: str
    action: Action
    text: Words
    counter: CounterUse | None = None
    until: datetime | None = None
    severity: str | None = None
    say: Words | None = None
    finding: str | None = None


class Verdict(BaseModel):
    """The strictest action of all rules, every rule that spoke, and all counters that were looked at."""

    model_config = ConfigDict(frozen=True)

    action: Action
    because: list[Because]
    counters: list[CounterUse]

    @property
    def allowed(self) -> bool:
        """Whether the thing may happen now (a warning or an alert lets it)."""
        return not refuses(self.action)

    @property
    def text(self) -> Words:
        """One sentence for people: whether it may happen, and what every rule said, the strictest first."""
        zh = "；".join(reason.text.zh.rstrip("。") for reason in self.because)
        en = "; ".join(reason.text.en.rstrip(".") for reason in self.because)
        verdict = ("允许", "Allowed") if self.allowed else ("不允许", "Not allowed")
        return words(f"{verdict[0]}：{zh}。", f"{verdict[1]}: {en}.") if zh else words("允许。", "Allowed.")

    @property
    def until(self) -> datetime | None:
        """When no rule would refuse any more, as far as time alone decides it."""
        times = [reason.until for reason in self.because if refuses(reason.action)]
        known = [moment for moment in times if moment is not None]
        return max(known) if known and len(known) == len(times) else None
