from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from app import create_app
from config.settings import Settings
from core import jobs
from core.http.limits import FailedSignIn
from core.runtime import runtime
from core.uow import unit_of_work
from identity import throttle
from tests.identity import world
from tests.identity.world import PASSWORD, JsonClient

API = "/api/v1"


@pytest.fixture
def admin(app: Flask) -> dict[str, str]:
    """The header of a platform administrator."""
    world.person("root", "platform_admin")
    return world.headers("root")


def create(client: JsonClient, auth: dict[str, str], **body: Any) -> Any:
    answer = client.post(f"{API}/staff", json={"name": "王芳"} | body, headers=auth)
    assert answer.status_code == 201, answer.json
    return answer.json


def test_a_token_is_exchanged_used_and_signed_out(app: Flask, client: JsonClient) -> None:
    world.person("root", "platform_admin")
    answer = client.post(f"{API}/auth/token", json={"username": "root", "password": PASSWORD})
    assert answer.status_code == 200
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 900)
    assert answer.headers["Cache-Control"] == "no-store"
    auth = {"Authorization": f"Bearer {answer.json['access_token']}"}
    me = client.get(f"{API}/auth/me", headers=auth).json
    assert (me["username"], me["roles"], me["org_unit"], me["totp"]) == ("root", ["platform_admin"], "/", False)
    assert "staff.write" in me["permissions"]
    assert client.post(f"{API}/auth/sign-out", headers=auth).status_code == 204
    assert client.get(f"{API}/auth/me", headers=auth).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "root"},
        {"username": "root", "password": 5},
        {"username": "root", "password": "x", "more": 1},
        {"username": "", "password": "x"},
        {"username": "root", "password": "x" * 300},
        [],
        "text",
    ],
)
def test_a_malformed_sign_in_names_what_is_wrong(app: Flask, client: JsonClient, body: Any) -> None:
    answer = client.post(f"{API}/auth/token", json=body)
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")


def test_a_refused_sign_in_is_401_and_a_locked_name_429_with_the_wait(app: Flask, client: JsonClient) -> None:
    body = {"username": "nobody", "password": "wrong password!"}
    for _ in range(throttle.FREE_FAILURES + 1):
        answer = client.post(f"{API}/auth/token", json=body)
        assert (answer.status_code, answer.json["code"]) == (401, "sign_in_refused")
    answer = client.post(f"{API}/auth/token", json=body)
    assert (answer.status_code, answer.json["code"]) == (429, "sign_in_locked")
    assert 1 <= int(answer.headers["Retry-After"]) <= throttle.FIRST_LOCK_S + 1


def test_texts_follow_the_callers_language(app: Flask, client: JsonClient) -> None:
    body = {"username": "nobody", "password": "wrong password!"}
    zh = client.post(f"{API}/auth/token", json=body).json["detail"]
    en = client.post(f"{API}/auth/token", json=body, headers={"Accept-Language": "en"}).json["detail"]
    assert (zh, en) == ("用户名、密码或验证码不正确。", "User name, password or code is wrong.")


def test_staff_are_created_as_the_contract_says(client: JsonClient, admin: dict[str, str]) -> None:
    client.post(f"{API}/org-units", json={"path": "/总部/电销"}, headers=admin)
    made = create(
        client,
        admin,
        username="wangfang",
        employee_no="E1024",
        password=PASSWORD,
        roles=["supervisor", "employee"],
        org_unit="/总部/电销",
    )
    read = client.get(f"{API}/staff/{made['id']}", headers=admin)
    assert read.json == made
    assert read.headers["ETag"] == '"1"'
    assert made["created_at"].endswith("Z")
    assert {key: made[key] for key in ("username", "employee_no", "roles", "org_unit", "state", "has_login")} == {
        "username": "wangfang",
        "employee_no": "E1024",
        "roles": ["employee", "supervisor"],
        "org_unit": "/总部/电销",
        "state": "active",
        "has_login": True,
    }
    assert PASSWORD not in read.text
    assert "hash" not in read.text


def test_an_unknown_unit_is_422_with_what_to_do(client: JsonClient, admin: dict[str, str]) -> None:
    answer = client.post(f"{API}/staff", json={"name": "a", "org_unit": "/没有"}, headers=admin)
    assert (answer.status_code, answer.json["code"], answer.json["org_unit"]) == (422, "unknown_org_unit", "/没有")
    assert "请先创建它" in answer.json["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "a", "roles": ["superuser"]},
        {"name": "a", "rolls": []},
        {"name": "a", "employee_no": 5},
        {"name": "a\u0007b"},
        {"name": "a", "username": "a b"},
        {"name": "a", "username": "root2", "password": "short"},
    ],
)
def test_wrong_input_about_a_person_is_422(client: JsonClient, admin: dict[str, str], body: dict[str, Any]) -> None:
    assert client.post(f"{API}/staff", json=body, headers=admin).status_code == 422


