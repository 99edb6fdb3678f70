"""Forms that several families share: strict models, clock windows, durations, orders of actions."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from policies.engine.actions import ACTIONS
from policies.rules.algebra import Strictest, ranked

DAY = 86_400
_CLOCK = r"([01]\d|2[0-3]):([0-5]\d)"
_WINDOW = re.compile(rf"{_CLOCK}-(?:{_CLOCK}|(24):(00))")
_DURATION = re.compile(r"(\d{1,6})(s|m|h|d)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY}


class Spec(BaseModel):
    """A member that an author writes: typed strictly, and without unknown members."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def plain(self) -> dict[str, Any]:
        """The members that were given, as JSON values."""
        return self.model_dump(mode="json", exclude_none=True)


def fault(code: str, zh: str, en: str) -> PydanticCustomError:
    """A validation error with a code and both texts."""
    return PydanticCustomError(code, "{en}", {"zh": zh, "en": en})


def parse_window(text: object) -> tuple[int, int]:
    """`HH:MM-HH:MM` as seconds from midnight.

    An end at or before the start crosses midnight, 24:00 is its end. Raises a `fault`.
    """
    found = _WINDOW.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise fault("window", "请写成“09:00-18:30”。", 'Write it as "09:00-18:30".')
    hours, minutes, end_hours, end_minutes = found[1], found[2], found[3] or found[5], found[4] or found[6]
    start, end = (int(h) * 3600 + int(m) * 60 for h, m in ((hours, minutes), (end_hours, end_minutes)))
    if start == end:
        raise fault(
            "window_empty",
            "起止时间相同：全天请写“00:00-24:00”。",
            'Start and end are the same: write "00:00-24:00" for a whole day.',
        )
    return start, end


def parse_duration(text: object) -> int:
    """`90s`, `15m`, `24h`, `7d` as seconds. Raises a `fault`."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise fault(
            "duration",
            "请写成数字加单位，例如 60s、15m、24h、7d。",
            "Write a number and a unit: 60s, 15m, 24h, 7d.",
        )
    return int(found[1]) * _UNITS[found[2]]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise fault(
            "timezone",
            f"没有时区“{name}”，例如 Asia/Shanghai。",
            f"There is no time zone “{name}”; one is Asia/Shanghai.",
        ) from error
    return name


def _words(value: list[Any]) -> list[Any]:
    return sorted(set(value))


def _written(form: str) -> WithJsonSchema:
    """What an author writes is a text of this form, whatever it becomes."""
    return WithJsonSchema({"type": "string", "format": form})


Window = Annotated[tuple[int, int], BeforeValidator(parse_window), Field(strict=False), _written("window")]
Duration = Annotated[int, BeforeValidator(parse_duration), _written("duration")]
Zone = Annotated[str, Field(max_length=64), AfterValidator(_zone)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
KeywordSetName = Annotated[Name, Field(json_schema_extra={"names": "KeywordSet"})]
CalendarName = Annotated[Name, Field(json_schema_extra={"names": "Calendar"})]
SetOfWords = AfterValidator(_words)

DEFAULT_ZONE = "Asia/Shanghai"


def actions() -> Strictest:
    """The order of actions, from allow to block."""
    return ranked(*ACTIONS)


def parse_day(value: object) -> str:
    """An ISO date, kept as text; a JSON or YAML 1.2 document has no dates of its own. Raises a `fault`."""
    try:
        if isinstance(value, str) and date.fromisoformat(value).isoformat() == value:
            return value
    except ValueError:
        pass
    raise fault("date", "请写成“2026-10-01”，且为真实日期。", 'Write a date of the calendar as "2026-10-01".')


Day = Annotated[str, BeforeValidator(parse_day), _written("date")]
