"""Many different rows in one statement: what is read back is what one row at a time would have stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, select, text

from core import bulk_rows
from core.db import insert_rows, upsert
from core.roles import ProcessReport
from core.uow import unit_of_work

REPORTS: Any = ProcessReport.__table__
NOW = datetime(2026, 11, 24, 12, 0, 0, 123000, tzinfo=UTC)
DETAILS: list[dict[str, Any]] = [
    {},
    {"名": "甲 'a' \"b\" \\ \n\t", "list": [1, None, True], "deep": {"x": 1.5}},
    {"text": '{"looks": "like JSON"}', "big": 2**53 - 1},
]


def rows(count: int, pid: int = 1) -> list[dict[str, Any]]:
    return [
        {"role": f"r{n:03d}", "pid": pid + n, "at": NOW + timedelta(seconds=n), "detail": DETAILS[n % len(DETAILS)]}
        for n in range(count)
    ]


def stored() -> list[dict[str, Any]]:
    with unit_of_work(write=False) as current:
        return [dict(row) for row in current.execute(select(REPORTS).order_by(REPORTS.c.role)).mappings()]


def raw() -> list[tuple[Any, ...]]:
    with unit_of_work(write=False) as current:
        found = current.execute(text("SELECT role, pid, CAST(at AS TEXT), CAST(detail AS TEXT) FROM process_reports"))
        return sorted(tuple(row) for row in found)


def test_many_rows_are_read_back_as_they_were_given(app: Flask) -> None:
    given = rows(bulk_rows.LEAST + 5)
    assert bulk_rows.fits(REPORTS, given)
    with unit_of_work() as current:
        insert_rows(current, REPORTS, given)
    assert stored() == given


def test_times_of_any_zone_are_stored_as_one_row_at_a_time_stores_them(app: Flask) -> None:
    given = rows(bulk_rows.LEAST)
    given[3]["at"] = NOW.astimezone(timezone(timedelta(hours=8)))
    with unit_of_work() as current:
        bulk_rows.write(current, REPORTS, given)
    together = {row[0]: row[2] for row in raw()}
    with unit_of_work() as current:
        current.execute(REPORTS.delete())
        for row in given:
            insert_rows(current, REPORTS, [row])
    assert together == {row[0]: row[2] for row in raw()}


def test_rows_that_exist_get_the_named_columns_alone(app: Flask) -> None:
    first = rows(bulk_rows.LEAST)
    newer = rows(bulk_rows.LEAST + 10, pid=900)
    with unit_of_work() as current:
        upsert(current, REPORTS, first, ["role"])
        upsert(current, REPORTS, [{**row, "detail": {"new": True}} for row in newer], ["role"], update=["pid"])
    found = stored()
    assert [row["pid"] for row in found] == [row["pid"] for row in newer]
    assert [row["detail"] for row in found[: len(first)]] == [row["detail"] for row in first]
    assert all(row["detail"] == {"new": True} for row in found[len(first) :])


def test_rows_that_exist_stay_when_nothing_is_to_be_updated(app: Flask) -> None:
    first = rows(bulk_rows.LEAST)
    with unit_of_work() as current:
        upsert(current, REPORTS, first, ["role"])
        upsert(current, REPORTS, rows(bulk_rows.LEAST, pid=900), ["role"], update=[])
    assert stored() == first


def test_a_time_without_a_zone_is_refused(app: Flask) -> None:
    given = rows(bulk_rows.LEAST)
    given[0]["at"] = NOW.replace(tzinfo=None)
    with pytest.raises(TypeError), unit_of_work() as current:
        insert_rows(current, REPORTS, given)
    assert stored() == []


def test_what_json_cannot_carry_goes_the_usual_way() -> None:
    table = Table(
        "t",
        MetaData(),
        Column("k", String(10), primary_key=True),
        Column("body", LargeBinary),
        Column("n", Integer, default=0),
    )
    full = [{"k": str(n), "n": n} for n in range(bulk_rows.LEAST)]
    assert bulk_rows.fits(table, full)
    assert not bulk_rows.fits(table, full[1:])
    assert not bulk_rows.fits(table, [{**row, "body": b""} for row in full])
    assert not bulk_rows.fits(table, [{"k": row["k"]} for row in full])
    assert not bulk_rows.fits(table, [*full, {"k": "x"}])
