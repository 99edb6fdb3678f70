"""What people send that nobody should: hostile texts, wrong types of content, the same request twice."""

from __future__ import annotations

import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from agent.phone import Phone
from tests.bad_input.conftest import People, Yard, soon
from tests.bad_input.http_wire import Wire
from tests.support.server import PASSWORD, Server

TOKENS = "/api/v1/enrollment-tokens"
FORM = "application/x-www-form-urlencoded"
STAFF = "/api/v1/staff"
HOSTILE = {
    "markup": "<script>alert(1)</script>",
    "an attribute": '"><img src=x onerror=alert(1)>',
    "a template": "{{ 7*7 }}{% raw %}${7*7}",
    "bidi": "\u202egnp.exe\u2066",
    "a formula": '=HYPERLINK("http://evil.example","click")',
    "sql": "'; DROP TABLE devices; --",
    "like": "%_\\%",
    "emoji": "👩‍👩‍👧‍👦",
    "combining": "Z̴͎͠a̷̡͌l̶͓̈́g̵͖̑o̶̞̕",
    "line breaks": "a\r\nSet-Cookie: x=1\r\n\r\nb",
    "full width": "＜ｓｃｒｉｐｔ＞",
    "blank": "\u3000\u00a0\u200b",
    "controls": "\x01\x07\x1b[31m\x7f",
    "500 characters": "长" * 500,
}
BROKEN = {"NUL": "a\0b", "a lone surrogate": "a\ud83db", "a lone low surrogate": "\udc00"}


@pytest.fixture(scope="module")
def admin(people: People) -> Wire:
    return people.hire("platform_admin")


@pytest.fixture(scope="module")
def phone(yard: Yard) -> Phone:
    return yard.phone()


