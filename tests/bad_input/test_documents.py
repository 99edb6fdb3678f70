"""Policy documents as careless and hostile authors send them: named faults, bounded work, nothing half-applied."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.bad_input.conftest import People, Yard
from tests.bad_input.http_wire import Answer, Wire
from tests.support.server import Server

APPLY = "/api/v1/documents/apply"
MIB = 1024 * 1024
PATIENCE = 20.0
NOBODY = "00000000-0000-4000-8000-000000000000"
HOURS = {"timezone": "Asia/Shanghai", "weekly": {"mon": ["09:00-18:00"]}}


@pytest.fixture(scope="module")
def author(people: People) -> Wire:
    return people.hire("policy_author")


def policy(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "shouji/v1", "kind": "Policy", "metadata": {"name": name}, "spec": spec}


def assignment(name: str, **to: Any) -> dict[str, Any]:
    spec = {"policy": name, "to": to}
    return {"apiVersion": "shouji/v1", "kind": "Assignment", "metadata": {"name": name}, "spec": spec}


def faults(answer: Answer) -> list[tuple[int, str, str]]:
    """Line, path and code of each problem."""
    assert answer.status == 422, answer.body[:500]
    return [(one["line"], one["path"], one["code"]) for one in answer.json["problems"]]


def stored(author: Wire, name: str, kind: str = "Policy") -> Any:
    """A document as it is stored; None when there is none."""
    answer = author.get(f"/api/v1/documents/{kind}/{name}")
    return answer.json if answer.status == 200 else None


def test_wrong_members_are_named_by_line_and_path_and_nothing_is_applied(author: Wire) -> None:
    text = """apiVersion: shouji/v1
kind: Policy
metadata: {name: half-good}
spec: {payments: {transfer: block}}
---
apiVersion: shouji/v1
kind: Policy
metadata: {name: half-bad, colour: red}
spec:
  payments:
    transfer: perhaps
    crypto: block
  device:
    heartbeat_seconds: soon
  teleport: {}
