"""Windows of one day that overlap: they are united anyway, so an author who writes them meant something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from core.text import Text
from policies.engine.windows import WEEKDAYS
from policies.language.problems import Location
from policies.rules.forms import DAY, parse_window
from policies.rules.work_hours import days_of

Fault = tuple[Location, str, Text]


class _Span(NamedTuple):
    """A stretch of seconds from the beginning of the week, or of the day, and the window that it is of."""

    start: int
    end: int
    text: str
    place: Location


def overlaps(spec: Mapping[str, Any]) -> Iterator[Fault]:
    """Places in a policy's spec whose windows overlap others, across midnight too."""
    weekly = (spec.get("work_hours") or {}).get("weekly") or {}
    yield from _of(list(_weekly(weekly)), 7 * DAY)
    quiet = (spec.get("contact_limits") or {}).get("quiet_hours") or ()
    yield from _of(list(_spans(quiet, 0, ("spec", "contact_limits", "quiet_hours"))), DAY)


def _weekly(weekly: Mapping[str, Sequence[str]]) -> Iterator[_Span]:
    for key, windows in weekly.items():
        for day in days_of(key):
            yield from _spans(windows, WEEKDAYS.index(day) * DAY, ("spec", "work_hours", "weekly", key))


def _spans(windows: Sequence[str], midnight: int, place: Location) -> Iterator[_Span]:
    for index, text in enumerate(windows):
        start, end = parse_window(text)
        yield _Span(midnight + start, midnight + (end if end > start else end + DAY), text, (*place, index))


def _of(spans: list[_Span], cycle: int) -> Iterator[Fault]:
    # What runs over the end of the cycle goes on at its beginning.
    wrapped = [span._replace(start=span.start - cycle, end=span.end - cycle) for span in spans if span.end > cycle]
    latest: _Span | None = None
    told: set[Location] = set()
    for span in sorted([*spans, *wrapped]):
        if latest is not None and span.start < latest.end and span.place not in told:
            told.add(span.place)
            yield span.place, "windows_overlap", _say(span.text, latest.text)
        latest = span if latest is None or span.end > latest.end else latest


def _say(one: str, other: str) -> Text:
    return Text(
        f"时段 {one} 与 {other} 重叠，请合并为一个时段。", f"The windows {one} and {other} overlap: write them as one."
    )