def places(phone: Phone, text: str) -> list[tuple[str, str, dict[str, Any], list[str]]]:
    """Requests that carry a text, and where the answer gives it back."""
    document = {"apiVersion": "shouji/v1", "kind": "Policy"}
    name = f"u{uuid.uuid4().hex[:10]}"
    message = {"type": "message", "args": {"title": text[:100], "text": text}, "reason": text}
    spec = {"payments": {"transfer": "block"}}
    title = {"name": name, "title": text[:100]}
    return [
        ("POST", STAFF, {"name": text, "username": name, "org_unit": "/"}, ["name"]),
        ("POST", STAFF, {"name": "某人", "username": text, "org_unit": "/"}, ["username"]),
        ("POST", STAFF, {"name": "某人", "employee_no": text, "org_unit": "/"}, ["employee_no"]),
        ("POST", "/api/v1/org-units", {"name": text, "parent": "/"}, ["name"]),
        ("POST", "/api/v1/org-units", {"path": f"/{text}"}, []),
        ("POST", TOKENS, {"groups": [text]}, []),
        ("POST", f"/api/v1/devices/{phone.id}/commands", message, []),
        ("POST", "/api/v1/freeze", {"frozen": True, "reason": text}, []),
        ("POST", "/api/v1/documents/apply", {**document, "metadata": title, "spec": spec}, []),
        ("PUT", "/api/v1/notice", {"texts": {"zh-CN": text, "en": text}}, []),
        ("POST", "/api/v1/auth/token", {"username": text, "password": text, "otp": text[:32]}, []),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_text_is_kept_as_it_is_or_refused(admin: Wire, phone: Phone, kind: str) -> None:
    text = HOSTILE[kind]
    for method, path, body, given_back in places(phone, text):
        answer = admin.json(method, path, body)
        assert answer.status < 500, (method, path, answer.body)
        if answer.status >= 400:
            assert answer.code
            continue
        for member in given_back:
            assert answer.json[member] == text.strip(), path


@pytest.mark.parametrize("kind", BROKEN)
def test_a_text_that_is_no_text_is_refused_everywhere(admin: Wire, phone: Phone, kind: str) -> None:
    for method, path, body, _ in places(phone, BROKEN[kind]):
        answer = admin.json(method, path, body)
        assert answer.status in (400, 422), (method, path, answer.status)
        assert answer.code
    for path in ("/api/v1/devices?q=a%00b", "/api/v1/staff?a%00=b", f"/api/v1/devices/{phone.id}%00"):
        assert admin.get(path).status in (400, 404, 422), path
    # A surrogate in an address is no UTF-8, and is read as U+FFFD.
    assert admin.get("/api/v1/staff?q=%ED%A0%80").json["items"] == []


def test_searches_take_hostile_texts_literally(admin: Wire, phone: Phone) -> None:
    for text in HOSTILE.values():
        quoted = "".join(f"%{byte:02X}" for byte in text[:60].encode())
        for path in ("devices", "staff"):
            answer = admin.get(f"/api/v1/{path}?q={quoted}")
            assert answer.status == 200, (path, answer.body)
            assert phone.id not in [item["id"] for item in answer.json["items"]]


def test_pages_show_markup_as_text(server: Server, admin: Wire, yard: Yard) -> None:
    unit = admin.post("/api/v1/org-units", {"name": "<b>x<", "parent": "/"}).json
    person = {"name": HOSTILE["markup"], "employee_no": "<i>E1", "org_unit": f"/{unit['name']}"}
    made = admin.post(STAFF, person).json
    shown = yard.phone(person=made["id"], connect=False)
    browser = Wire(server.base_url)
    form = browser.get("/sign-in")
    cookie = form.headers["set-cookie"].split(";")[0]
    token = re.search(r'name="csrf_token" value="([^"]+)"', form.body.decode())
    assert token
    fields = f"csrf_token={token[1]}&username=admin&password={PASSWORD}".encode()
    headers = {"Content-Type": FORM, "Cookie": cookie, "Origin": server.base_url}
    entered = browser.send("POST", "/sign-in", fields, {**headers, "Referer": f"{server.base_url}/sign-in"})
    assert entered.status == 303, entered.body[:500]
    session = "; ".join([cookie, entered.headers["set-cookie"].split(";")[0]])
    for path in ("/devices", f"/devices/{shown.id}"):
        page = browser.send("GET", path, None, {"Cookie": session})
        assert page.status == 200
        assert b"&lt;script&gt;alert(1)&lt;/script&gt;" in page.body
        assert b"<script>alert(1)" not in page.body
        assert b"<b>x<" not in page.body


# Content types


@pytest.mark.parametrize("kind", ["text/plain", FORM, "multipart/form-data; boundary=x", "application/xml", "x", ""])
def test_a_wrong_content_type_is_refused_and_does_nothing(admin: Wire, kind: str) -> None:
    before = admin.get(f"{STAFF}?limit=200").json["items"]
    for path in (
        STAFF,
        TOKENS,
        "/api/v1/org-units",
        "/api/v1/documents/apply",
        "/api/v1/commands",
        "/api/v1/auth/token",
    ):
        answer = admin.send("POST", path, b'{"name": "x", "username": "x", "password": "x"}', {"Content-Type": kind})
        assert answer.status in (400, 415), (path, answer.status, answer.body)
        assert answer.code
    assert admin.get(f"{STAFF}?limit=200").json["items"] == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(admin: Wire, body: bytes) -> None:
    for path in (STAFF, TOKENS, "/api/v1/commands", "/api/v1/freeze"):
        answer = admin.send("POST", path, body, {"Content-Type": "application/json"})
        assert answer.status in (400, 422), (path, answer.status)
        assert answer.code


def test_a_body_over_the_limit_is_413(admin: Wire) -> None:
    answer = admin.send("POST", STAFF, b'{"name": "' + b"x" * (10 << 20) + b'"}', {"Content-Type": "application/json"})
    assert (answer.status, answer.code) == (413, "too_large")


# Idempotency keys


def keyed(wire: Wire, path: str, body: Any, key: str) -> Any:
    return wire.json("POST", path, body, **{"Idempotency-Key": key})


def test_a_repeated_key_gives_the_first_answer_and_another_body_is_refused(admin: Wire, people: People) -> None:
    key = uuid.uuid4().hex
    first = keyed(admin, TOKENS, {"max_uses": 3}, key)
    again = keyed(admin, TOKENS, {"max_uses": 3}, key)
    assert (first.status, again.status, again.json) == (201, 201, first.json)
    reused = keyed(admin, TOKENS, {"max_uses": 4}, key)
    assert (reused.status, reused.code) == (422, "idempotency_key_reused")
    elsewhere = keyed(admin, STAFF, {"name": "另一处"}, key)
    assert elsewhere.status == 201
    stranger = keyed(people.hire("platform_admin"), TOKENS, {"max_uses": 3}, key)
    assert stranger.status == 201
    assert stranger.json["id"] != first.json["id"]


def test_a_refusal_is_not_remembered(admin: Wire) -> None:
    key = uuid.uuid4().hex
    assert keyed(admin, STAFF, {"name": ""}, key).status == 422
    assert keyed(admin, STAFF, {"name": "这次对了"}, key).status == 201


@pytest.mark.parametrize("key", ["x" * 201, "a\tb", "密钥".encode().decode("latin-1")])
def test_a_key_that_is_no_key_is_refused(admin: Wire, key: str) -> None:
    assert keyed(admin, STAFF, {"name": "某人"}, key).status in (201, 400)


def test_the_same_request_many_times_at_once_happens_once(server: Server, admin: Wire, phone: Phone) -> None:
    key, together = uuid.uuid4().hex, threading.Barrier(8)
    before = len(server.api.all(f"devices/{phone.id}/commands"))
    body = {"type": "ping", "args": {}}

    def send(_number: int) -> tuple[int, Any]:
        wire = Wire(server.base_url, admin.token)
        together.wait()
        answer = keyed(wire, f"/api/v1/devices/{phone.id}/commands", body, key)
        return answer.status, answer.json.get("id")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert {status for status, _ in answers} <= {202, 409}
    assert len({made for status, made in answers if status == 202}) == 1
    soon(lambda: len(server.api.all(f"devices/{phone.id}/commands")) == before + 1, "the one command")
