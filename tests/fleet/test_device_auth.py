from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import time_machine

from core.errors import Unauthenticated
from core.runtime import runtime
from core.uow import unit_of_work
from fleet import device_auth
from fleet.jobs import forget
from tests.fleet.company import API, Company
from tests.fleet.phone import Phone, new_key


def accept(company: Company, phone: Phone, headers: dict[str, str]) -> Any:
    body = {"version": "default-1", "accepted_at": "2026-11-23T06:50:00.123Z"}
    return company.client.post(f"{API}/device/notice", json=body, headers=headers)


def test_a_request_that_the_phone_signed_is_the_phones(company: Company) -> None:
    phone = company.enroll()
    assert accept(company, phone, phone.bearer()).status_code == 204


def test_a_token_is_used_once(company: Company) -> None:
    phone = company.enroll()
    headers = phone.bearer()
    assert accept(company, phone, headers).status_code == 204
    again = accept(company, phone, headers)
    assert (again.status_code, again.json["reason"]) == (401, "replayed")


def test_another_text_with_the_same_jti_is_a_replay_too(company: Company) -> None:
    phone = company.enroll()
    jti = uuid.uuid4().hex
    assert accept(company, phone, phone.bearer(jti=jti)).status_code == 204
    assert accept(company, phone, phone.bearer(jti=jti)).status_code == 401


def test_the_same_jti_of_another_phone_is_its_own(company: Company) -> None:
    token = company.token()
    one, other = company.enroll(token=token), company.enroll(token=token)
    jti = uuid.uuid4().hex
    assert accept(company, one, one.bearer(jti=jti)).status_code == 204
    assert accept(company, other, other.bearer(jti=jti)).status_code == 204


@pytest.mark.parametrize(("iat", "exp"), [(600, 700), (86_400, 86_500), (-400, -200)])
def test_a_wrong_clock_is_401_with_the_servers_date(company: Company, iat: int, exp: int) -> None:
    phone = company.enroll()
    now = int(time.time())
    answer = accept(company, phone, phone.bearer(iat=now + iat, exp=now + exp))
    assert (answer.status_code, answer.json["code"]) == (401, "clock")
    assert abs(parsedate_to_datetime(answer.headers["Date"]).timestamp() - now) < 5


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "shouji"},
        {"aud": None},
        {"iss": str(uuid.uuid4())},
        {"sub": None},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 300},
        {"jti": 7},
        {"exp": None},
        {"iat": None},
        {"exp": "soon"},
        {"iat": True},
        {"exp": int(time.time()) + 100_000},
    ],
)
def test_a_token_with_a_claim_missing_or_wrong_is_401(company: Company, changes: dict[str, Any]) -> None:
    phone = company.enroll()
    answer = accept(company, phone, phone.bearer(**changes))
    assert (answer.status_code, answer.json["code"]) == (401, "device_token_refused")


@pytest.mark.parametrize("typ", ["JWT", "shouji-staff+jwt", "shouji-hello+jws", ""])
def test_a_token_of_another_type_is_401(company: Company, typ: str) -> None:
    phone = company.enroll()
    assert accept(company, phone, phone.bearer(typ=typ)).status_code == 401


def test_another_key_or_algorithm_is_401(company: Company) -> None:
    phone = company.enroll()
    for token in (
        phone.sign("shouji-device+jwt", phone.claims(), key=new_key()),
        phone.sign("shouji-device+jwt", phone.claims(), alg="none"),
        phone.sign("shouji-device+jwt", phone.claims(), alg="HS256"),
        phone.sign("shouji-device+jwt", phone.claims())[:-4] + "AAAA",
        "a.b.c",
        "",
        "…",
        "a" * 10_000,
    ):
        answer = accept(
            company, phone, {"Authorization": f"Bearer {token}".encode("latin-1", "replace").decode("latin-1")}
        )
        assert answer.status_code == 401


def test_a_staff_token_opens_no_device_route_and_a_device_token_no_staff_route(company: Company) -> None:
    phone = company.enroll()
    assert accept(company, phone, company.admin).status_code == 401
    assert company.get("/devices", phone.bearer()).status_code == 401


def test_another_device_cannot_speak_for_this_one(company: Company) -> None:
    token = company.token()
    one, other = company.enroll(token=token), company.enroll(token=token)
    forged = other.sign("shouji-device+jwt", one.claims())
    assert accept(company, one, {"Authorization": f"Bearer {forged}"}).status_code == 401


def test_a_closed_phone_signs_in_and_is_kept_from_what_needs_a_living_one(company: Company) -> None:
    phone = company.enroll()
    company.post(f"/devices/{phone.id}/revoke", {"reason": "丢失"})
    answer = accept(company, phone, phone.bearer())
    assert (answer.status_code, answer.json["code"], answer.json["state"]) == (409, "device_state", "retired")


def test_spent_ids_are_forgotten_when_their_tokens_are_over_and_not_before(company: Company) -> None:
    phone = company.enroll()
    token = phone.bearer()["Authorization"].removeprefix("Bearer ")
    with unit_of_work():
        assert device_auth.authenticate(token).id == phone.id
    with unit_of_work():
        forget()
    with pytest.raises(Unauthenticated) as again, unit_of_work():
        device_auth.authenticate(token)
    assert again.value.members["reason"] == "replayed"
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=10)):
        with unit_of_work():
            forget()
        with pytest.raises(Unauthenticated) as late, unit_of_work():
            device_auth.authenticate(token)
    assert late.value.code == "clock"
    assert runtime().settings.device_certificate_days == 90
