"""Over HTTP: late records of phones that left, and what staff may read."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from archive.models import Chain
from core import audit
from core.uow import unit_of_work
from tests.archive.parts import (
    Recorder,
    alerts,
    assert_intact,
    body,
    chain_signature,
    claims_of,
    held,
    outbox_rows,
    reasons,
    refused,
    take,
)
from tests.fleet.company import API, Company
from tests.fleet.phone import new_key


def deliver(company: Company, recorder: Recorder, payload: bytes) -> TestResponse:
    headers = {**recorder.phone.bearer(), "Content-Type": "application/jose"}
    return company.client.post(f"{API}/device/records", data=payload, headers=headers)


def retire(company: Company, recorder: Recorder) -> None:
    answer = company.post(f"/devices/{recorder.id}/revoke", {"reason": "离职"})
    assert answer.status_code in (200, 204), answer.json


def age(recorder: Recorder, days: float) -> None:
    with unit_of_work() as current:
        row = current.get_one(Chain, recorder.id)
        assert row.closed_at is not None
        row.closed_at -= timedelta(days=days)


@pytest.mark.usefixtures("desk")
def test_a_retired_phone_delivers_late_and_gets_a_receipt_of_what_is_committed(
    company: Company, recorder: Recorder
) -> None:
    recorder.say_many(5)
    take(recorder.sends(1, 2))
    retire(company, recorder)
    assert reasons(take(recorder.sends(3))) == ["device_closed"]
    before = len(outbox_rows())
    answer = deliver(company, recorder, recorder.sends(3).payload)
    assert (answer.status_code, answer.mimetype) == (200, "application/jose"), answer.data
    said = claims_of(answer.data, recorder.id)
    assert (said["through"], said["head"]) == (5, recorder.heads[5].hex())
    assert [row.late for row in held(recorder)] == [False, False, True, True, True]
    assert len(outbox_rows()) == before
    again = deliver(company, recorder, recorder.sends(1).payload)
    assert claims_of(again.data, recorder.id)["through"] == 5
    assert_intact(recorder)


@pytest.mark.usefixtures("desk")
def test_a_late_batch_that_does_not_fit_is_answered_with_refused_and_alerted(
    company: Company, recorder: Recorder
) -> None:
    recorder.say_many(2)
    retire(company, recorder)
    bad = recorder.sends(1, sig=chain_signature(new_key(), recorder.id, recorder.heads[2]))
    said = claims_of(deliver(company, recorder, bad.payload).data, recorder.id)
    assert (said["through"], said["refused"]) == (0, {"first": 1, "reason": "signature"})
    assert [one.late for one in refused()] == [True]
    assert alerts() == [(recorder.id, "batch_refused")]


@pytest.mark.usefixtures("desk")
def test_a_phone_in_the_fleet_may_deliver_over_http_too_and_is_not_late(company: Company, recorder: Recorder) -> None:
    recorder.say_many(2)
    assert deliver(company, recorder, recorder.sends().payload).status_code == 200
    assert [row.late for row in held(recorder)] == [False, False]


@pytest.mark.usefixtures("desk")
def test_thirty_days_after_it_left_a_phone_delivers_no_more(company: Company, recorder: Recorder) -> None:
    recorder.say_many(2)
    retire(company, recorder)
    age(recorder, 29.9)
    assert deliver(company, recorder, recorder.sends(1, 1).payload).status_code == 200
    age(recorder, 0.2)
    answer = deliver(company, recorder, recorder.sends(2).payload)
    assert (answer.status_code, body(answer)["code"]) == (409, "too_late")
    assert len(held(recorder)) == 1


@pytest.mark.parametrize("payload", [b"", b"{}", b"a.b.c.d.e", b"\xff" * 100])
def test_a_body_that_is_no_batch_is_refused(company: Company, recorder: Recorder, payload: bytes) -> None:
    answer = deliver(company, recorder, payload)
    assert (answer.status_code, body(answer)["code"]) == (422, "not_a_batch")


def test_without_the_worker_the_batch_is_kept_but_the_phone_gets_no_receipt(
    company: Company, recorder: Recorder
) -> None:
    recorder.say_many(2)
    answer = deliver(company, recorder, recorder.sends().payload)
    assert answer.status_code == 503
    assert len(held(recorder)) == 2


@pytest.mark.usefixtures("desk")
def test_an_idempotency_key_never_repeats_an_answer_without_its_receipt(company: Company, recorder: Recorder) -> None:
    recorder.say_many(2)
    for _ in range(2):
        headers = {**recorder.phone.bearer(), "Idempotency-Key": "same"}
        answer = company.client.post(f"{API}/device/records", data=recorder.sends(1).payload, headers=headers)
        assert claims_of(answer.data, recorder.id)["through"] == 2


def test_records_over_http_need_the_phones_own_token(company: Company, recorder: Recorder) -> None:
    recorder.say()
    payload = recorder.sends().payload
    assert company.client.post(f"{API}/device/records", data=payload).status_code == 401
    assert company.client.post(f"{API}/device/records", data=payload, headers=company.admin).status_code == 401


def test_a_lost_phone_goes_on_archiving_over_mqtt(company: Company, recorder: Recorder) -> None:
    assert company.patch(f"/devices/{recorder.id}", {"state": "lost", "reason": "丢失"}).status_code == 200
    recorder.say()
    assert take(recorder.sends()) == []
    assert len(held(recorder)) == 1


def test_metadata_is_shown_in_pages_without_texts(company: Company, recorder: Recorder) -> None:
    recorder.say_many(5)
    take(recorder.sends())
    first = body(company.get(f"/devices/{recorder.id}/records", limit=3))
    second = body(company.get(f"/devices/{recorder.id}/records", limit=3, cursor=first["next_cursor"]))
    assert [one["seq"] for one in first["items"] + second["items"]] == [5, 4, 3, 2, 1]
    assert second["next_cursor"] is None
    assert "text" not in first["items"][0]
    assert first["items"][0]["leaf"] == held(recorder)[4].leaf.hex()


def test_opening_texts_needs_its_permission_and_is_audited(company: Company, recorder: Recorder) -> None:
    recorder.say("机密")
    recorder.say("内容")
    take(recorder.sends())
    assert company.get(f"/devices/{recorder.id}/records/opened", company.leader).status_code == 403
    items = body(company.get(f"/devices/{recorder.id}/records/opened", company.officer))["items"]
    assert [json.loads(one["text"])["text"] for one in items] == ["内容", "机密"]
    with unit_of_work(write=False) as current:
        entries = [row for row in current.query(audit.AuditEntry).all() if row.action == "records.read"]
        assert [(row.target_id, row.detail) for row in entries] == [
            (recorder.id, {"first": 1, "last": 2, "records": 2})
        ]


def test_the_records_of_another_units_phone_are_not_there(company: Company) -> None:
    recorder = Recorder(company.enroll(token=company.token(org_unit="/总部/客服")))
    recorder.say()
    take(recorder.sends())
    for path in ("records", "chain"):
        assert company.get(f"/devices/{recorder.id}/{path}", company.leader).status_code == 404


def test_the_chain_says_how_far_it_goes_and_what_is_the_matter(company: Company, recorder: Recorder) -> None:
    recorder.say_many(9)
    take(recorder.sends(1, 2), recorder.sends(8))
    take(recorder.sends(3, 3, sig=chain_signature(new_key(), recorder.id, recorder.heads[3])))
    chain = body(company.get(f"/devices/{recorder.id}/chain"))
    assert (chain["through"], chain["head"]) == (2, recorder.heads[2].hex())
    assert (chain["highest_seen"], chain["waiting"], chain["refused"], chain["seams"]) == (9, 1, 1, [])


def test_alerts_are_listed_and_acknowledged_by_compliance(company: Company, recorder: Recorder) -> None:
    recorder.say()
    take(recorder.sends(1, sig=chain_signature(new_key(), recorder.id, recorder.heads[1])))
    listed = body(company.get("/integrity-alerts", company.officer, unseen=True))["items"]
    assert [(one["code"], one["detail"]["reason"]) for one in listed] == [("batch_refused", "signature")]
    path = f"/integrity-alerts/{listed[0]['id']}/acknowledge"
    assert company.post(path, {}, company.leader).status_code == 403
    assert company.post(path, {}, company.officer).status_code == 200
    assert body(company.get("/integrity-alerts", company.officer, unseen=True))["items"] == []


def test_compliance_is_notified_once_while_a_phone_has_unseen_alerts(company: Company, recorder: Recorder) -> None:
    recorder.say_many(2)
    for seq in (1, 2):
        take(recorder.sends(seq, seq, sig=chain_signature(new_key(), recorder.id, recorder.heads[seq])))
    notices = body(company.get("/notices", company.officer))["items"]
    assert [(one["kind"], one["about_id"]) for one in notices] == [("integrity", recorder.id)]


def test_metrics_tell_what_waits_for_a_person(company: Company, recorder: Recorder) -> None:
    recorder.say_many(4)
    take(recorder.sends(3), recorder.sends(1, 1, sig=chain_signature(new_key(), recorder.id, recorder.heads[1])))
    text = company.client.get("/metrics").text
    for figure in ("waiting_batches 1.0", "refused_batches 1.0", "unseen_alerts 1.0"):
        assert f"shouji_archive_{figure}" in text
