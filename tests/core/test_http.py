"""The HTTP edge on its own: demands, transactions, problems, idempotency."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError

from app import create_app
from config.settings import Settings
from core import audit, migrate, outbox
from core.actor import Actor
from core.db import db, session
from core.errors import Conflict
from core.http import identity as http_identity
from core.http.access import Access
from core.http.answers import reply
from core.http.identity import Authenticators, current_actor
from core.http.routes import Api
from core.ids import new_id
from core.permissions import Permission
from core.text import Text
from core.uow import start_writing, unit_of_work

api = Api("edge_test", __name__, prefix="/edge")
BUSY: list[bool] = []
ENTERED, GO_ON = threading.Event(), threading.Event()


class Thing(BaseModel):
    """Something to post."""

    name: str = Field(max_length=20)
    size: int = Field(ge=0)


@api.post("/things", Permission.STAFF_WRITE, {201: Thing})
def make_thing(body: Thing) -> Response:
    """Make a thing."""
    outbox.enqueue("edge", [body.name])
    audit.record(current_actor(), "thing.made", ("thing", body.name))
    if body.name == "taken":
        raise Conflict("taken", Text("已被占用。", "It is taken."))
    if body.name == "crash":
        raise RuntimeError("secret detail")
    if BUSY:
        raise OperationalError("x", {}, sqlite3.OperationalError("locked"))
    return reply(body, 201)


@api.post("/signed", Permission.STAFF_WRITE)
def make_signed() -> Response:
    """Answer with something else than JSON, never the same twice."""
    headers = {"Cache-Control": "private, max-age=7"}
    return Response(f"a.b.{new_id()}", 200, headers, mimetype="application/jose")


@api.post("/slow", Permission.STAFF_WRITE, {201: Thing}, reads_first=True)
def make_slowly(body: Thing) -> Response:
    """Take a while before the first change."""
    ENTERED.set()
    assert GO_ON.wait(20)
    start_writing()
    outbox.enqueue("edge", [new_id()])
    return reply(body, 201)


@api.get("/things", Access.PUBLIC)
def list_things() -> Response:
    """Read without writing."""
    outbox.enqueue("edge", ["never"])
    return reply({"items": []})


def _actor(bearer: str | None, _cookie: str | None) -> Actor | None:
    granted = {"writer": frozenset({Permission.STAFF_WRITE}), "other": frozenset({Permission.STAFF_WRITE})}
    if bearer not in {"writer", "reader", "other"}:
        return None
    return Actor("staff", bearer, bearer, granted.get(bearer, frozenset()), "/")


@pytest.fixture(scope="module")
def edge(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """An application with the routes above."""
    made = create_app(Settings(data_dir=tmp_path_factory.mktemp("edge"), database_url=database_url))  # type: ignore[arg-type]
    made.register_api(api.blueprint)  # type: ignore[attr-defined]

    @made.get("/edge/forgotten")
    def forgotten() -> str:
        return "nobody said who may"

    http_identity.bind(made, Authenticators(staff=_actor, device=lambda _token: pytest.fail("no device here")))
    with made.app_context():
        migrate.upgrade(db.engine)
    return made


@pytest.fixture
def caller(edge: Flask) -> FlaskClient:
    """A client on an outbox and an audit log without rows."""
    with edge.app_context(), unit_of_work() as current:
        current.execute(outbox.OutboxRow.__table__.delete())
        current.execute(audit.AuditEntry.__table__.delete())
        current.execute(audit.AuditHead.__table__.delete())
    BUSY.clear()
    return edge.test_client()


def _post(caller: FlaskClient, body: Any, who: str = "writer", **headers: str) -> Any:
    return caller.post("/edge/things", json=body, headers={"Authorization": f"Bearer {who}", **headers})


def _keys(edge: Flask) -> list[str]:
    with edge.app_context(), unit_of_work(write=False):
        return [row.key for row in outbox.due(session(), 100)]


def _actions(edge: Flask) -> list[tuple[str, str]]:
    with edge.app_context(), unit_of_work(write=False) as current:
        assert audit.verify_chain(current) is None
        return [(entry.action, entry.outcome) for entry in current.query(audit.AuditEntry).order_by("seq")]


def test_a_success_is_committed_whole(edge: Flask, caller: FlaskClient) -> None:
    assert _post(caller, {"name": "a", "size": 1}).status_code == 201
    assert _keys(edge) == ["a"]
    assert _actions(edge) == [("thing.made", "done")]


@pytest.mark.parametrize(("name", "status", "code"), [("taken", 409, "taken"), ("crash", 500, "internal")])
def test_an_error_leaves_nothing_behind(edge: Flask, caller: FlaskClient, name: str, status: int, code: str) -> None:
    answer = _post(caller, {"name": name, "size": 1})
    assert (answer.status_code, answer.json["code"], answer.mimetype) == (status, code, "application/problem+json")
    assert "secret detail" not in answer.text
    assert _keys(edge) == []
    assert _actions(edge) == []


def test_a_busy_database_is_said_to_be_busy(edge: Flask, caller: FlaskClient) -> None:
    BUSY.append(True)
    answer = _post(caller, {"name": "a", "size": 1})
    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (503, "database_busy", "2")
    assert _keys(edge) == []


def test_a_get_keeps_nothing(edge: Flask, caller: FlaskClient) -> None:
    assert caller.get("/edge/things").status_code == 200
    assert _keys(edge) == []


def test_nobody_and_somebody_without_the_permission(edge: Flask, caller: FlaskClient) -> None:
    assert _post(caller, {"name": "a", "size": 1}, who="nobody").status_code == 401
    refused: Any = _post(caller, {"name": "a", "size": 1}, who="reader")
    assert (refused.status_code, refused.json["permission"]) == (403, "staff.write")
    assert _actions(edge) == [("request.refused", "refused")]


def test_the_caller_is_known_before_the_body_is_judged(caller: FlaskClient) -> None:
    assert _post(caller, {"nonsense": 1}, who="nobody").status_code == 401
    assert _post(caller, {"nonsense": 1}, who="reader").status_code == 403


def test_a_route_without_a_demand_is_refused(caller: FlaskClient) -> None:
    answer: Any = caller.get("/edge/forgotten", headers={"Authorization": "Bearer writer"})
    assert (answer.status_code, answer.json["code"]) == (403, "no_demand")


def test_every_route_of_the_application_declares_its_demand(edge: Flask) -> None:
    from core.http.access import table

    silent = {
        rule.endpoint
        for rule in edge.url_map.iter_rules()
        if table.get(rule.endpoint) is None and not rule.endpoint.endswith("static")
    }
    assert silent == {"forgotten"}


def test_each_wrong_member_is_named_in_the_callers_language(caller: FlaskClient) -> None:
    body = {"name": "x" * 30, "size": -1}
    chinese = _post(caller, body, **{"Accept-Language": "zh-CN"}).json
    assert {(e["path"], e["code"]) for e in chinese["errors"]} == {
        ("name", "string_too_long"),
        ("size", "greater_than_equal"),
    }
    assert "太长" in str(chinese)
    assert "too long" in str(_post(caller, body, **{"Accept-Language": "en-GB"}).json)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"{", 400),
        (b'{"name": "\\u0000", "size": 1}', 400),
        (b'{"name": "\\ud800", "size": 1}', 400),
        (b'{"name":' + b"[" * 100_000, 400),
        (b"[" * 200 + b"]" * 200, 400),
        (b"[]", 422),
        (b'{"name": "a", "size": 1e999}', 422),
    ],
)
def test_what_cannot_be_read_is_refused_and_never_crashes(caller: FlaskClient, raw: bytes, status: int) -> None:
    headers = {"Authorization": "Bearer writer"}
    answer = caller.post("/edge/things", data=raw, content_type="application/json", headers=headers)
    assert answer.status_code == status


def test_a_repeated_key_gets_the_first_answer_and_nothing_happens_twice(edge: Flask, caller: FlaskClient) -> None:
    first = _post(caller, {"name": "a", "size": 1}, **{"Idempotency-Key": "k1"})
    again = _post(caller, {"name": "a", "size": 1}, **{"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert _keys(edge) == ["a"]
    other_body = _post(caller, {"name": "b", "size": 1}, **{"Idempotency-Key": "k1"})
    assert (other_body.status_code, other_body.json["code"]) == (422, "idempotency_key_reused")
    other_actor = _post(caller, {"name": "a", "size": 1}, who="other", **{"Idempotency-Key": "k1"})
    assert other_actor.status_code == 201
    assert _keys(edge) == ["a", "a"]


def test_twins_in_the_same_moment_get_one_answer_and_something_happens_once(edge: Flask, caller: FlaskClient) -> None:
    headers = {"Authorization": "Bearer writer", "Idempotency-Key": "twins"}

    def ask(size: int) -> Any:
        return edge.test_client().post("/edge/slow", json={"name": "a", "size": size}, headers=headers)

    ENTERED.clear()
    GO_ON.clear()
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(ask, 1)
        assert ENTERED.wait(20)
        twin, other = threads.submit(ask, 1), threads.submit(ask, 2)
        GO_ON.set()
        answers = [first.result(), twin.result(), other.result()]
    assert [answer.status_code for answer in answers] == [201, 201, 422]
    assert answers[0].json == answers[1].json
    assert len(_keys(edge)) == 1


def test_a_failed_try_does_not_use_up_its_key(caller: FlaskClient) -> None:
    BUSY.append(True)
    assert _post(caller, {"name": "a", "size": 1}, **{"Idempotency-Key": "k2"}).status_code == 503
    BUSY.clear()
    assert _post(caller, {"name": "a", "size": 1}, **{"Idempotency-Key": "k2"}).status_code == 201


def test_a_cookie_is_no_credential_for_the_api(caller: FlaskClient) -> None:
    caller.set_cookie("shouji_session", "writer")
    assert caller.post("/edge/things", json={"name": "a", "size": 1}).status_code == 401


def test_a_repeated_answer_keeps_its_media_type_and_what_caches_are_told(edge: Flask) -> None:
    client = edge.test_client()
    headers = {"Authorization": "Bearer writer", "Idempotency-Key": "signed"}
    first, again = (client.post("/edge/signed", headers=headers) for _ in range(2))
    assert (first.data, first.content_type, first.status_code) == (again.data, again.content_type, again.status_code)
    assert again.mimetype == "application/jose"
    assert again.headers["Cache-Control"] == "private, max-age=7"