def test_a_stale_revision_is_409_by_body_and_by_if_match(client: JsonClient, admin: dict[str, str]) -> None:
    address = f"{API}/staff/{create(client, admin)['id']}"
    good = client.patch(address, json={"name": "一", "revision": 1}, headers=admin)
    assert (good.status_code, good.json["revision"]) == (200, 2)
    stale = client.patch(address, json={"name": "二", "revision": 1}, headers=admin)
    assert (stale.status_code, stale.json["code"], stale.json["revision"]) == (409, "stale_revision", 2)
    stale = client.patch(address, json={"name": "三"}, headers=admin | {"If-Match": '"1"'})
    assert stale.status_code == 409
    assert client.patch(address, json={"name": "四"}, headers=admin | {"If-Match": '"2"'}).status_code == 200
    assert client.patch(address, json={"name": "五"}, headers=admin | {"If-Match": '"x"'}).status_code == 400
    assert client.delete(address, headers=admin | {"If-Match": '"1"'}).status_code == 409
    assert client.get(address, headers=admin).json["name"] == "四"


def test_a_patch_changes_only_what_it_names(client: JsonClient, admin: dict[str, str]) -> None:
    made = create(client, admin, employee_no="E1", roles=["employee"])
    address = f"{API}/staff/{made['id']}"
    assert client.patch(address, json={"name": "李"}, headers=admin).json["employee_no"] == "E1"
    cleared = client.patch(address, json={"employee_no": None}, headers=admin).json
    assert (cleared["name"], cleared["employee_no"], cleared["roles"]) == ("李", None, ["employee"])
    assert client.patch(address, json={"name": None}, headers=admin).status_code == 422


def test_delete_deactivates_and_keeps(client: JsonClient, admin: dict[str, str]) -> None:
    made = create(client, admin)
    assert client.delete(f"{API}/staff/{made['id']}", headers=admin).status_code == 204
    assert client.get(f"{API}/staff/{made['id']}", headers=admin).json["state"] == "inactive"
    listed = client.get(f"{API}/staff?state=inactive", headers=admin).json
    assert [item["id"] for item in listed["items"]] == [made["id"]]


def test_an_idempotent_creation_happens_once(client: JsonClient, admin: dict[str, str]) -> None:
    auth = admin | {"Idempotency-Key": "k-1"}
    first, second = create(client, auth), create(client, auth)
    assert first == second
    other = client.post(f"{API}/staff", json={"name": "other"}, headers=auth)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert len(client.get(f"{API}/staff?q=王芳", headers=admin).json["items"]) == 1


def test_units_are_made_listed_changed_and_deleted(client: JsonClient, admin: dict[str, str]) -> None:
    head = client.post(f"{API}/org-units", json={"name": "总部"}, headers=admin)
    team = client.post(f"{API}/org-units", json={"name": "电销", "parent": "/总部"}, headers=admin)
    assert (head.status_code, team.json["org_unit"], team.json["parent_id"]) == (201, "/总部/电销", head.json["id"])
    address = f"{API}/org-units/{team.json['id']}"
    renamed = client.patch(address, json={"name": "电销一部", "parent": "/", "revision": 1}, headers=admin)
    assert renamed.json["org_unit"] == "/电销一部"
    assert client.patch(address, json={"name": "x", "revision": 1}, headers=admin).status_code == 409
    listed = client.get(f"{API}/org-units", headers=admin).json
    assert [item["org_unit"] for item in listed["items"]] == ["/", "/总部", "/电销一部"]
    assert client.delete(address, headers=admin).status_code == 204
    assert client.get(address, headers=admin).status_code == 404
    assert client.post(f"{API}/org-units", json={}, headers=admin).status_code == 422
    assert client.post(f"{API}/org-units", json={"name": "a", "path": "/b"}, headers=admin).status_code == 422


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("it_admin", {"staff": 200, "audit": 403}),
        ("auditor", {"staff": 200, "audit": 200}),
        ("employee", {"staff": 403}),
    ],
)
def test_roles_open_routes(app: Flask, client: JsonClient, role: str, expected: dict[str, int]) -> None:
    world.person("li", role)
    auth = world.headers("li")
    for route, status in expected.items():
        assert client.get(f"{API}/{route}", headers=auth).status_code == status


