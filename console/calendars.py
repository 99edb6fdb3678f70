"""Calendars: the list with where each year comes from and what is missing, and one year as twelve small months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import render_template, request

from console import lists, policy_words, words
from console.device_view import IDLE, OK, WARN, Label
from console.language import t
from console.policies import tabs
from console.policy_form.values import COMMON as VALUES
from core.errors import Invalid
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from policies import app_register, calendar_view, calendar_years, documents, statutory_days
from policies.calendar_view import Follower, ShownDay, YearTable
from policies.calendar_years import KIND, WARN_FROM
from policies.engine.windows import WEEKDAYS, Windows

SOURCES = {
    "announced": Label(Text("国务院公布（内置）", "Announced (built in)"), OK),
    "own": Label(Text("导入或手工编辑", "Imported or edited"), OK),
    "provisional": Label(Text("暂定，尚未公布", "Provisional, not announced"), WARN),
    "mixed": Label(Text("部分暂定", "Partly provisional"), WARN),
    "missing": Label(Text("没有数据", "No days"), IDLE),
}
KINDS = {
    "workday": Text("工作日", "Workday"),
    "weekend": Text("周末", "Weekend"),
    "holiday": Text("法定节假日", "Statutory holiday"),
    "makeup": Text("调休上班", "Make-up workday"),
}
MARKS = {"holiday": Text("休", "off"), "makeup": Text("班", "on")}
DAYS = (
    Text("一", "Mo"),
    Text("二", "Tu"),
    Text("三", "We"),
    Text("四", "Th"),
    Text("五", "Fr"),
    Text("六", "Sa"),
    Text("日", "Su"),
)
DRAFT = "draft"

pages = Pages("calendars", __name__)


@dataclass(frozen=True, slots=True)
class Cell:
    """A day in its month: its column and what is said when one points at it."""

    day: ShownDay
    column: int
    said: str


@pages.get("/calendars", Permission.DOCUMENT_READ)
def show_list() -> str:
    """Calendars by name, with the years that they lack."""
    actor = current_actor()
    page = documents.find(actor, KIND, lists.cursor(), lists.LIMIT)
    today = app_register.local_day()
    return render_template(
        "calendars.html",
        calendars=calendar_view.overview(actor, page.items),
        total=documents.count(actor, KIND),
        paging=lists.paging(page, {}),
        this_year=today.year,
        warns=today.month >= WARN_FROM,
        sources=SOURCES,
        policy=policy_words,
        tabs=tabs(actor, "calendars"),
        may_write=actor.may(Permission.DOCUMENT_WRITE),
    )


@pages.get("/calendars/<name>", Permission.DOCUMENT_READ)
def show(name: str) -> str:
    """One year of a calendar; `show=draft` shows what is not published yet."""
    actor, today = current_actor(), app_register.local_day()
    document = documents.get(actor, KIND, name)
    draft = request.args.get("show") == DRAFT or document.version is None
    days = calendar_view.days_of(actor, name, draft=draft)
    year, known = _year(today.year), calendar_view.tables(days)
    followed_by = calendar_view.followers(actor, name)
    months = calendar_view.year_of(days, followed_by, year)
    return render_template(
        "calendar.html",
        document=document,
        draft=draft,
        year=year,
        years=_years(known, today.year, year),
        table=next((one for one in known if one.year == year), None),
        months=[[_cell(day) for day in month] for month in months],
        special=[day for month in months for day in month if day.kind in MARKS],
        missing=[one for one in calendar_years.missing(actor) if one.calendar == name],
        followers=followed_by,
        weekly=[_weekly(one) for one in followed_by],
        announced=statutory_days.announced_through(),
        today=today,
        kinds=KINDS,
        marks=MARKS,
        columns=DAYS,
        long_days={day: VALUES[day] for day in WEEKDAYS},
        sources=SOURCES,
        windows=_windows,
        words=words,
        policy=policy_words,
        may_write=actor.may(Permission.DOCUMENT_WRITE),
        may_publish=actor.may(Permission.DOCUMENT_PUBLISH),
    )


def _year(this_year: int) -> int:
    text = request.args.get("year") or str(this_year)
    if not text.isascii() or not text.isdecimal() or len(text) > 4:
        raise Invalid("bad_year", Text("年份应为四位数字。", "A year is a number of four digits."))
    return int(text)


def _years(known: Sequence[YearTable], this_year: int, shown: int) -> list[tuple[int, Label]]:
    """The years that can be gone to, each with where its days come from."""
    sources = {one.year: SOURCES[one.source] for one in known}
    wanted = sorted({*sources, this_year, this_year + 1, shown})
    return [(year, sources.get(year, SOURCES["missing"])) for year in wanted]


def _cell(day: ShownDay) -> Cell:
    parts = [day.date.isoformat(), t(KINDS[day.kind].zh, KINDS[day.kind].en)]
    parts += [day.name] if day.name else []
    parts += [t("暂定", "provisional")] if day.provisional else []
    parts += [f"{policy} {_windows(windows)}" for policy, windows in day.windows[:3]]
    return Cell(day, day.date.weekday() + 1, " · ".join(parts))


def _weekly(follower: Follower) -> list[str]:
    return [_windows(follower.weekly[day]) for day in WEEKDAYS]


def _windows(windows: Windows) -> str:
    """`09:00-12:00, 13:30-18:30`, or that the hours are closed."""
    if not windows:
        return t("不在工作时间", "closed")
    return ", ".join(f"{_clock(start)}-{_clock(end)}" for start, end in windows)


def _clock(second: int) -> str:
    whole = timedelta(seconds=second) // timedelta(minutes=1)
    return f"{whole // 60:02d}:{whole % 60:02d}"
