"""Many rows in one statement: the same result as one by one, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Flask
from sqlalchemy import select

from core import outbox
from core.bulk import insert_each, texts
from core.live import LiveEvent
from core.outbox import OutboxRow
from core.roles import ProcessReport
from core.uow import unit_of_work

NOW = datetime(2026, 11, 24, 12, 0, 0, 123000, tzinfo=UTC)
REPORTS: Any = ProcessReport.__table__
ODD = ["甲", "a'b", '"', "\\", "1"]


def reports() -> dict[str, tuple[int, datetime, Any]]:
    with unit_of_work(write=False) as current:
        return {row.role: (row.pid, row.at, row.detail) for row in current.scalars(select(ProcessReport))}


def test_each_value_becomes_a_row_with_the_same_other_columns(app: Flask) -> None:
    with unit_of_work() as current:
        insert_each(current, REPORTS, "role", ODD, {"pid": 7, "at": NOW, "detail": {"名": [1]}})
    assert reports() == {role: (7, NOW, {"名": [1]}) for role in ODD}


def test_rows_that_exist_are_updated_or_left_alone(app: Flask) -> None:
    with unit_of_work() as current:
        insert_each(current, REPORTS, "role", ["a"], {"pid": 1, "at": NOW, "detail": {}})
        insert_each(current, REPORTS, "role", ["a", "b"], {"pid": 2, "at": NOW, "detail": {}}, keys=["role"])
        insert_each(
            current, REPORTS, "role", ["b", "c"], {"pid": 3, "at": NOW, "detail": {}}, keys=["role"], update=["pid"]
        )
    assert {role: pid for role, (pid, _, _) in reports().items()} == {"a": 1, "b": 3, "c": 3}


def test_nothing_is_written_for_no_values(app: Flask) -> None:
    with unit_of_work() as current:
        insert_each(current, REPORTS, "role", [], {"pid": 1, "at": NOW, "detail": {}})
    assert reports() == {}


def test_ten_thousand_texts_are_one_parameter(app: Flask) -> None:
    with unit_of_work() as current:
        outbox.enqueue("nothing", [str(number) for number in range(10_000)])
        wanted = [str(number) for number in range(0, 20_000, 2)]
        found = current.scalars(select(OutboxRow.key).where(OutboxRow.key.in_(texts(current, wanted)))).all()
        assert len(found) == 5000
        assert current.scalars(select(LiveEvent.id)).all() == []


def test_the_outbox_keeps_the_order_of_its_keys(app: Flask) -> None:
    keys = [f"{number % 7}-{number}" for number in range(500)]
    with unit_of_work():
        outbox.enqueue("nothing", keys, {"n": 1})
    with unit_of_work(write=False) as current:
        rows = outbox.due(current, 1000)
        assert [row.key for row in rows] == keys
        assert rows[0].detail == {"n": 1}
