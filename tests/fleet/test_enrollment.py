from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from cryptography import x509
from flask import Flask
from sqlalchemy import func, select

from core import outbox
from core.db import session
from core.uow import unit_of_work
from fleet.models import Device
from fleet.notice_models import NoticeAcceptance
from tests.fleet.company import API, Company
from tests.fleet.phone import Phone, csr, jwk, kid, new_key, p384_csr, rsa_csr, wrongly_signed_csr


def test_a_phone_with_a_token_becomes_a_device_with_a_certificate_of_its_own_key(company: Company) -> None:
    phone = Phone()
    answer = company.try_enroll(phone, company.token(org_unit="/总部/电销", groups=["pilot"]))
    assert answer.status_code == 201
    body = answer.json
    certificate = x509.load_pem_x509_certificate(body["certificate"].encode())
    ca = x509.load_pem_x509_certificate(body["ca"][0].encode())
    certificate.verify_directly_issued_by(ca)
    assert certificate.subject.rfc4514_string() == f"CN={body['device_id']}"
    assert certificate.public_key().public_numbers() == phone.signing.public_key().public_numbers()  # type: ignore[union-attr]
    assert body["holder"] == "unconfirmed"
    assert body["broker"] == {"host": "127.0.0.1", "port": 8883}
    assert body["api"].endswith("/api/v1")
    uses = [key["use"] for key in body["jwks"]["keys"]]
    assert uses[:3] == ["sig", "sig", "enc"]
    assert set(uses[3:]) <= {"enc"}, "older ones go on opening what is under way"
    phone.id = body["device_id"]
    shown = company.device(phone)
    assert (shown["state"], shown["serial"], shown["org_unit"]) == ("active", phone.serial, "/总部/电销")
    assert shown["holder"] == {"person": None, "confirmed": False, "name": None, "employee_no": None}
    assert shown["groups"] == ["pilot"]
    assert shown["presence"] == {
        "online": False,
        "last_seen_at": None,
        "since": None,
        "heartbeat_at": None,
        "battery": None,
        "charging": None,
        "network": None,
        "queue_records": None,
    }
    assert shown["policy"] == {
        "desired": {"generation": None, "bundle": None},
        "reported": {"generation": None, "bundle": None, "outcome": None, "at": None},
    }
    assert shown["compliance"] == {"state": "unknown", "step": None, "findings": []}
    assert company.timeline(phone, "enrollment") == ["device.enrolled"]


def test_a_token_that_names_a_person_confirms_the_holder_and_places_the_phone_in_their_unit(company: Company) -> None:
    phone = company.enroll(token=company.token(person="E1024"))
    shown = company.device(phone)
    assert shown["holder"] == {"person": company.wang, "confirmed": True, "name": "王小明", "employee_no": "E1024"}
    assert shown["org_unit"] == "/总部/电销"
    assert [(one["person"], one["to"]) for one in shown["holdings"]] == [(company.wang, None)]
    assert shown["holdings"][0]["confirmed_by"].startswith("token:")


def test_an_employee_number_is_a_claim_until_somebody_confirms_it(company: Company) -> None:
    phone = company.enroll(employee_no="E1024")
    before = company.device(phone)
    assert (before["holder"]["person"], before["holder"]["confirmed"], before["org_unit"]) == (company.wang, False, "/")
    confirmed = company.post(f"/devices/{phone.id}/confirm", {})
    assert confirmed.status_code == 200
    assert confirmed.json["holder"]["confirmed"] is True
    assert confirmed.json["org_unit"] == "/总部/电销"
    assert confirmed.json["serial_confirmed_at"] is not None
    assert [one["confirmed_at"] is not None for one in confirmed.json["holdings"]] == [True]


def test_a_token_person_outweighs_the_claim_of_the_phone(company: Company) -> None:
    phone = company.enroll(token=company.token(person=company.wang), employee_no="E2048")
    shown = company.device(phone)
    assert (shown["holder"]["person"], shown["claimed_employee_no"]) == (company.wang, "E2048")


def test_an_unknown_employee_number_is_404(company: Company) -> None:
    answer = company.try_enroll(Phone(), company.token(), employee_no="E9999")
    assert (answer.status_code, answer.json["code"]) == (404, "unknown_employee")


@pytest.mark.parametrize("token", ["0" * 26, "x", "'; DROP TABLE devices; --", "令牌" * 13])
def test_an_unknown_token_is_401_and_comes_before_every_other_error(company: Company, token: str) -> None:
    answer = company.try_enroll(Phone(), token, csr="nonsense", notice=None)
    assert (answer.status_code, answer.json["code"]) == (401, "token_refused")
    assert answer.mimetype == "application/problem+json"


def test_an_expired_token_is_401(company: Company) -> None:
    token = company.token(expires_in=60)
    with time_machine.travel(_later(61), tick=True):
        answer = company.try_enroll(Phone(), token)
    assert (answer.status_code, answer.json["code"]) == (401, "token_refused")


