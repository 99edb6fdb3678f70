"""Passwords are compared outside the write lock: SQLite has one writer, and a comparison is slow on purpose."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from core import audit
from core.uow import unit_of_work
from identity import passwords, people, sign_in, throttle
from identity.people import PersonChanges
from policies import apply
from tests.identity import world
from tests.identity.world import PASSWORD, SYSTEM

NEW_PASSWORD = "an entirely new one"
WAIT_S = 20.0
Ask = Callable[[], Any]


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch, where: object, name: str) -> Iterator[Callable[[], None]]:
    """A slow function: it stands still until the block ends; what is yielded waits until somebody is in it."""
    entered, go_on, real = threading.Event(), threading.Event(), getattr(where, name)

    def slow(*args: Any) -> Any:
        entered.set()
        assert go_on.wait(WAIT_S)
        return real(*args)

    def wait() -> None:
        assert entered.wait(WAIT_S)

    monkeypatch.setattr(where, name, slow)
    try:
        yield wait
    finally:
        monkeypatch.setattr(where, name, real)
        go_on.set()


@pytest.fixture
def asking(app: Flask) -> Iterator[Callable[[Ask], Future[Any]]]:
    """Runs a request in a thread of its own."""
    with ThreadPoolExecutor(8) as threads:
        yield threads.submit


def post(app: Flask, path: str, headers: dict[str, str] | None = None, **body: str) -> Ask:
    return lambda: app.test_client().post(f"/api/v1/{path}", json=body, headers=headers)


def form(app: Flask, path: str, **fields: str) -> Ask:
    def send() -> Any:
        browser = app.test_client()
        found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(path).text)
        assert found is not None
        return browser.post(path, data={**fields, "csrf_token": found[1]})

    return send


def sign_ins(app: Flask) -> dict[str, Ask]:
    return {
        "api": post(app, "auth/token", username="li", password=PASSWORD),
        "console": form(app, "/sign-in", username="li", password=PASSWORD),
        "change": post(app, "auth/password", world.headers("li"), current_password=PASSWORD, new_password=NEW_PASSWORD),
    }


@pytest.mark.parametrize("way", ["api", "console", "change"])
def test_others_write_while_a_password_is_compared(
    app: Flask, asking: Callable[[Ask], Future[Any]], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    world.person("li")
    ask = sign_ins(app)[way]
    with held(monkeypatch, passwords, "verify") as wait_entered:
        answer = asking(ask)
        wait_entered()
        with unit_of_work():
            audit.record(SYSTEM, "thing.done", ("thing", "1"))
        assert not answer.done()
    assert answer.result(WAIT_S).status_code == {"api": 200, "console": 303, "change": 204}[way]


def test_others_write_while_a_long_document_is_read(
    app: Flask, asking: Callable[[Ask], Future[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.first_start()
    world.person("li", "platform_admin")
    with held(monkeypatch, apply, "parse") as wait_entered:
        answer = asking(post(app, "documents/apply", world.headers("li"), apiVersion="shouji/v1", kind="Nothing"))
        wait_entered()
        with unit_of_work():
            audit.record(SYSTEM, "thing.done", ("thing", "1"))
        assert not answer.done()
    assert answer.result(WAIT_S).status_code == 422


@pytest.mark.parametrize("way", ["api", "change"])
def test_a_password_that_was_changed_while_it_was_compared_opens_nothing(
    app: Flask, asking: Callable[[Ask], Future[Any]], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    person = world.person("li")
    ask = sign_ins(app)[way]
    with held(monkeypatch, passwords, "verify") as wait_entered:
        answer = asking(ask)
        wait_entered()
        with unit_of_work():
            people.change(SYSTEM, person, PersonChanges(frozenset({"password"}), password=NEW_PASSWORD))
    assert answer.result(WAIT_S).status_code == {"api": 401, "change": 422}[way]


def test_a_name_that_was_locked_while_its_right_password_was_compared_stays_locked(
    app: Flask, asking: Callable[[Ask], Future[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.person("li")
    with held(monkeypatch, passwords, "verify") as wait_entered:
        answer = asking(post(app, "auth/token", username="li", password=PASSWORD))
        wait_entered()
        for _ in range(throttle.FREE_FAILURES + 1):
            with unit_of_work():
                throttle.count_failure("li")
    assert answer.result(WAIT_S).status_code == 429


def test_a_unit_that_writes_already_signs_in_without_losing_what_it_wrote(app: Flask) -> None:
    world.person("li")
    with unit_of_work():
        audit.record(SYSTEM, "thing.done", ("thing", "1"))
        sign_in.console("li", PASSWORD)
    with unit_of_work(write=False) as current:
        assert audit.verify_chain(current) is None
        assert current.scalar(audit.AuditEntry.__table__.select().where(audit.AuditEntry.action == "thing.done"))


@pytest.mark.parametrize("way", ["create", "reset", "setup"])
def test_others_write_while_a_new_password_is_hashed(
    app: Flask, asking: Callable[[Ask], Future[Any]], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    asks: dict[str, Callable[[], Ask]] = {"create": lambda: _create(app), "reset": lambda: _reset(app)}
    ask = asks.get(way, lambda: _set_up(app))()
    with held(monkeypatch, passwords, "hash_password") as wait_entered:
        answer = asking(ask)
        wait_entered()
        with unit_of_work():
            audit.record(SYSTEM, "thing.done", ("thing", "1"))
        assert not answer.done()
    assert answer.result(WAIT_S).status_code == {"create": 201, "reset": 200, "setup": 303}[way]


def _create(app: Flask) -> Ask:
    world.person("boss", "platform_admin")
    return post(app, "staff", world.headers("boss"), name="王", username="wang", password=NEW_PASSWORD)


def _reset(app: Flask) -> Ask:
    world.person("boss", "platform_admin")
    address, headers = f"/api/v1/staff/{world.person('li')}", world.headers("boss")
    return lambda: app.test_client().patch(address, json={"password": NEW_PASSWORD}, headers=headers)


def _set_up(app: Flask) -> Ask:
    link = world.first_start().setup_url or ""
    fields = {"name": "王", "username": "wang", "password": NEW_PASSWORD, "password_again": NEW_PASSWORD}
    return form(app, link[link.index("/setup/") :], **fields)


def test_a_new_password_is_hashed_for_the_user_name_that_the_person_has_in_the_end(
    app: Flask, asking: Callable[[Ask], Future[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.person("boss", "platform_admin")
    person = world.person("li")
    address, headers = f"/api/v1/staff/{person}", world.headers("boss")
    with held(monkeypatch, passwords, "hash_password") as wait_entered:
        answer = asking(lambda: app.test_client().patch(address, json={"password": "renamed-person"}, headers=headers))
        wait_entered()
        with unit_of_work():
            people.change(SYSTEM, person, PersonChanges(frozenset({"username"}), username="renamed-person"))
    refused = answer.result(WAIT_S)
    assert (refused.status_code, refused.json["code"]) == (422, "password_is_username")