def test_without_credentials_there_is_nothing(app: Flask, client: JsonClient) -> None:
    for route in ("staff", "org-units", "audit", "auth/me", "approvals", "notices", "auth/sessions"):
        answer = client.get(f"{API}/{route}")
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_console_cookie_opens_no_api_route(app: Flask, client: JsonClient) -> None:
    from identity import sign_in

    world.person("root", "platform_admin")
    with unit_of_work():
        cookie = sign_in.console("root", PASSWORD).token
    client.set_cookie("shouji_session", str(cookie))
    assert client.get(f"{API}/staff").status_code == 401


def test_a_refused_attempt_is_in_the_audit_log(client: JsonClient, admin: dict[str, str]) -> None:
    world.person("li", "employee")
    client.get(f"{API}/staff", headers=world.headers("li"))
    refused = world.audit_items(client, admin, outcome="refused")
    assert [(entry["actor_name"], entry["detail"]["code"]) for entry in refused] == [("li", "permission_missing")]


def test_the_audit_log_is_filtered_and_paged(client: JsonClient, admin: dict[str, str]) -> None:
    ids = [create(client, admin, name=f"n{number}")["id"] for number in range(5)]
    found = world.audit_items(client, admin, action="person.create", target=ids[3])
    assert [entry["target_id"] for entry in found] == [ids[3]]
    first = client.get(f"{API}/audit?action=person.create&limit=3", headers=admin).json
    second = client.get(f"{API}/audit?action=person.create&cursor={first['next_cursor']}", headers=admin).json
    sequence = [entry["seq"] for entry in (*first["items"], *second["items"])]
    assert len(sequence) == 6
    assert sequence == sorted(sequence, reverse=True)
    moment = first["items"][0]["at"]
    assert (
        client.get(f"{API}/audit", query_string={"until": moment, "since": moment}, headers=admin).json["items"] == []
    )
    assert client.get(f"{API}/audit?cursor=nonsense", headers=admin).status_code == 400
    for since in ("yesterday", "2026-11-25T00:00:00", "9999-12-31T23:59:59-08:00"):
        assert client.get(f"{API}/audit", query_string={"since": since}, headers=admin).status_code == 422


def test_an_auditor_below_the_root_sees_what_their_own_people_did(client: JsonClient, admin: dict[str, str]) -> None:
    world.unit("/A")
    world.person("local", "auditor", org_unit="/A")
    auth = world.headers("local")
    create(client, admin)
    entries = world.audit_items(client, auth)
    assert {entry["actor_name"] for entry in entries} == {"local"}


def test_ones_own_sessions_are_listed_and_ended(app: Flask, client: JsonClient) -> None:
    world.person("li")
    here, other = world.headers("li"), world.headers("li")
    listed = client.get(f"{API}/auth/sessions", headers=here).json["items"]
    assert sorted(item["current"] for item in listed) == [False, True]
    foreign = next(item["id"] for item in listed if not item["current"])
    assert client.delete(f"{API}/auth/sessions/{foreign}", headers=here).status_code == 204
    assert client.get(f"{API}/auth/me", headers=other).status_code == 401
    assert client.delete(f"{API}/auth/sessions", headers=here).status_code == 204
    assert client.get(f"{API}/auth/me", headers=here).status_code == 401


def test_a_second_factor_over_http(app: Flask, client: JsonClient) -> None:
    import pyotp

    person_id = world.person("li", "employee")
    world.person("root", "platform_admin")
    auth = world.headers("li")
    begun = client.post(f"{API}/auth/totp", headers=auth).json
    assert begun["uri"].startswith("otpauth://totp/")
    assert begun["qr_svg"].startswith("<svg")
    wrong = client.post(f"{API}/auth/totp/confirm", json={"code": "000000x"}, headers=auth)
    assert (wrong.status_code, wrong.json["code"]) == (422, "wrong_code")
    code = pyotp.TOTP(begun["secret"]).now()
    codes = client.post(f"{API}/auth/totp/confirm", json={"code": code}, headers=auth).json["recovery_codes"]
    credentials = {"username": "li", "password": PASSWORD}
    refused = client.post(f"{API}/auth/token", json=credentials)
    assert (refused.status_code, refused.json["code"]) == (401, "otp_required")
    assert client.post(f"{API}/auth/token", json=credentials | {"otp": codes[0]}).status_code == 200
    assert client.post(f"{API}/auth/totp/remove", json={"code": codes[1]}, headers=auth).status_code == 204
    assert client.post(f"{API}/auth/token", json=credentials).status_code == 200
    assert client.delete(f"{API}/staff/{person_id}/totp", headers=world.headers("root")).status_code == 404