def test_a_revoked_token_is_401(company: Company) -> None:
    made = company.post("/enrollment-tokens", {"max_uses": 5, "expires_in": 600}).json
    gone = company.client.delete(f"{API}/enrollment-tokens/{made['id']}", headers=company.admin)
    assert gone.status_code == 204
    answer = company.try_enroll(Phone(), made["token"])
    assert (answer.status_code, answer.json["code"]) == (401, "token_refused")
    assert company.get(f"/enrollment-tokens/{made['id']}").json["state"] == "revoked"


def test_a_used_up_token_is_401(company: Company) -> None:
    token = company.token(max_uses=1)
    company.enroll(token=token)
    answer = company.try_enroll(Phone(), token)
    assert (answer.status_code, answer.json["code"]) == (401, "token_refused")


def test_the_same_token_and_key_get_the_same_answer_and_count_once(company: Company) -> None:
    made = company.post("/enrollment-tokens", {"max_uses": 1, "expires_in": 600}).json
    phone = Phone()
    first = company.try_enroll(phone, made["token"])
    again = company.try_enroll(phone, made["token"])
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert company.get(f"/enrollment-tokens/{made['id']}").json["used"] == 1
    assert len(company.get("/devices").json["items"]) == 1


def test_the_same_key_after_ten_minutes_is_no_repeat(company: Company) -> None:
    token = company.token(max_uses=1, expires_in=3600)
    phone = company.enroll(token=token)
    with time_machine.travel(_later(601), tick=True):
        assert company.try_enroll(phone, token).status_code == 401


def test_a_repeat_of_a_retired_phone_is_refused(company: Company) -> None:
    token = company.token(max_uses=1)
    phone = company.enroll(token=token)
    company.post(f"/devices/{phone.id}/revoke", {"reason": "丢失"})
    assert company.try_enroll(phone, token).status_code == 401


def test_a_failed_enrollment_costs_no_use(company: Company) -> None:
    made = company.post("/enrollment-tokens", {"max_uses": 1, "expires_in": 600}).json
    phone = Phone()
    assert company.try_enroll(phone, made["token"], notice=None).status_code == 428
    assert company.try_enroll(phone, made["token"], csr=rsa_csr()).status_code == 422
    assert company.try_enroll(phone, made["token"]).status_code == 201
    assert company.get(f"/enrollment-tokens/{made['id']}").json["used"] == 1


def test_phones_that_race_for_the_last_use_share_one_201(app: Flask, company: Company) -> None:
    token = company.token(max_uses=1)
    statuses: list[int] = []

    def run(phone: Phone) -> None:
        answer = app.test_client().post(API + "/enroll", json=phone.enrollment(token, "default-1"))
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=run, args=(Phone(),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 401, 401, 401, 401, 401]


def test_one_phone_that_races_with_itself_is_enrolled_once(app: Flask, company: Company) -> None:
    token, phone = company.token(max_uses=5), Phone()
    ids: list[str] = []

    def run() -> None:
        answer = app.test_client().post(API + "/enroll", json=phone.enrollment(token, "default-1"))
        ids.append(answer.json["device_id"])  # type: ignore[index]

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 4
    assert len(set(ids)) == 1


@pytest.mark.parametrize(
    "make", [rsa_csr, p384_csr, wrongly_signed_csr, lambda: "nonsense", lambda: "", lambda: csr(new_key())[:-40]]
)
def test_a_csr_that_is_not_a_well_signed_p256_request_is_422(company: Company, make: Any) -> None:
    answer = company.try_enroll(Phone(), company.token(), csr=make())
    assert (answer.status_code, answer.json["code"]) == (422, "bad_csr")


def test_an_encryption_key_off_the_curve_or_shared_with_signing_is_422(company: Company) -> None:
    phone, token = Phone(), company.token()
    off_curve = {**jwk(phone.encryption), "use": "enc", "y": jwk(phone.encryption)["x"]}
    for key in (off_curve, {**jwk(phone.signing), "use": "enc"}, {**jwk(phone.encryption), "use": "sig"}):
        answer = company.try_enroll(phone, token, encryption_key=key)
        assert (answer.status_code, answer.json["code"]) == (422, "bad_encryption_key")


@pytest.mark.parametrize("notice", [None, {"version": "0", "accepted_at": "2026-11-23T06:50:00.123Z"}])
def test_the_current_notice_has_to_be_accepted_first(company: Company, notice: Any) -> None:
    answer = company.try_enroll(Phone(), company.token(), notice=notice)
    assert (answer.status_code, answer.json["code"]) == (428, "notice_not_accepted")
    assert answer.json["version"] == "default-1"
    assert set(answer.json["texts"]) == {"zh-CN", "en"}


