"""Every route of the OpenAPI document: without a token, with a wrong one, without permission, from elsewhere."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from flask import Flask

from agent.phone import Phone
from app import create_app
from config.settings import Settings
from core.crypto.jwk import SigningKey
from core.http.access import table
from core.http.routes import Api
from core.runtime import runtime
from tests.bad_input.conftest import People, Yard, snapshot, soon
from tests.bad_input.http_wire import Wire
from tests.bad_input.spec import NOBODY, Garbage, Operation, operations
from tests.bad_input.tokens import b64u, unsigned
from tests.fleet.phone import new_key
from tests.imports.test_server import upload
from tests.support.server import PASSWORD, Server

HERE, THERE = "/总部/电销", "/总部/客服"
ALL_ROLES = ("platform_admin", "it_admin", "policy_author", "compliance_officer", "supervisor", "auditor")
ROUNDS = 12
PATIENCE = 10.0
OWN_ENDS = {"POST /api/v1/auth/sign-out", "DELETE /api/v1/auth/sessions", "POST /api/v1/auth/password"}


@dataclass(frozen=True)
class World:
    """Two units, and things of all kinds that belong to one of them."""

    phone: Phone
    ids: dict[str, str]
    stranger: Wire


@pytest.fixture(scope="module")
def routes(server: Server) -> list[Operation]:
    return operations(Wire(server.base_url).get("/openapi.json").json)


@pytest.fixture(scope="module")
def world(server: Server, people: People, yard: Yard) -> World:
    for path in (HERE, THERE):
        server.api.post("org-units", {"path": path})
    units = {unit["org_unit"]: unit["id"] for unit in server.api.all("org-units")}
    person = server.api.post("staff", {"name": "王小明", "employee_no": "E1", "org_unit": HERE, "username": "wang"})
    token = server.api.post("enrollment-tokens", {"max_uses": 9, "expires_in": 900, "org_unit": HERE})
    phone = yard.phone(org_unit=HERE)
    send = f"devices/{phone.id}/commands"
    ping = server.api.post(send, {"type": "ping", "args": {}})
    wipe = {"type": "wipe", "reason": "离职", "args": {"scope": "device", "preserve_records": True, "deadline_s": 60}}
    waiting = server.api.post(send, wipe)
    soon(lambda: server.api.get(f"commands/{ping['id']}")["status"] == "succeeded", "the ping")
    ids = {
        "device": phone.id,
        "command": ping["id"],
        "wipe": waiting["id"],
        "approval": waiting["approval_id"],
        "person": person["id"],
        "unit": units[HERE],
        "token": token["id"],
        "import": _given(server),
    }
    return World(phone, ids, people.hire(*ALL_ROLES, org_unit=THERE))


def _given(server: Server) -> str:
    """An import of the root's, which waits to be confirmed."""
    given = upload(server, "people", "工号,姓名\nE9,王五\n".encode())
    soon(lambda: server.api.get(f"imports/{given['id']}")["state"] == "preview", "the preview")
    return str(given["id"])


def test_without_a_token_every_guarded_route_is_401(routes: list[Operation], wire: Wire) -> None:
    answers = {}
    for operation in routes:
        if operation.guarded and operation.path != "/metrics":
            answer = wire.json(operation.method, operation.address(), {} if operation.members else None)
            answers[operation.name] = (answer.status, answer.code, answer.headers.get("www-authenticate"))
    assert len(answers) > 60
    wrong = {name: seen for name, seen in answers.items() if (seen[0], seen[2]) != (401, "Bearer")}
    assert wrong == {}


def test_without_any_permission_every_guarded_route_is_closed(routes: list[Operation], people: People) -> None:
    employee = people.hire("employee")
    answers = {}
    for operation in routes:
        if operation.permission or operation.for_devices:
            answer = employee.json(operation.method, operation.address(), {} if operation.members else None)
            answers[operation.name] = (answer.status, operation.for_devices)
    wrong = {name: seen for name, seen in answers.items() if seen not in ((403, False), (404, False), (401, True))}
    assert wrong == {}


