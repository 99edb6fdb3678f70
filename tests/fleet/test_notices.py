from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from core.uow import unit_of_work
from fleet import editions
from fleet.events import Accepted, notice_accepted, notice_changed, notice_named
from fleet.notice_text import DEFAULT_TEXTS, DEFAULT_VERSION
from mqtt.contract.notice import texts_digest
from tests.fleet.company import API, Company
from tests.fleet.phone import Phone, kid, wire
from tests.identity import world

TEXTS = {"zh-CN": "新的告知书", "en": "A new notice"}


def put(company: Company, who: dict[str, str] | None = None, **body: Any) -> Any:
    return company.client.put(f"{API}/notice", json={"texts": TEXTS, **body}, headers=who or company.officer)


def accept(company: Company, phone: Phone, version: str) -> Any:
    body = {"version": version, "accepted_at": "2026-11-23T06:50:00.123Z"}
    return company.client.post(f"{API}/device/notice", json=body, headers=phone.bearer())


def test_there_is_a_notice_from_the_start_and_everybody_may_read_it(company: Company) -> None:
    answer: Any = company.client.get(f"{API}/notice")
    assert (answer.status_code, answer.json["version"]) == (200, "default-1")
    assert set(answer.json["texts"]) == {"zh-CN", "en"}


def test_a_new_notice_is_in_force_at_once_and_told(company: Company) -> None:
    told: list[str] = []

    def listen(_sender: Any, version: str) -> None:
        told.append(version)

    with notice_changed.connected_to(listen):
        assert put(company).json == {"version": "1", "texts": TEXTS}
        assert put(company).json["version"] == "1"
        assert put(company, version="2026-12", texts={**TEXTS, "en": "Another"}).json["version"] == "2026-12"
    assert told == ["1", "2026-12"]
    assert company.get("/notice").json["version"] == "2026-12"
    assert put(company, texts=TEXTS).json["version"] == "3"


def test_a_version_is_never_given_to_other_texts(company: Company) -> None:
    put(company, version="a")
    answer = put(company, version="a", texts={**TEXTS, "en": "Other"})
    assert (answer.status_code, answer.json["code"]) == (409, "version_used")
    assert put(company, version="default-1").status_code == 409
    assert company.get("/notice").json["texts"] == TEXTS


def test_a_notice_without_both_languages_is_refused(company: Company) -> None:
    for texts in ({}, {"en": "x"}, {**TEXTS, "fr": "x"}, {"zh-CN": " ", "en": "x"}, {"zh-CN": "x" * 20_001, "en": "x"}):
        assert put(company, texts=texts).status_code == 422


def test_only_who_may_writes_the_notice(company: Company) -> None:
    assert put(company, company.leader).status_code == 403
    assert company.get("/notice").json["version"] == "default-1"


def test_phones_accept_the_current_version_once_and_enroll_with_it_alone(company: Company) -> None:
    told: list[Accepted] = []

    def listen(_sender: Any, acceptances: list[Accepted]) -> None:
        told.extend(acceptances)

    phone = company.enroll(token=company.token(person="E1024"))
    put(company, version="2")
    assert company.device(phone)["notice"] == {"accepted": "default-1", "current": "2", "pending": True}
    outdated = accept(company, phone, "default-1")
    assert (outdated.status_code, outdated.json["version"], outdated.json["texts"]) == (409, "2", TEXTS)
    with notice_accepted.connected_to(listen):
        assert accept(company, phone, "2").status_code == 204
        assert accept(company, phone, "2").status_code == 204
    assert told == [Accepted(phone.id, company.wang, "2")]
    assert company.device(phone)["notice"]["accepted"] == "2"
    assert company.try_enroll(Phone(), company.token()).status_code == 428


def asked_for(phone: Phone) -> str:
    """The notice that the phone's desired state names."""
    with unit_of_work(write=False):
        return editions.named_to([phone.id])[phone.id]


