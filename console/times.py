"""Times as people read them: in the organisation's zone, the zone itself on hover, and ages in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from console.language import t
from core import clock
from core.errors import Invalid
from core.runtime import settings
from core.text import Text

SHOWN = "%Y-%m-%d %H:%M:%S"
DAY_FORM = "%Y-%m-%d"
YEARS = range(1970, 9999)
MINUTE_FORM = "%Y-%m-%dT%H:%M"
MINUTE, HOUR, DAY = 60, 3600, 86400


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def moment(value: datetime | str | None) -> datetime | None:
    """The time itself, whether it comes as one or as a text from the wire."""
    return clock.from_wire(value) if isinstance(value, str) else value


def local(value: datetime | str) -> str:
    """`2026-11-23 14:50:00` in the organisation's zone."""
    return _local(value).strftime(SHOWN)


def zoned(value: datetime | str) -> str:
    """The same with the zone's name and offset, shown on hover."""
    return f"{local(value)} {settings().timezone} ({_offset(_local(value))})"


def wire(value: datetime | str) -> str:
    """The machine's form, for the `datetime` attribute."""
    return value if isinstance(value, str) else clock.to_wire(value)


def day(text: str) -> datetime:
    """The beginning of a day (`2026-11-23`) in the organisation's zone. Raises Invalid."""
    try:
        return _by_the_clock(text.strip(), DAY_FORM)
    except ValueError as error:
        raise Invalid("bad_day", Text("日期应为 2026-11-23 的形式。", "A day is written as 2026-11-23.")) from error


def minute(text: str) -> datetime:
    """A minute (`2026-11-23T14:50`) by the clock of the organisation's zone. Raises Invalid."""
    try:
        return _by_the_clock(text.strip()[:16], MINUTE_FORM)
    except ValueError as error:
        raise Invalid(
            "bad_minute", Text("时间应为 2026-11-23T14:50 的形式。", "A minute is written as 2026-11-23T14:50.")
        ) from error


def minute_text(value: datetime) -> str:
    """The form that `minute` reads, for an input of the browser."""
    return _local(value).strftime(MINUTE_FORM)


def age(value: datetime | str) -> str:
    """How long ago, in the largest fitting unit; `static/console.js` counts on in the same words."""
    found = moment(value) or clock.now()
    seconds = max(0, int((clock.now() - found) / timedelta(seconds=1)))
    if seconds < MINUTE:
        return t(f"{seconds} 秒前", f"{seconds} s ago")
    if seconds < HOUR:
        return t(f"{seconds // MINUTE} 分钟前", f"{seconds // MINUTE} min ago")
    if seconds < DAY:
        return t(f"{seconds // HOUR} 小时前", f"{seconds // HOUR} h ago")
    return t(f"{seconds // DAY} 天前", f"{seconds // DAY} d ago")


def span(length: timedelta) -> str:
    """A length of time in its largest whole unit: `30 秒`, `5 min`."""
    seconds = int(length / timedelta(seconds=1))
    for unit, zh, en in ((DAY, "天", "d"), (HOUR, "小时", "h"), (MINUTE, "分钟", "min")):
        if seconds >= unit and seconds % unit == 0:
            return t(f"{seconds // unit} {zh}", f"{seconds // unit} {en}")
    return t(f"{seconds} 秒", f"{seconds} s")


def _by_the_clock(text: str, form: str) -> datetime:
    """A time of the organisation's zone. Raises ValueError, for years whose ends lie beyond the calendar too."""
    plain = datetime.strptime(text, form)  # noqa: DTZ007
    if plain.year not in YEARS:
        raise ValueError("not a year of ours")
    return plain.replace(tzinfo=_zone(settings().timezone))


def _local(value: datetime | str) -> datetime:
    found = moment(value) or clock.now()
    try:
        return found.astimezone(_zone(settings().timezone))
    except OverflowError:  # a phone may say any time, the calendar's last hours too
        return found


def _offset(value: datetime) -> str:
    plain = value.strftime("%z")
    return f"UTC{plain[:3]}:{plain[3:]}"