def test_garbage_never_breaks_a_route(server: Server, routes: list[Operation], world: World, people: People) -> None:
    name = f"u{uuid.uuid4().hex[:10]}"
    body = {"username": name, "name": "某人", "password": PASSWORD, "roles": list(ALL_ROLES), "org_unit": "/"}
    server.api.post("staff", body)
    caller, phone_calls = people.sign_in(name), world.phone
    # A confirmed import goes on by itself, and would change under the tests that come after.
    garbage = Garbage(20261123, [one for kind, one in world.ids.items() if kind != "import"])
    broken = []
    for operation in (one for one in routes if one.name not in OWN_ENDS):
        for _ in range(ROUNDS):
            address, (sent, kind) = garbage.address(operation), garbage.body(operation)
            headers = {"Content-Type": kind} if sent is not None else {}
            if operation.for_devices:
                headers["Authorization"] = f"Bearer {phone_calls.core.api.token()}"
            began = time.monotonic()
            answer = caller.send(operation.method, address, sent, headers)
            if answer.status == 401 and not operation.for_devices and operation.guarded:
                caller = people.sign_in(name)
            formed = answer.status < 400 or answer.headers["content-type"] == "application/problem+json"
            late = time.monotonic() - began > PATIENCE
            unready = operation.path == "/readyz" and answer.status == 503
            if (answer.status >= 500 and not unready) or not formed or late:
                broken.append(
                    (operation.method, address[:200], (sent or b"")[:300], kind, answer.status, answer.body[:200])
                )
    assert broken == []


# Somebody else's part of the tree


WRITES: dict[str, Any] = {
    "PATCH /api/v1/devices/{id}": {"state": "lost", "reason": "抢"},
    "POST /api/v1/devices/{id}/confirm": {},
    "POST /api/v1/devices/{id}/revoke": {"reason": "抢"},
    "POST /api/v1/devices/revoke/{id}/approve": {"reason": "抢"},
    "POST /api/v1/devices/revoke/{id}/deny": {"reason": "抢"},
    "POST /api/v1/devices/{id}/commands": {"type": "lock", "args": {"message": ""}, "reason": "抢"},
    "POST /api/v1/commands/{id}/approve": {"reason": "抢"},
    "POST /api/v1/commands/{id}/deny": {"reason": "抢"},
    "POST /api/v1/commands/{id}/cancel": {"reason": "抢"},
    "PATCH /api/v1/staff/{id}": {"name": "抢"},
    "PATCH /api/v1/org-units/{id}": {"name": "抢"},
    "PUT /api/v1/org-units/{id}/end": {"ends_on": "2099-01-01", "reason": "抢"},
    "POST /api/v1/devices/{id}/explain": {"kind": "call"},
}
KINDS = {
    "devices": "device",
    "commands": "command",
    "approvals": "approval",
    "staff": "person",
    "org-units": "unit",
    "enrollment-tokens": "token",
    "imports": "import",
}


def test_things_of_another_unit_are_404_on_every_route_as_if_they_were_not_there(
    server: Server, routes: list[Operation], world: World
) -> None:
    before = {kind: shown(server, world, kind) for kind in KINDS.values()}
    tried, wrong = set(), []
    for operation in routes:
        room = operation.path.removeprefix("/api/v1/").split("/")[0]
        if room not in KINDS or operation.path_names != ("id",):
            continue
        mine = [world.ids[KINDS[room]], *([world.ids["wipe"]] if room == "commands" else [])]
        answers = []
        for one in [*mine, NOBODY]:
            answer = world.stranger.json(operation.method, operation.address(id=one), WRITES.get(operation.name))
            answers.append((answer.status, answer.code))
        tried.add(operation.name)
        if any(answer != answers[-1] or answer[0] != 404 for answer in answers):
            wrong.append((operation.name, answers))
    assert wrong == []
    assert set(WRITES) <= tried
    assert len(tried) > 25
    assert {kind: shown(server, world, kind) for kind in KINDS.values()} == before


def shown(server: Server, world: World, kind: str) -> Any:
    if kind == "device":
        return {**snapshot(server, world.phone.id), "waiting": server.api.get(f"commands/{world.ids['wipe']}")}
    path = {value: key for key, value in KINDS.items()}[kind]
    return server.api.get(f"{path}/{world.ids[kind]}")


