"""What a simulation shows: one model each for services, pages and the API."""

from __future__ import annotations

from core.views import Moment, View


class SimulatedView(View):
    """Calls and messages of an org unit or a holder: hit by the draft, by what is in force, by one of both alone.

    `id` and `name` are null for phones without a holder.
    """

    id: str | None
    name: str | None
    hits: int
    before: int
    new: int
    gone: int


class SimulatedRuleView(View):
    """One rule (a term of a keyword set by its id) and what it does, with the same figures."""

    rule: str
    action: str
    hits: int
    before: int
    new: int
    gone: int


class SampleView(View):
    """A record to judge the rule by; `change`: `new`, `gone`, `same`. Its text is read in the archive, audited."""

    rule: str
    change: str
    device_id: str
    seq: int
    at: Moment


class SimulationView(View):
    """What a draft would have done with the archive of a span; `version` is the one in force that it is held against.

    `complete` is False where the span has more records than a simulation looks at: then it was the newest.
    """

    kind: str
    name: str
    version: int | None
    days: int
    until: Moment
    records: int
    complete: bool
    rules: list[SimulatedRuleView]
    by_unit: list[SimulatedView]
    by_person: list[SimulatedView]
    samples: list[SampleView]