"""
    found = faults(author.yaml(APPLY, text))
    assert {(line, path) for line, path, _ in found} == {
        (8, "metadata.colour"),
        (11, "spec.payments.transfer"),
        (12, "spec.payments.crypto"),
        (14, "spec.device.heartbeat_seconds"),
        (15, "spec.teleport"),
    }
    assert stored(author, "half-good") is None


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: &x [1]\nb: *x\n", "alias", 1),
        ("a: [1]\nb: *x\n", "alias", 2),
        ("base: {a: 1}\nmore:\n  <<: *base\n", "alias", 3),
        ("a: !!python/object/apply:os.system ['id']\n", "tag", 1),
        ("a: !!binary aGk=\n", "tag", 1),
        ("a: 1\na: 2\n", "duplicate_key", 2),
        ("? [a, b]\n: 1\n", "bad_key", 1),
        ("a: {b: [c}\n", "yaml_syntax", 1),
        ("a:\n\t- b\n", "yaml_syntax", 2),
        ("", "no_documents", 1),
        ("---\n---\n", "no_documents", 1),
        ('a: "\\uD800"\n', "bad_character", 1),
        ('a: "\\0"\n', "bad_character", 1),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(author: Wire, text: str, code: str, line: int) -> None:
    assert [(found[0], found[2]) for found in faults(author.yaml(APPLY, text))] == [(line, code)]


def _laughs() -> bytes:
    rows = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(rows).encode()


HUGE: dict[str, Callable[[], bytes]] = {
    "ten megabytes": lambda: b"a: " + b"x" * (10 * MIB),
    "five megabytes": lambda: b"a: " + b"x" * (5 * MIB),
    "a billion laughs": _laughs,
    "many values": lambda: b"- a\n" * (MIB // 4 - 1),
    "many members": lambda: b"".join(b"k%06d: 1\n" % number for number in range(90_000)),
    "many documents": lambda: b"---\na\n" * 100_000,
    "deep flow": lambda: b"[" * (MIB - 1),
    "deep block": lambda: b"- " * (MIB // 2 - 1),
    "deep maps": lambda: b"{a: " * (MIB // 4 - 1),
    "a tag without end": lambda: b"a: !" + b"x" * (MIB - 5),
    "an anchor without end": lambda: b"a: &" + b"x" * (MIB - 5),
    "a word without end": lambda: b"a: " + b"x" * (MIB - 4),
    "a quote without end": lambda: b'a: "' + b"x" * (MIB - 5),
    "blanks": lambda: b" " * (MIB - 1),
    "lines": lambda: b"\n" * (MIB - 1),
    "comments": lambda: b"# \n" * (MIB // 3 - 1),
    "colons": lambda: b"a: b: " * (MIB // 6 - 1),
    "questions": lambda: b"? " * (MIB // 2 - 1),
    "percent signs": lambda: b"%TAG ! x\n" * (MIB // 9 - 1),
    "a key without end": lambda: b"x" * (MIB - 4) + b": 1",
}


@pytest.mark.parametrize("name", HUGE)
def test_much_or_deep_yaml_is_refused_in_bounded_time(author: Wire, name: str) -> None:
    began = time.monotonic()
    answer = author.yaml(APPLY, HUGE[name]())
    assert answer.status in (413, 422), answer.body[:300]
    assert answer.code
    assert time.monotonic() - began < PATIENCE


@pytest.mark.parametrize(
    "body",
    [b"[" * MIB, b'{"a":' * 200_000, b"[1," * 300_000, b"[" + b"0," * 500_000 + b"0]", b"1" * MIB,
     b'"' + b"\\u0041" * 170_000 + b'"',
     b'{"apiVersion": "shouji/v1", "apiVersion": "shouji/v2"}', b"nul", b"{} {}", b"\xff\xfe[]", b""],
)  # fmt: skip
def test_bad_json_documents_are_refused_in_bounded_time(author: Wire, body: bytes) -> None:
    began = time.monotonic()
    answer = author.send("POST", APPLY, body, {"Content-Type": "application/json"})
    assert answer.status in (400, 413, 422)
    assert answer.code
    assert time.monotonic() - began < PATIENCE


@pytest.mark.parametrize(
    "documents",
    [
        [policy("refers", keywords=[{"set": "nowhere", "action": "block", "severity": "critical"}])],
        [policy("refers", work_hours={**HOURS, "calendar": "nowhere"})],
        [assignment("nowhere", org_unit="/")],
        [policy("refers", payments={"transfer": "block"}), assignment("refers", org_unit="/nowhere")],
        [policy("refers", payments={"transfer": "block"}), assignment("refers", group="nowhere")],
        [policy("refers", payments={"transfer": "block"}), assignment("refers", device=NOBODY)],
        [policy("refers", payments={"transfer": "block"}), assignment("refers", org_unit="/", device=NOBODY)],
        [policy("twice", payments={"transfer": "block"}), policy("twice", payments={"transfer": "warn"})],
    ],
    ids=["a set", "a calendar", "a policy", "a unit", "a group", "a device", "two targets", "one name twice"],
)  # fmt: skip
def test_documents_that_refer_to_nothing_are_refused_whole(author: Wire, documents: list[dict[str, Any]]) -> None:
    found = faults(author.post(f"{APPLY}?publish=true", documents))
    assert found
    assert stored(author, "refers") is None
    assert stored(author, "twice") is None


def test_a_keyword_set_of_bad_patterns_is_refused(author: Wire) -> None:
    terms = [
        {"pattern": "(a+)+$("},
        {"pattern": "x{1,100000}"},
        {"pattern": "(?=look)"},
        {"term": "***"},
        {"term": "a" * 65},
    ]
    document = {"apiVersion": "shouji/v1", "kind": "KeywordSet", "metadata": {"name": "bad"}, "spec": {"terms": terms}}
    paths = {path.split("]")[0] for _, path, _ in faults(author.post(APPLY, document))}
    assert paths == {f"spec.terms[{index}" for index in range(len(terms))}


def test_applying_twice_changes_nothing(server: Server, author: Wire, yard: Yard) -> None:
    phone = yard.phone()
    documents = [policy("again", payments={"transfer": "block"}), assignment("again", device=phone.id)]
    first = author.post(f"{APPLY}?publish=true", documents)
    assert (first.status, [change["action"] for change in first.json["changes"]]) == (200, ["create", "create"])
    phone.wait_applied()
    before, audited = server.device(phone.id)["policy"]["desired"], len(server.api.all("audit"))
    second = author.post(f"{APPLY}?publish=true", documents)
    assert second.status == 200
    assert [change["action"] for change in second.json["changes"]] == ["none", "none"]
    assert (second.json["published"], second.json["rollout"], second.json["devices"]) == ([], None, 0)
    assert server.device(phone.id)["policy"]["desired"] == before
    assert len(server.api.all("audit")) == audited


def test_the_second_of_two_editors_gets_409_and_nothing_is_lost(author: Wire, people: People) -> None:
    author.post(APPLY, policy("shared", payments={"transfer": "block"}))
    mine = stored(author, "shared")["document"]
    other = people.hire("policy_author")
    theirs = stored(other, "shared")["document"]
    theirs["spec"]["payments"]["red_packet"] = "warn"
    assert other.post(APPLY, theirs).status == 200
    mine["spec"]["device"] = {"heartbeat_seconds": 61}
    late = author.post(APPLY, mine)
    assert late.status == 409
    assert late.code
    kept = stored(author, "shared")["document"]["spec"]
    assert kept == {"payments": {"transfer": "block", "red_packet": "warn"}}


def test_of_many_editors_at_the_same_moment_one_gets_through(author: Wire, server: Server) -> None:
    author.post(APPLY, policy("crowded", device={"heartbeat_seconds": 60}))
    seen = stored(author, "crowded")["document"]
    together = threading.Barrier(6)

    def edit(seconds: int) -> int:
        mine = json.loads(json.dumps(seen))
        mine["spec"]["device"]["heartbeat_seconds"] = seconds
        together.wait()
        return Wire(server.base_url, author.token).post(APPLY, mine).status

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(edit, range(61, 67)))
    assert answers == [200, 409, 409, 409, 409, 409]
    assert stored(author, "crowded")["revision"] == seen["metadata"]["revision"] + 1


def test_people_are_edited_under_a_revision_too(server: Server, people: People) -> None:
    body = {"name": "王小明", "org_unit": "/"}
    admin = people.hire("platform_admin")
    made = admin.post("/api/v1/staff", body).json
    path = f"/api/v1/staff/{made['id']}"
    assert admin.json("PATCH", path, {"name": "王大明", "revision": made["revision"]}).status == 200
    for stale in (
        admin.json("PATCH", path, {"name": "王中明", "revision": made["revision"]}),
        admin.json("PATCH", path, {"name": "王中明"}, **{"If-Match": f'"{made["revision"]}"'}),
        admin.json("DELETE", path, None, **{"If-Match": f'W/"{made["revision"]}"'}),
    ):
        assert stale.status in (409, 412)
        assert stale.code
    assert admin.get(path).json["name"] == "王大明"