def test_lists_and_selectors_end_at_the_own_part_of_the_tree(server: Server, world: World) -> None:
    stranger, device = world.stranger, world.phone.id
    for path in ("devices", "staff", "commands", "approvals", "enrollment-tokens", "org-units"):
        found = stranger.get(f"/api/v1/{path}?limit=200")
        assert not {item["id"] for item in found.json["items"]} & set(world.ids.values()), path
    before = snapshot(server, device)
    lock = {"type": "lock", "args": {"message": ""}, "reason": "抢"}
    for selector in ({"devices": [device]}, {"org_unit": HERE}, {"org_unit": "/"}, {"all": True}):
        answer = stranger.post("/api/v1/commands", {**lock, "selector": selector})
        assert answer.status in (403, 404, 409, 422), (selector, answer.body)
    for body in ({"org_unit": HERE}, {"org_unit": "/"}, {"person": world.ids["person"]}, {"person": "E1"}):
        assert stranger.post("/api/v1/enrollment-tokens", body).status in (403, 404, 422), body
    for body in ({"name": "x", "org_unit": HERE}, {"name": "x", "org_unit": "/"}, {"name": "x"}):
        assert stranger.post("/api/v1/staff", body).status in (403, 404, 422), body
    documents = [
        {"apiVersion": "shouji/v1", "kind": "Policy", "metadata": {"name": "grab"}, "spec": {"payments": {}}},
        {"apiVersion": "shouji/v1", "kind": "Assignment", "metadata": {"name": "grab"},
         "spec": {"policy": "grab", "to": {"device": device}}},
    ]  # fmt: skip
    assert stranger.post("/api/v1/documents/apply?publish=true", documents).status in (403, 404, 422)
    assert snapshot(server, device) == before


# Tokens


def staff_claims(inside: Flask, wire: Wire, **changes: Any) -> tuple[dict[str, Any], SigningKey]:
    """The claims of a person's valid token with changes, and the key for it."""
    claims = jwt.decode(wire.token, options={"verify_signature": False})
    full = {name: value for name, value in {**claims, **changes}.items() if value is not ...}
    with inside.app_context():
        return full, runtime().ring.staff_keys()[0]


def staff_token(inside: Flask, wire: Wire, *, typ: str = "shouji-staff+jwt", kid: str = "", **changes: Any) -> str:
    claims, key = staff_claims(inside, wire, **changes)
    return jwt.encode(claims, key.private, "ES256", headers={"kid": kid or key.kid, "typ": typ})


def by_public_key(inside: Flask, wire: Wire) -> str:
    """The old trick: the public key as the secret of a symmetric algorithm."""
    claims, key = staff_claims(inside, wire)
    header = {"alg": "HS256", "typ": "shouji-staff+jwt", "kid": key.kid}
    signed = f"{b64u(json.dumps(header).encode())}.{b64u(json.dumps(claims).encode())}"
    return f"{signed}.{b64u(hmac.new(key.public_pem(), signed.encode(), hashlib.sha256).digest())}"


def without_signature(inside: Flask, wire: Wire) -> str:
    claims, key = staff_claims(inside, wire)
    header = {"alg": "none", "typ": "shouji-staff+jwt", "kid": key.kid}
    return unsigned(header, json.dumps(claims).encode()).decode()


def by_another_key(inside: Flask, wire: Wire) -> str:
    claims, key = staff_claims(inside, wire)
    return jwt.encode(claims, new_key(), "ES256", headers={"kid": key.kid, "typ": "shouji-staff+jwt"})


def by_the_phones_signer(inside: Flask, wire: Wire) -> str:
    """By the key that phones obey."""
    claims, _ = staff_claims(inside, wire)
    with inside.app_context():
        key = runtime().ring.signing_keys()[0]
    return jwt.encode(claims, key.private, "ES256", headers={"kid": key.kid, "typ": "shouji-staff+jwt"})


