"""What is shown of compliance: one model each for services, pages and the API."""

from __future__ import annotations

from typing import Any

from core.views import Bilingual, Moment, View


class PhoneRef(View):
    """The phone that a finding is about, by name."""

    id: str
    serial: str
    model: str
    holder: str | None
    org_unit: str


class FindingView(View):
    """One open finding.

    `judged_on` and `judged_at`: kind and time of the message that showed it last; `basis`: what that is worth
    (`self_reported`, `signed`, `server`). `counts`: whether it makes the phone noncompliant now. `ends`: `by_itself` or
    `settled`. `word`: how a policy's ladder names it.
    """

    device: PhoneRef
    code: str
    title: Bilingual
    reason: Bilingual
    advice: Bilingual
    severity: str
    basis: str
    judged_on: str
    judged_at: Moment
    since: Moment
    last_seen_at: Moment
    excepted_until: Moment | None
    counts: bool
    ends: str
    word: str | None
    detail: dict[str, Any]


class CheckView(View):
    """A check: what its findings say and rest on; `word`: how a policy's ladder names it."""

    code: str
    title: Bilingual
    advice: Bilingual
    severity: str
    basis: str
    source: str
    word: str | None
    ends: str
    counts: bool


class CodeCount(View):
    """How many phones have a finding open; `excepted` of them are allowed to."""

    code: str
    title: Bilingual
    severity: str
    devices: int
    excepted: int


class Totals(View):
    """Phones by state, by severity of their worst finding, by step of the ladder; findings by code, the most first."""

    devices: int
    states: dict[str, int]
    severities: dict[str, int]
    steps: dict[str, int]
    held: int
    codes: list[CodeCount]


class UnitCounts(View):
    """One org unit: its own phones by state, and those of all units below it too."""

    id: str
    org_unit: str
    own: dict[str, int]
    total: dict[str, int]


class PersonCounts(View):
    """One person: their phones by state, how many findings count, the highest step of the ladder."""

    id: str
    name: str
    employee_no: str | None
    states: dict[str, int]
    findings: int
    step: str


class Point(View):
    """Phones by state, and by code of an open finding that is not excepted, at a time."""

    at: Moment
    states: dict[str, int]
    codes: dict[str, int]


class History(View):
    """Points in order of time; `span` is `hour` or `day`. A day's point is the newest of that day."""

    span: str
    points: list[Point]


class ExceptionView(View):
    """An exception; `state`: `running`, `expired` or `ended` (by a person). `target_name`: serial, group or path."""

    id: str
    code: str
    title: Bilingual
    scope: str
    target: str
    target_name: str
    reason: str
    state: str
    created_at: Moment
    created_by: str
    created_by_name: str
    until: Moment
    ended_at: Moment | None
    ended_by_name: str | None
