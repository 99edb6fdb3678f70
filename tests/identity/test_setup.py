from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from pydantic import SecretStr

from core import clock, runtime
from core.db import session
from core.errors import Invalid, NotFound
from core.uow import unit_of_work
from identity import accounts, people, setup
from identity.models import SetupLink
from tests.identity import world
from tests.identity.world import PASSWORD, SYSTEM, JsonClient

pytestmark = pytest.mark.usefixtures("app")


def link_token(start: setup.FirstStart) -> str:
    assert start.setup_url is not None
    return start.setup_url.rsplit("/", 1)[1]


def complete(token: str, username: str = "boss", password: str = PASSWORD) -> None:
    with unit_of_work():
        setup.complete(token, username, password, "老板")


@pytest.fixture
def admin_password(app: Flask) -> Iterator[str]:
    """The installation has SHOUJI_ADMIN_PASSWORD."""
    before = runtime.settings()
    runtime.bind(app, before.model_copy(update={"admin_password": SecretStr(PASSWORD)}))
    yield PASSWORD
    runtime.bind(app, before)


def test_the_first_start_hands_out_a_link_that_makes_one_administrator() -> None:
    token = link_token(world.first_start())
    complete(token)
    assert world.actor("boss").roles == {"platform_admin"}
    for again in (token, "WRONG"):
        with pytest.raises(NotFound, match="setup_link_invalid"):
            complete(again, "second")
    assert world.first_start().setup_url is None


def test_the_link_is_stored_hashed() -> None:
    token = link_token(world.first_start())
    with unit_of_work(write=False):
        assert token not in {link.token_hash for link in session().query(SetupLink)}
        assert setup.is_open(token)
        assert not setup.is_open("WRONG")


def test_a_new_start_replaces_the_link() -> None:
    old, new = link_token(world.first_start()), link_token(world.first_start())
    with pytest.raises(NotFound):
        complete(old)
    complete(new)


def test_a_weak_password_leaves_the_link_open() -> None:
    token = link_token(world.first_start())
    with pytest.raises(Invalid, match="password_length"):
        complete(token, password="short")
    complete(token)


def test_the_link_lapses() -> None:
    token = link_token(world.first_start())
    with time_machine.travel(clock.now() + timedelta(hours=25)), pytest.raises(NotFound):
        complete(token)


def test_the_link_is_dead_once_an_administrator_came_by_another_way() -> None:
    token = link_token(world.first_start())
    world.person("root", "platform_admin")
    with unit_of_work(write=False):
        assert not setup.is_open(token)
    with pytest.raises(NotFound):
        complete(token)


def test_a_password_in_the_settings_makes_admin_once(admin_password: str) -> None:
    assert world.first_start() == setup.FirstStart(admin_created=True)
    assert world.first_start() == setup.FirstStart()
    assert world.actor("admin").roles == {"platform_admin"}
    with unit_of_work(write=False):
        assert accounts.count_admins() == 1


def test_a_password_in_the_settings_changes_no_existing_account(admin_password: str) -> None:
    world.person("admin", "employee")
    assert world.first_start().setup_url is not None
    assert world.actor("admin").roles == {"employee"}


def test_the_installations_age_begins_at_the_first_start() -> None:
    with time_machine.travel("2026-03-02T08:00:00Z", tick=False):
        world.first_start()
    world.first_start()
    with unit_of_work(write=False):
        assert clock.to_wire(setup.installed_at()) == "2026-03-02T08:00:00.000Z"


def test_setup_over_http(client: JsonClient) -> None:
    token = link_token(world.first_start())
    body = {"token": token, "username": "boss", "password": PASSWORD}
    assert client.post("/api/v1/setup", json=body).status_code == 204
    again = client.post("/api/v1/setup", json=body | {"username": "second"})
    assert (again.status_code, again.json["code"]) == (404, "setup_link_invalid")
    with unit_of_work(write=False):
        assert [view.username for view in people.find(SYSTEM).items] == ["boss"]
