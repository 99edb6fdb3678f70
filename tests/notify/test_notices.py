from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from core import clock, live
from core.actor import Actor
from core.db import session
from core.errors import Conflict
from core.text import Text
from core.uow import unit_of_work
from notify import in_app, notices
from notify.views import NoticeView
from tests.identity import world
from tests.identity.world import JsonClient

pytestmark = pytest.mark.usefixtures("app")
TEXT = Text("有一项操作等待审批。", "Something waits.")
LI, WANG = Actor("staff", "p-li", "li"), Actor("staff", "p-wang", "wang")


def send(*people: str, kind: str = "approval_requested") -> None:
    with unit_of_work():
        notices.send(people, kind, TEXT, ("approval", "a-1"))


def of(who: Actor, **wanted: bool) -> list[NoticeView]:
    with unit_of_work(write=False):
        return in_app.find(who, **wanted).items  # type: ignore[arg-type]


def test_each_person_is_told_once() -> None:
    send("p-li", "p-wang", "p-li")
    assert [(view.kind, view.text, view.about, view.read) for view in of(LI)] == [
        ("approval_requested", TEXT, ("approval", "a-1"), False)
    ]
    assert len(of(WANG)) == 1


def test_nobody_to_tell_is_no_error() -> None:
    send()
    with unit_of_work(write=False):
        assert live.latest(session()) == 0


def test_open_pages_hear_of_it() -> None:
    send("p-li")
    with unit_of_work(write=False):
        assert [(row.topic, row.key) for row in live.since(session(), 0)] == [("notices", "p-li")]


def test_a_notice_falls_with_its_unit_of_work() -> None:
    with pytest.raises(Conflict), unit_of_work():
        notices.send(["p-li"], "x", TEXT, ("approval", "a-1"))
        raise Conflict("x", TEXT)
    assert of(LI) == []


def test_everybody_marks_their_own_as_read() -> None:
    send("p-li", "p-wang")
    ids = [of(LI)[0].id, of(WANG)[0].id]
    with unit_of_work():
        assert in_app.mark_read(LI, ids) == 1
        assert in_app.mark_read(LI, ids) == 0
    assert of(LI, unread=True) == []
    assert len(of(WANG, unread=True)) == 1
    assert of(LI)[0].read


def test_another_carrier_carries_the_same_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_carriers", dict(notices._carriers))
    carried: list[notices.Notice] = []
    notices.carrier("test")(carried.append)
    send("p-li")
    assert [notice.person_ids for notice in carried] == [["p-li"]]
    assert len(of(LI)) == 1


def test_old_notices_are_dropped() -> None:
    send("p-li")
    with time_machine.travel(clock.now() + timedelta(days=91)):
        send("p-wang")
        with unit_of_work():
            assert in_app.forget_old() == "1 dropped"
    assert (of(LI), len(of(WANG))) == ([], 1)


def test_notices_over_http_are_ones_own_and_in_ones_language(app: Flask, client: JsonClient) -> None:
    person_id = world.person("li")
    send(person_id, "p-wang")
    auth = world.headers("li") | {"Accept-Language": "en"}
    items = client.get("/api/v1/notices?unread=true", headers=auth).json["items"]
    assert [item["text"] for item in items] == ["Something waits."]
    answer = client.post("/api/v1/notices/read", json={"ids": [items[0]["id"]]}, headers=auth)
    assert answer.json == {"changed": 1}
    assert client.get("/api/v1/notices?unread=true", headers=auth).json["items"] == []
    assert client.post("/api/v1/notices/read", json={"ids": []}, headers=auth).status_code == 422
