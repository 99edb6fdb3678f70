"""What a check is, and all of them by code. Each file in `checks/` declares some and registers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from compliance import wording
from compliance.facts import Facts
from compliance.views import CheckView
from core.text import Text


class Severity(StrEnum):
    """How bad a finding is. `info` is a hint: it neither makes a phone noncompliant nor climbs the ladder by `any`."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Basis(StrEnum):
    """What a finding rests on: the phone's unsigned word, the phone's signed word, what its hardware attested when the
    signing key was made, or what the server saw itself."""

    SELF_REPORTED = "self_reported"
    SIGNED = "signed"
    ATTESTED = "attested"
    SERVER = "server"


class Ends(StrEnum):
    """How a finding ends: with what caused it, or when a person has looked into it (or, where said, after a while)."""

    BY_ITSELF = "by_itself"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether something is the matter, by facts; `again_at`: when time alone may change that."""

    present: bool
    detail: Mapping[str, Any] = field(default_factory=dict)
    again_at: datetime | None = None


Judge = Callable[[Facts, datetime], Judgement | None]
"""Judges one phone's facts at a moment; None where nothing is known, which neither opens nor closes a finding."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    `reason` may name members of the finding's detail in braces. `source`: the message that it is judged on. `ladder`:
    the word by which policies name it (None: it climbs no ladder). `judge`: None for what is told as it happens.
    """

    code: str
    title: Text
    reason: Text
    advice: Text
    severity: Severity
    basis: Basis
    source: str
    ladder: str | None
    judge: Judge | None = None
    ends: Ends = Ends.BY_ITSELF

    @property
    def counts(self) -> bool:
        """Whether it makes a phone noncompliant."""
        return self.severity is not Severity.INFO

    def view(self) -> CheckView:
        """The check as people see it."""
        return CheckView(
            code=self.code,
            title=self.title,
            advice=self.advice,
            severity=str(self.severity),
            basis=str(self.basis),
            source=self.source,
            word=self.ladder,
            ends=str(self.ends),
            counts=self.counts,
        )

    def say(self, detail: Mapping[str, Any]) -> Text:
        """The reason with the finding's own figures and names."""
        words = {name: wording.shown(name, value) for name, value in detail.items()}
        zh, en = ({name: getattr(word, tongue) for name, word in words.items()} for tongue in ("zh", "en"))
        return Text(self.reason.zh.format_map(_Known(zh)), self.reason.en.format_map(_Known(en)))


class _Known(dict[str, Any]):
    """Members that a finding from before does not have are shown as a dash."""

    def __missing__(self, _name: str) -> str:
        return "–"


_checks: dict[str, Check] = {}


def register(check: Check) -> Check:
    """Make a check known. Raises ValueError when the code is taken."""
    if check.code in _checks:
        raise ValueError(f"check {check.code} is registered twice")
    _checks[check.code] = check
    return check


def all_checks() -> list[Check]:
    """Every check by code."""
    return [_checks[code] for code in sorted(_checks)]


def check_of(code: str) -> Check:
    """The check of a code; one that is not registered is shown by its code, as a warning that names no ladder word."""
    plain = Text(code, code)
    nothing = Text("请查看设备详情。", "Look at the phone's page.")
    return _checks.get(code) or Check(code, plain, plain, nothing, Severity.WARNING, Basis.SERVER, "server", None)


def is_known(code: str) -> bool:
    """Whether a check of that code is registered."""
    return code in _checks


def hints() -> list[str]:
    """Codes that do not count."""
    return [check.code for check in all_checks() if not check.counts]


def codes_of(severity: str) -> list[str]:
    """Codes of that severity."""
    return [check.code for check in all_checks() if check.severity == severity]
