"""On a whole running server: phones of one batch with one code, a worker that is killed, a phone that changes hands."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from agent.core import Options
from agent.identity import AGENT, AGENT_VERSION, Pins
from agent.phone import Phone
from fleet.qr import EXTRAS
from mqtt.contract.enrollment import DeviceFacts
from tests.imports.files import PEOPLE, csv
from tests.support.server import Server


def upload(server: Server, kind: str, content: bytes) -> dict[str, Any]:
    """A file as a browser or curl sends it."""
    mark = uuid.uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="kind"\r\n\r\n{kind}\r\n--{mark}\r\n'
    head += 'Content-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    body = f"{head}{content.decode()}\r\n--{mark}--\r\n"
    return dict(server.api.post("imports", body, f"multipart/form-data; boundary={mark}"))


def state(server: Server, import_id: str) -> str:
    return str(server.api.get(f"imports/{import_id}")["state"])


def confirm(server: Server, kind: str, content: bytes) -> str:
    """Id of an import that was looked at and confirmed."""
    made = upload(server, kind, content)
    server.wait(lambda: state(server, made["id"]) != "reading", 60, "the preview")
    assert server.api.post(f"imports/{made['id']}/confirm", {})["state"] == "applying"
    return str(made["id"])


def run(server: Server, kind: str, content: bytes) -> dict[str, Any]:
    import_id = confirm(server, kind, content)
    server.wait(lambda: state(server, import_id) == "done", 60, "the import")
    return dict(server.api.get(f"imports/{import_id}"))


@pytest.fixture
def phones(server: Server) -> Iterator[list[Phone]]:
    made: list[Phone] = []
    yield made
    for phone in made:
        phone.close()


def test_one_code_brings_a_batch_of_boxed_phones_to_their_people(
    server: Server, phones: list[Phone], tmp_path: Path
) -> None:
    numbers = range(8)
    serials = [f"BOX{number:06d}" for number in numbers]
    run(server, "org_units", csv(["部门路径"], ["/总部/电销"]))
    people = csv(PEOPLE, *([f"B{number}", f"员工{number}", "/总部/电销"] for number in numbers))
    assert run(server, "people", people)["done"]["create"] == 8
    done = run(server, "phones", csv(["序列号", "工号"], *([serials[n], f"B{n}"] for n in numbers)))
    assert done["done"]["create"] == 8
    token = server.api.post("enrollment-tokens", {"max_uses": 500, "expires_in": 3600, "bind_expected": True})
    extras = token["qr"][EXTRAS]

    def unpack(serial: str) -> Phone:
        facts = DeviceFacts(serial=serial, os="android", agent=AGENT, agent_version=AGENT_VERSION)
        pins = Pins(extras["ca_sha256"], extras["key_sha256"])
        return Phone.enroll(extras["server"], extras["code"], state=tmp_path / serial, pins=pins, facts=facts)

    with ThreadPoolExecutor(4) as pool:
        phones += pool.map(unpack, [*serials, "STRANGER01"])
    for number, phone in zip(numbers, phones, strict=False):
        shown = server.device(phone.id)
        assert (shown["holder"]["employee_no"], shown["holder"]["confirmed"]) == (f"B{number}", True)
        assert (shown["org_unit"], phone.identity.holder) == ("/总部/电销", "confirmed")
    assert server.device(phones[-1].id)["holder"]["confirmed"] is False
    assert server.api.get("expected-phones/counts") == {"awaited": 0, "arrived": 8}
    assert server.api.get(f"enrollment-tokens/{token['id']}")["used"] == 9


def test_a_phone_that_changes_hands_asks_its_new_holder_before_it_collects_again(
    server: Server, phones: list[Phone], tmp_path: Path
) -> None:
    for number in ("H1", "H2"):
        server.api.post("staff", {"name": number, "employee_no": number})
    token = server.api.post("enrollment-tokens", {"person": "H1"})["token"]
    phone = Phone.enroll(server.base_url, token, state=tmp_path / "hands", options=Options(accept_notices=False))
    phones.append(phone)
    shown: list[str] = []
    phone.notice.on_shown = lambda notice: shown.append(notice.version)
    phone.connect()
    phone.wait(lambda one: one.policy.generation > 0)
    first = phone.notice.accepted
    assert phone.notice.wanted == first
    server.api.post(f"devices/{phone.id}/confirm", {"person": "H2"})
    phone.wait(lambda one: one.notice.shown is not None)
    assert not phone.core.collecting
    phone.accept_notice()
    server.wait(lambda: not server.device(phone.id)["notice"]["pending"], 30, "the acceptance")
    phone.wait(lambda one: one.core.collecting and one.notice.wanted == one.notice.accepted)
    assert shown == [phone.notice.accepted] != [first]
    evidence = server.api.get(f"notice/acceptances?device={phone.id}")["items"]
    assert [(one["person"]["employee_no"], one["version"]) for one in evidence] == [("H2", shown[0]), ("H1", first)]
    assert all(one["proof"] and one["texts_sha256"] for one in evidence)


def test_a_worker_that_is_killed_goes_on_where_it_was_and_takes_no_row_twice(server: Server) -> None:
    count = 6000
    rows = ([f"K{number}", f"员工{number}", ""] for number in range(count))
    import_id = confirm(server, "people", csv(PEOPLE, *rows))
    server.wait(lambda: server.api.get(f"imports/{import_id}")["applied"] > 0, 30, "the first batch")
    server.kill_part("worker")
    half = server.api.get(f"imports/{import_id}")
    assert half["state"] == "applying"
    server.wait(lambda: state(server, import_id) == "done", 90, "the rest")
    done = server.api.get(f"imports/{import_id}")
    assert (done["applied"], done["done"]) == (count, {"create": count, "change": 0, "unchanged": 0, "error": 0})
    found = [one["employee_no"] for one in server.api.all("staff?q=K")]
    assert len([number for number in found if number and number.startswith("K")]) == count