def evidence(company: Company, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = company.get("/notice/acceptances", company.officer, **query).json["items"]
    return items


def test_a_new_holder_is_asked_anew_by_the_same_texts(company: Company) -> None:
    told: list[str] = []

    def listen(_sender: Any, device_ids: list[str]) -> None:
        told.extend(device_ids)

    phone = company.enroll(token=company.token(person="E1024"))
    colleague = company.enroll(token=company.token(person="E1024"))
    before = company.get("/notice").json
    with notice_named.connected_to(listen):
        company.post(f"/devices/{phone.id}/confirm", {"person": "E2048"})
    assert told == [phone.id]
    now = company.get("/notice").json
    assert (now["version"] != before["version"], now["texts"]) == (True, before["texts"])
    assert (asked_for(phone), asked_for(colleague)) == (now["version"], "default-1")
    assert company.device(phone)["notice"] == {"accepted": None, "current": now["version"], "pending": True}
    assert company.device(colleague)["notice"]["pending"] is False
    late = accept(company, phone, "default-1")
    assert (late.status_code, late.json["version"]) == (409, now["version"])
    assert accept(company, phone, now["version"]).status_code == 204
    assert asked_for(phone) == now["version"]
    assert {(one["person"]["id"], one["version"]) for one in evidence(company, device=phone.id)} == {
        (company.wang, "default-1"),
        (company.li, now["version"]),
    }


def test_a_phone_that_comes_back_to_its_first_holder_asks_once_more(company: Company) -> None:
    phone = company.enroll(token=company.token(person="E1024"))
    names = ["default-1"]
    for person in ("E2048", "E1024"):
        company.post(f"/devices/{phone.id}/confirm", {"person": person})
        names.append(asked_for(phone))
        assert accept(company, phone, names[-1]).status_code == 204
    assert len(set(names)) == 3
    assert len(evidence(company, device=phone.id)) == 3


def test_a_newer_edition_is_as_good_and_phones_enroll_with_any(company: Company) -> None:
    first, second = (company.enroll(token=company.token(person="E1024")) for _ in range(2))
    for phone in (first, second):
        company.post(f"/devices/{phone.id}/confirm", {"person": "E2048"})
    newest = company.get("/notice").json["version"]
    assert accept(company, first, newest).status_code == 204
    assert asked_for(first) == newest
    assert accept(company, first, f"{newest}9").status_code == 409
    company.enroll(token=company.token())
    body = Phone().enrollment(company.token(), newest)
    assert company.client.post(f"{API}/enroll", json=body).status_code == 201


def test_other_texts_are_asked_for_without_editions(company: Company) -> None:
    phone = company.enroll(token=company.token(person="E1024"))
    company.post(f"/devices/{phone.id}/confirm", {"person": "E2048"})
    put(company, version="2")
    assert asked_for(phone) == "2"
    assert accept(company, phone, "2").status_code == 204
    assert put(company, version="3#1").json["code"] == "bad_version"


def proof(phone: Phone, version: str, at: datetime, **changes: Any) -> str:
    claims = {"version": version, "texts": texts_digest(DEFAULT_TEXTS), "language": "zh-CN", "accepted_at": wire(at)}
    return phone.sign("shouji-notice+jws", {**claims, "iat": int(at.timestamp()), **changes})


def test_what_a_phone_signs_is_kept_as_evidence_of_the_very_texts(company: Company) -> None:
    phone, at = Phone(), datetime.now(UTC).replace(microsecond=0)
    signed = proof(phone, "default-1", at)
    notice = {"version": "default-1", "accepted_at": wire(at), "proof": signed}
    company.enroll(phone, company.token(person="E1024"), notice=notice)
    [one] = evidence(company, person=company.wang)
    assert (one["proof"], one["language"], one["signing_kid"]) == (signed, "zh-CN", kid(phone.signing))
    shown = next(item for item in company.get("/notice/versions", company.officer).json["items"])
    assert (one["texts_sha256"], one["text_version"]) == (shown["texts_sha256"], shown["version"])
    assert (shown["in_force"], shown["accepted"]) == (True, 1)


def test_a_proof_of_anything_else_is_refused(company: Company) -> None:
    at = datetime.now(UTC).replace(microsecond=0)
    makers: list[Callable[[Phone], str]] = [
        lambda phone: proof(phone, "default-1", at, texts="0" * 64),
        lambda phone: proof(phone, "default-2", at),
        lambda phone: proof(phone, "default-1", at, accepted_at=wire(at - timedelta(days=1))),
        lambda _phone: proof(Phone(), "default-1", at),
        lambda _phone: "a.b.c",
    ]
    for broken in makers:
        phone = Phone()
        notice = {"version": "default-1", "accepted_at": wire(at), "proof": broken(phone)}
        answer = company.try_enroll(phone, company.token(), notice=notice)
        assert (answer.status_code, answer.json["code"]) == (422, "bad_notice_proof")


def test_an_acceptance_by_nobody_known_is_the_first_holders(company: Company) -> None:
    phone = company.enroll()
    company.post(f"/devices/{phone.id}/confirm", {"person": "E2048"})
    [one] = evidence(company, person=company.li)
    assert (one["device"], one["person"]["id"], one["person_known"]) == (phone.id, company.li, False)
    assert evidence(company, person=company.wang) == []


def test_auditors_see_who_has_not_accepted_yet_in_their_part_of_the_tree(company: Company) -> None:
    mine = company.enroll(token=company.token(person="E1024"))
    company.enroll(token=company.token(person="E2048"))
    put(company, version="2")
    accept(company, mine, "2")
    assert company.get("/notice/status", company.officer).json == {"version": "2", "accepted": 1, "pending": 1}
    [waiting] = company.get("/notice/pending", company.officer).json["items"]
    assert (waiting["person"]["employee_no"], waiting["accepted"]) == ("E2048", "default-1")
    world.person("local", "auditor", org_unit="/总部/电销")
    who = world.headers("local")
    assert company.get("/notice/pending", who).json["items"] == []
    assert len(company.get("/notice/acceptances", who).json["items"]) == 2
    assert company.get("/notice/acceptances", company.leader).status_code == 403


def test_the_built_in_texts_change_only_together_with_their_version() -> None:
    assert (DEFAULT_VERSION, texts_digest(DEFAULT_TEXTS)[:16]) == ("default-1", "89d280f5d3b8b9b7")
