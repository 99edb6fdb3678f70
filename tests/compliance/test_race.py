from __future__ import annotations

from threading import Thread

import pytest
from flask import Flask
from sqlalchemy import text

from core.db import db
from tests.compliance.bureau import Bureau

HOLD = "SELECT 1 FROM {table} WHERE {key} = :id FOR UPDATE"


def test_a_phone_that_somebody_else_judges_is_judged_once_more_afterwards(app: Flask, bureau: Bureau) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    bureau.rule()
    phone = bureau.phone()

    def beat() -> None:
        with app.app_context():
            bureau.beat(phone, rooted=True)

    with db.engine.connect() as other:
        other.execute(text(HOLD.format(table="compliance_states", key="device_id")), {"id": phone.id})
        telling = Thread(target=beat)
        telling.start()
        telling.join(1)
        other.rollback()
        telling.join(20)
    assert not telling.is_alive()
    bureau.tick()
    assert bureau.counted(phone) == {"root"}


def test_the_ladder_leaves_a_phone_that_somebody_changes_for_the_next_run(app: Flask, bureau: Bureau) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    bureau.rule()
    phone = bureau.phone()
    bureau.beat(phone, rooted=True)
    with db.engine.connect() as other:
        other.execute(text(HOLD.format(table="devices", key="id")), {"id": phone.id})
        bureau.tick()
        assert bureau.shown(phone)["step"] == "none"
        other.rollback()
    bureau.tick()
    assert bureau.shown(phone)["step"] == "notify_holder"