def test_the_acceptance_is_kept_as_evidence_for_person_phone_and_version(company: Company) -> None:
    phone = company.enroll(token=company.token(person="E1024"))
    with unit_of_work(write=False):
        kept = session().scalars(select(NoticeAcceptance)).one()
        assert (kept.device_id, kept.person_id, kept.version) == (phone.id, company.wang, "default-1")
        assert kept.accepted_at <= kept.received_at
    assert company.device(phone)["notice"] == {
        "accepted": "default-1",
        "current": "default-1",
        "pending": False,
    }


def test_a_serial_that_is_enrolled_needs_a_token_that_allows_it(company: Company) -> None:
    phone = company.enroll()
    again = Phone(serial=phone.serial)
    answer = company.try_enroll(again, company.token())
    assert (answer.status_code, answer.json["code"]) == (409, "serial_enrolled")
    assert company.try_enroll(again, company.token(allow_reenroll=True)).status_code == 201


def test_the_older_self_is_retired_when_the_new_one_is_confirmed(company: Company) -> None:
    old = company.enroll()
    new = company.enroll(Phone(serial=old.serial), company.token(allow_reenroll=True), employee_no="E1024")
    assert company.device(old)["state"] == "active"
    company.post(f"/devices/{new.id}/confirm", {})
    assert company.device(old)["state"] == "retired"
    assert company.device(new)["state"] == "active"
    assert _effects() >= {("revoke", old.id), ("clear_retained", old.id)}


def test_a_token_for_the_same_holder_retires_the_older_self_at_once(company: Company) -> None:
    old = company.enroll(token=company.token(person="E1024"))
    company.enroll(Phone(serial=old.serial), company.token(person="E1024", allow_reenroll=True))
    assert company.device(old)["state"] == "retired"


def test_claiming_a_colleagues_serial_does_not_take_their_phone_out(company: Company) -> None:
    theirs = company.enroll(token=company.token(person="E1024"))
    company.enroll(Phone(serial=theirs.serial), company.token(person="E2048", allow_reenroll=True))
    assert company.device(theirs)["state"] == "active"


def test_hostile_texts_are_kept_as_texts_or_refused_never_a_crash(company: Company) -> None:
    token = company.token()
    facts = {"os": "android", "manufacturer": "<script>alert(1)</script>", "model": "'; DROP TABLE devices; --"}
    phone = company.enroll(Phone(serial="%_\\' 🤖 ﷽"), token, device={"serial": "%_\\' 🤖 ﷽", **facts})
    shown = company.device(phone)
    assert (shown["serial"], shown["model"]) == ("%_\\' 🤖 ﷽", "'; DROP TABLE devices; --")
    assert [one["id"] for one in company.get("/devices", q="%_\\'").json["items"]] == [phone.id]
    assert company.get("/devices", q="%%").json["items"] == []
    for broken in ("a\x00b", "\ud800", "x" * 300, "", 7, None, ["a"]):
        body = Phone().enrollment(token, "default-1", device={"serial": broken, "os": "android"})
        answer = company.client.post(API + "/enroll", data=json.dumps(body), content_type="application/json")
        assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"token": 1}', b"\xff\xfe", b'{"token":"a","token":"b"}', b"[" * 5000]
)
def test_a_body_that_is_no_enrollment_is_refused_as_a_problem(company: Company, body: bytes) -> None:
    answer = company.client.post(API + "/enroll", data=body, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer.mimetype == "application/problem+json"


def test_a_deactivated_person_lets_no_phone_in(company: Company) -> None:
    token = company.token(person="E1024")
    gone = company.client.delete(f"{API}/staff/{company.wang}", headers=company.admin)
    assert gone.status_code == 204
    assert company.try_enroll(Phone(), token).status_code == 401


def test_what_is_stored_of_a_phone_are_its_public_keys(company: Company) -> None:
    phone = company.enroll()
    with unit_of_work(write=False):
        device = session().get_one(Device, phone.id)
        assert device.signing_kid == kid(phone.signing)
        assert device.encryption_kid == kid(phone.encryption)
        assert session().scalar(select(func.count()).select_from(Device)) == 1


def _effects() -> set[tuple[str, str]]:
    with unit_of_work(write=False) as current:
        return {(row.effect, row.key) for row in outbox.due(current, 1000)}


def _later(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_a_key_that_comes_with_its_private_part_is_refused_and_neither_kept_nor_repeated(company: Company) -> None:
    phone, token = Phone(), company.token()
    leaked = {**jwk(phone.encryption), "d": "c2VjcmV0LXByaXZhdGUtcGFydC1vZi10aGUta2V5LTAwMDA"}
    answer = company.try_enroll(phone, token, encryption_key=leaked)
    assert (answer.status_code, answer.json["code"]) == (422, "private_key_sent")
    assert leaked["d"] not in answer.text
    assert company.get("/devices").json["items"] == []
    assert company.try_enroll(phone, token).status_code == 201