Forge = Callable[[Flask, Wire], str]
NOW = int(time.time())
BAD_TOKENS: dict[str, Forge] = {
    "alg none": without_signature,
    "HS256 by the public key": by_public_key,
    "another key": by_another_key,
    "the key that phones obey": by_the_phones_signer,
    "an unknown kid": lambda i, w: staff_token(i, w, kid="nobody"),
    "another typ": lambda i, w: staff_token(i, w, typ="shouji-device+jwt"),
    "the default typ": lambda i, w: staff_token(i, w, typ="JWT"),
    "another audience": lambda i, w: staff_token(i, w, aud="shouji-device"),
    "a list of audiences": lambda i, w: staff_token(i, w, aud=["shouji-api"]),
    "another issuer": lambda i, w: staff_token(i, w, iss="https://evil.example"),
    "expired": lambda i, w: staff_token(i, w, exp=NOW - 60, iat=NOW - 600),
    "no exp": lambda i, w: staff_token(i, w, exp=...),
    "exp is a text": lambda i, w: staff_token(i, w, exp=str(NOW + 600)),
    "no session": lambda i, w: staff_token(i, w, sid=...),
    "a session that is none": lambda i, w: staff_token(i, w, sid=NOBODY),
    "another person's session": lambda i, w: staff_token(i, w, sub=NOBODY),
    "tampered": lambda i, w: w.token[:-20] + ("A" if w.token[-20] != "A" else "B") + w.token[-19:],
    "cut": lambda _i, w: w.token[:-10],
    "nothing": lambda _i, _w: "",
    "spaces": lambda _i, _w: "a b c",
    "dots": lambda _i, _w: "..",
    "long": lambda _i, _w: "x." * 3000,
    "not ASCII": lambda _i, _w: "é.é.é",
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_a_token_that_is_not_ours_opens_nothing(server: Server, inside: Flask, people: People, name: str) -> None:
    person = people.hire("platform_admin")
    forged = Wire(server.base_url, BAD_TOKENS[name](inside, person))
    answers = [
        forged.send("GET", "/api/v1/auth/me", None, {"Authorization": f"Bearer {forged.token}"}),
        forged.json("POST", "/api/v1/staff", {"name": "由伪造令牌创建"}, Authorization=f"Bearer {forged.token}"),
        forged.send("GET", "/api/v1/device/status", None, {"Authorization": f"Bearer {forged.token}"}),
    ]
    assert [answer.status for answer in answers] == [401, 401, 401], [answer.body for answer in answers]
    assert person.get("/api/v1/auth/me").status == 200
    assert person.get("/api/v1/staff?q=%E4%BC%AA%E9%80%A0").json["items"] == []


def test_a_token_dies_with_its_session_and_with_its_person(server: Server, people: People) -> None:
    left, ended = people.hire("auditor"), people.hire("auditor")
    assert left.post("/api/v1/auth/sign-out").status == 204
    assert left.get("/api/v1/auth/me").status == 401
    person = ended.get("/api/v1/auth/me").json["id"]
    server.api.patch(f"staff/{person}", {"state": "inactive"})
    assert ended.get("/api/v1/auth/me").status == 401


def test_a_device_token_is_no_staff_token_and_a_staff_token_no_device_token(
    server: Server, routes: list[Operation], world: World, people: People
) -> None:
    admin, wire = people.hire("platform_admin"), Wire(server.base_url)
    for operation in routes:
        if not operation.guarded or operation.path == "/metrics":
            continue
        token = admin.token if operation.for_devices else world.phone.core.api.token()
        body = b"{}" if operation.members else None
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        assert wire.send(operation.method, operation.address(), body, headers).status == 401, operation.name
    spent = {"Authorization": f"Bearer {world.phone.core.api.token()}"}
    assert [wire.send("GET", "/api/v1/device/status", None, spent).status for _ in range(2)] == [200, 401]


# Routes that say who may call them


def test_every_route_says_who_may_call_it(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path))
    unsaid = [rule.rule for rule in app.url_map.iter_rules() if table.get(rule.endpoint) is None]
    assert [rule for rule in unsaid if not rule.startswith("/static/")] == []


def test_a_new_route_without_a_permission_is_refused(tmp_path: Path) -> None:
    app, ran = create_app(Settings(data_dir=tmp_path)), []

    @app.route("/forgotten", methods=["GET", "POST", "DELETE"])
    def forgotten() -> str:
        ran.append(1)
        return "ok"

    for method in ("GET", "POST", "DELETE"):
        answer = app.test_client().open("/forgotten", method=method)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "no_demand")
    assert ran == []
    with pytest.raises(TypeError):
        Api("careless", __name__).get("/careless")  # type: ignore[call-arg]
