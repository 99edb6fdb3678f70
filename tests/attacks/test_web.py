"""The HTTP edge against hand-made requests."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from config.settings import Settings
from core.db import db
from core.http.limits import caller_address
from core.runtime import EXTENSION, Runtime, runtime
from tests.fleet_commands.desk import Desk
from tests.identity import world

API = "/api/v1"


@pytest.mark.parametrize(
    ("body", "code"),
    [(b'{"name": "a\\u0000b"}', "bad_text"), (b"[" * 100_000, "too_deep"), (b'{"name": "', "bad_request")],
)
def test_a_body_in_chunks_is_checked_like_any_other(client: FlaskClient, body: bytes, code: str) -> None:
    chunks = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    world.person("admin", "platform_admin")
    answer = client.post(
        f"{API}/staff",
        data=body,
        headers=world.headers("admin"),
        content_type="application/json",
        environ_overrides=chunks,
    )
    assert answer.status_code == 400, answer.json
    assert answer.json is not None and answer.json["code"] == code


def test_a_revision_of_thousands_of_digits_is_a_bad_request(desk: Desk) -> None:
    company = desk.company
    headers = {**company.admin, "If-Match": "9" * 5000}
    answer = company.client.patch(f"{API}/staff/{company.wang}", json={"name": "x"}, headers=headers)
    assert answer.status_code == 400
    assert answer.json is not None and answer.json["code"] == "bad_if_match"


def test_attempts_are_counted_for_the_address_that_the_declared_proxy_saw(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seen(forwarded: str) -> str:
        peer = {"REMOTE_ADDR": "10.0.0.1"}
        with app.test_request_context(headers={"X-Forwarded-For": forwarded}, environ_base=peer):
            return caller_address()

    assert seen("203.0.113.7") == "10.0.0.1"
    changed = runtime().settings.model_copy(update={"http_proxy": True})
    monkeypatch.setitem(app.extensions, EXTENSION, Runtime(changed))
    assert seen("203.0.113.7") == "203.0.113.7"
    # What the caller wrote itself stands before it.
    assert seen("198.51.100.1, 203.0.113.7") == "203.0.113.7"
    assert seen("") == "10.0.0.1"


def test_private_answers_are_kept_by_no_cache(desk: Desk) -> None:
    for path in ("/devices", "/audit", "/staff", "/auth/me"):
        assert desk.company.get(path).headers["Cache-Control"] == "no-store"


def test_the_database_is_closed_to_other_users_in_a_folder_that_is_open(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    made = create_app(Settings(data_dir=tmp_path))
    with made.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (id INTEGER)")
    for path in tmp_path.glob("shouji.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_an_error_of_the_database_names_no_values(app: Flask) -> None:
    assert db.engine.hide_parameters