def test_the_password_is_changed_over_http(app: Flask, client: JsonClient) -> None:
    world.person("li")
    body = {"current_password": PASSWORD, "new_password": "an entirely new one"}
    assert client.post(f"{API}/auth/password", json=body, headers=world.headers("li")).status_code == 204
    signed_in = client.post(f"{API}/auth/token", json={"username": "li", "password": "an entirely new one"})
    assert signed_in.status_code == 200


def test_a_token_of_a_reset_password_is_good_for_a_new_one_alone(client: JsonClient, admin: dict[str, str]) -> None:
    person_id, new = world.person("li", "it_admin"), "an entirely new one"
    reset = client.patch(f"{API}/staff/{person_id}", json={"password": "told by a colleague"}, headers=admin)
    assert reset.json["must_change_password"] is True
    token = client.post(f"{API}/auth/token", json={"username": "li", "password": "told by a colleague"}).json
    assert token["must_change_password"] is True
    held = {"Authorization": f"Bearer {token['access_token']}"}
    me = client.get(f"{API}/auth/me", headers=held).json
    assert (me["must_change_password"], me["permissions"]) == (True, [])
    for answer in (
        client.get(f"{API}/devices", headers=held),
        client.get(f"{API}/auth/sessions", headers=held),
        client.post(f"{API}/auth/totp", headers=held),
    ):
        assert (answer.status_code, answer.json["code"]) == (403, "password_change_required")
    body = {"current_password": "told by a colleague", "new_password": "told by a colleague"}
    same = client.post(f"{API}/auth/password", json=body, headers=held)
    assert (same.status_code, same.json["code"]) == (422, "password_unchanged")
    assert client.post(f"{API}/auth/password", json={**body, "new_password": new}, headers=held).status_code == 204
    assert client.get(f"{API}/devices", headers=held).status_code == 200
    again = client.post(f"{API}/auth/token", json={"username": "li", "password": new}).json
    assert again["must_change_password"] is False


def test_an_administrator_ends_somebodys_sessions(client: JsonClient, admin: dict[str, str]) -> None:
    person_id = world.person("li")
    auth = world.headers("li")
    assert client.delete(f"{API}/staff/{person_id}/sessions", headers=admin).status_code == 204
    assert client.get(f"{API}/auth/me", headers=auth).status_code == 401


def test_a_foreign_units_person_by_id_is_404(client: JsonClient, admin: dict[str, str]) -> None:
    world.unit("/A")
    stranger = create(client, admin)["id"]
    world.person("local", "it_admin", org_unit="/A")
    auth = world.headers("local")
    foreign = client.get(f"{API}/staff/{stranger}", headers=auth)
    nobody = client.get(f"{API}/staff/0000", headers=auth)
    assert (foreign.status_code, foreign.json) == (404, nobody.json)


def test_an_address_that_guesses_many_names_is_stopped_and_good_sign_ins_cost_nothing(
    app: Flask, client: JsonClient
) -> None:
    world.person("li")
    good = {"username": "li", "password": PASSWORD}
    for number in range(10):
        assert client.post(f"{API}/auth/token", json=good).status_code == 200
        guess = {"username": f"name{number}", "password": "wrong password!"}
        assert client.post(f"{API}/auth/token", json=guess).status_code == 401
    stopped = client.post(f"{API}/auth/token", json=good)
    assert (stopped.status_code, stopped.json["code"], stopped.mimetype) == (
        429,
        "too_many",
        "application/problem+json",
    )


def test_failures_are_counted_where_every_web_process_sees_them(
    app: Flask, client: JsonClient, database_url: str, tmp_path: Path
) -> None:
    other = create_app(Settings(data_dir=tmp_path, database_url=database_url, key_ring=runtime().settings.keys_dir))  # type: ignore[arg-type]
    guess = {"username": "nobody", "password": "wrong password!"}
    for number in range(10):
        process = other.test_client() if number % 2 else client
        assert process.post(f"{API}/auth/token", json={**guess, "username": f"name{number}"}).status_code == 401
    for process in (other.test_client(), client):
        stopped = process.post(f"{API}/auth/token", json=guess)
        assert stopped.status_code == 429
        assert 1 <= int(stopped.headers["Retry-After"]) <= 60
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=61), tick=True):
        assert client.post(f"{API}/auth/token", json=guess).status_code == 401


def test_failures_that_no_longer_count_are_forgotten(app: Flask, client: JsonClient) -> None:
    client.post(f"{API}/auth/token", json={"username": "nobody", "password": "wrong password!"})
    with unit_of_work(write=False) as current:
        assert current.scalar(select(func.count()).select_from(FailedSignIn)) == 1
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2), tick=True):
        assert jobs.run("housekeeping") == "done"
    with unit_of_work(write=False) as current:
        assert current.scalar(select(func.count()).select_from(FailedSignIn)) == 0
