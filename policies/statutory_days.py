"""Statutory holidays and make-up workdays of mainland China: announced years, and provisional ones for those to come.

Announced days come from the package `chinesecalendar`, which follows the State Council's yearly notice. Before the
notice, `holidays` knows on which dates the holidays themselves fall, but neither bridges nor make-up workdays.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import chinese_calendar
import holidays

from core.errors import Invalid
from core.text import Text

FIRST_YEAR = 2007
"""The first year whose days off were announced in today's form."""
LAST_YEAR = 2099
_NAMES = {holiday.value: holiday.chinese for holiday in chinese_calendar.Holiday}


def announced_through() -> int:
    """The last year whose announced days are known."""
    years: list[int] = [day.year for day in chinese_calendar.constants.workdays]
    return max(years)


def days_of(year: int) -> list[dict[str, Any]]:
    """The days of a year as they stand in a calendar document; `provisional` where they are not announced yet.

    Raises Invalid for a year that nobody knows.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid(
            "unknown_year",
            Text(
                f"没有 {year} 年的节假日，可选 {FIRST_YEAR} 至 {LAST_YEAR}。",
                f"The holidays of {year} are not known: {FIRST_YEAR} to {LAST_YEAR} are.",
            ),
        )
    return _announced(year) if year <= announced_through() else _provisional(year)


def _announced(year: int) -> list[dict[str, Any]]:
    off, on = chinese_calendar.constants.holidays, chinese_calendar.constants.workdays
    found = [_day(day, "holiday", _NAMES[name]) for day, name in off.items() if day.year == year]
    found += [_day(day, "workday", f"{_NAMES[name]}调休") for day, name in on.items() if day.year == year]
    return sorted(found, key=lambda day: str(day["date"]))


def _provisional(year: int) -> list[dict[str, Any]]:
    known = holidays.country_holidays("CN", years=year, language="zh_CN")
    return [{**_day(day, "holiday", name), "provisional": True} for day, name in sorted(known.items())]


def _day(day: date, kind: str, name: str) -> dict[str, Any]:
    return {"date": day.isoformat(), "kind": kind, "name": name[:50]}
