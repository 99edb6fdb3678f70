from __future__ import annotations

from typing import Any

from core.uow import unit_of_work
from fleet.events import Accepted, notice_accepted, notice_changed
from tests.fleet.company import API, Company
from tests.fleet.phone import Phone

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
    assert company.device(phone)["notice"] == {"accepted": "default-1", "current": "2"}
    outdated = accept(company, phone, "default-1")
    assert (outdated.status_code, outdated.json["version"], outdated.json["texts"]) == (409, "2", TEXTS)
    with notice_accepted.connected_to(listen):
        assert accept(company, phone, "2").status_code == 204
        assert accept(company, phone, "2").status_code == 204
    assert told == [Accepted(phone.id, company.wang, "2")]
    assert company.device(phone)["notice"]["accepted"] == "2"
    assert company.try_enroll(Phone(), company.token()).status_code == 428


def test_a_new_holder_accepts_for_themselves(company: Company) -> None:
    phone = company.enroll(token=company.token(person="E1024"))
    company.post(f"/devices/{phone.id}/confirm", {"person": "E2048"})
    assert company.device(phone)["notice"]["accepted"] is None
    assert accept(company, phone, "default-1").status_code == 204
    assert company.device(phone)["notice"]["accepted"] == "default-1"
    with unit_of_work(write=False) as current:
        from sqlalchemy import select

        from fleet.models import NoticeAcceptance

        assert {row.person_id for row in current.scalars(select(NoticeAcceptance))} == {company.wang, company.li}
