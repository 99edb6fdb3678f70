"""Clock windows in local time, weekly schedules and calendars of exceptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
Windows = Sequence[Sequence[int]]
_SEARCH_DAYS = 40


def local(minute: datetime, zone: str) -> tuple[date, int]:
    """The local date and the seconds that its clock shows since midnight."""
    there = minute.astimezone(ZoneInfo(zone))
    return there.date(), there.hour * 3600 + there.minute * 60 + there.second


def moment(day: date, second: int, zone: str) -> datetime:
    """The instant at which the clock of that zone shows that second of that day."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return midnight + timedelta(seconds=second)


def inside(second: int, today: Windows, yesterday: Windows) -> bool:
    """Whether a second of today lies in a window of today, or in one of yesterday that crosses midnight."""
    return any(_covers(window, second) for window in today) or any(
        end < start and second < end for start, end in yesterday
    )


def _covers(window: Sequence[int], second: int) -> bool:
    start, end = window
    return start <= second < end or (end < start and second >= start)


def in_daily(minute: datetime, zone: str, windows: Windows) -> bool:
    """Whether a minute lies in windows that are the same every day."""
    _, second = local(minute, zone)
    return inside(second, windows, windows)


def end_of_daily(minute: datetime, zone: str, windows: Windows) -> datetime:
    """When the daily windows that hold this minute end (windows that follow each other are one)."""
    current = minute
    for _ in range(len(windows) + 1):
        if not in_daily(current, zone, windows):
            break
        day, second = local(current, zone)
        ends = [_end(day, second, window, zone) for window in windows if inside(second, [window], [window])]
        current = max(ends)
    return current


def _end(day: date, second: int, window: Sequence[int], zone: str) -> datetime:
    start, end = window
    crosses_from_today = end < start and second >= start
    return moment(day + timedelta(days=1) if crosses_from_today else day, end, zone)


def windows_on(day: date, weekly: Mapping[Weekday, Windows], exceptions: Mapping[str, Weekday | None]) -> Windows:
    """The windows of a date.

    `exceptions` maps a date to the weekday that it follows, or to None for a day off.
    """
    key = day.isoformat()
    name = exceptions[key] if key in exceptions else WEEKDAYS[day.weekday()]
    return weekly.get(name, ()) if name else ()


def is_open(
    minute: datetime, zone: str, weekly: Mapping[Weekday, Windows], exceptions: Mapping[str, Weekday | None]
) -> bool:
    """Whether a weekly schedule with its exceptions is open at a minute."""
    day, second = local(minute, zone)
    today = windows_on(day, weekly, exceptions)
    return inside(second, today, windows_on(day - timedelta(days=1), weekly, exceptions))


def next_opening(
    minute: datetime, zone: str, weekly: Mapping[Weekday, Windows], exceptions: Mapping[str, Weekday | None]
) -> datetime | None:
    """The next instant at which the schedule opens, within 40 days; None when it stays closed."""
    day, _ = local(minute, zone)
    for offset in range(_SEARCH_DAYS):
        then = day + timedelta(days=offset)
        starts = (moment(then, start, zone) for start, _ in windows_on(then, weekly, exceptions))
        later: Iterable[datetime] = (start for start in starts if start > minute)
        opening = min(later, default=None)
        if opening is not None:
            return opening
    return None
