"""A compliance officer accepts a refused batch: it is stored with its defect and the chain goes on."""

from __future__ import annotations

from typing import Any

from archive.models import Seam
from core.uow import unit_of_work
from fleet import findings
from tests.archive.parts import (
    Recorder,
    all_of,
    assert_intact,
    body,
    chain_row,
    chain_signature,
    held,
    opened,
    reasons,
    receipt,
    refused,
    take,
)
from tests.archive.test_intake import link
from tests.fleet.company import Company
from tests.fleet.phone import new_key

REASON = {"reason": "已核实设备密钥故障"}


def accept(company: Company, refused_id: str, who: Any = None) -> Any:
    return company.post(f"/refused-batches/{refused_id}/accept", REASON, who or company.officer)


def open_findings(recorder: Recorder) -> list[str]:
    with unit_of_work(write=False):
        return [one.code for one in findings.open_of([recorder.id]).get(recorder.id, [])]


def test_a_wrong_signature_accepted_is_stored_flagged_and_receipted(company: Company, recorder: Recorder) -> None:
    recorder.say_many(3)
    bad = recorder.sends(1, sig=chain_signature(new_key(), recorder.id, recorder.heads[3]))
    take(bad)
    receipt(recorder)
    assert open_findings(recorder) == ["records_refused"]
    answer = accept(company, refused()[0].id)
    assert (answer.status_code, body(answer)["state"]) == (200, "contested"), answer.json
    said = receipt(recorder)
    assert (said["through"], said["head"], "refused" in said) == (3, recorder.heads[3].hex(), False)
    assert {row.contested for row in held(recorder)} == {refused()[0].id}
    assert open_findings(recorder) == []
    assert "batch_contested" in company.timeline(recorder.phone)
    assert_intact(recorder)
    recorder.say("照常")
    assert take(recorder.sends(4)) == []
    assert receipt(recorder)["through"] == 4
    assert_intact(recorder)


def test_an_accepted_batch_sent_again_is_held_and_receipted(company: Company, recorder: Recorder) -> None:
    recorder.say_many(2)
    bad = recorder.sends(1, sig=chain_signature(new_key(), recorder.id, recorder.heads[2]))
    take(bad)
    accept(company, refused()[0].id)
    receipt(recorder)
    assert take(bad) == []
    assert "refused" not in receipt(recorder)
    assert refused()[0].times == 1


def test_a_wrong_prev_accepted_leaves_a_seam_and_the_phones_chain_goes_on(company: Company, recorder: Recorder) -> None:
    recorder.say_many(2)
    take(recorder.sends())
    recorder.heads[2] = bytes(31) + b"\1"
    recorder.say_many(2)
    assert reasons(take(recorder.sends(3))) == ["chain"]
    assert accept(company, refused()[0].id).status_code == 200
    assert [(one.seq, one.prev, one.cause) for one in all_of(Seam)] == [(3, recorder.heads[2], "contested")]
    recorder.say("继续")
    take(recorder.sends(5))
    said = receipt(recorder)
    assert (said["through"], said["head"]) == (5, recorder.heads[5].hex())
    assert_intact(recorder)


def test_a_wrong_head_accepted_goes_on_from_the_claimed_head(company: Company, recorder: Recorder) -> None:
    recorder.say_many(2)
    recorder.heads[2] = bytes(31) + b"\2"
    assert reasons(take(recorder.sends())) == ["head"]
    assert accept(company, refused()[0].id).status_code == 200
    said = receipt(recorder)
    assert (said["through"], said["head"]) == (2, recorder.heads[2].hex())
    assert_intact(recorder)
    recorder.say("继续")
    assert take(recorder.sends(3)) == []
    assert receipt(recorder)["through"] == 3
    assert_intact(recorder)


def test_a_contradiction_accepted_keeps_both_texts(company: Company, recorder: Recorder) -> None:
    recorder.say_many(3)
    take(recorder.sends())
    twin = Recorder(recorder.phone, [recorder.texts[0]])
    twin.heads = recorder.heads[:2]
    twin.say("改过的")
    twin.say("也改过")
    twin.say("新的")
    assert reasons(take(twin.sends(2))) == ["contradiction"]
    assert accept(company, refused()[0].id).status_code == 200
    assert opened(recorder)[2] == recorder.texts[1].encode()
    assert opened(recorder, 1) == {2: twin.texts[1].encode(), 3: twin.texts[2].encode()}
    assert opened(recorder)[4] == twin.texts[3].encode()
    assert chain_row(recorder).head == twin.heads[4]
    assert_intact(twin)
    twin.say("继续")
    assert take(twin.sends(5)) == []
    assert_intact(twin)


def test_what_waited_behind_a_refused_batch_follows_its_acceptance(company: Company, recorder: Recorder) -> None:
    recorder.say_many(6)
    bad = recorder.sends(1, 3, sig=chain_signature(new_key(), recorder.id, recorder.heads[3]))
    take(bad, recorder.sends(4))
    assert held(recorder) == []
    accept(company, refused()[0].id)
    assert receipt(recorder)["through"] == 6
    assert_intact(recorder)


def test_a_batch_ahead_of_a_gap_waits_for_its_acceptance(company: Company, recorder: Recorder) -> None:
    recorder.say_many(4)
    take(recorder.sends(3, sig=chain_signature(new_key(), recorder.id, recorder.heads[4])))
    answer = accept(company, refused()[0].id)
    assert (answer.status_code, body(answer)["code"], body(answer)["through"]) == (409, "ahead_of_gap", 0)
    take(recorder.sends(1, 2))
    assert accept(company, refused()[0].id).status_code == 200
    assert_intact(recorder)


def test_only_compliance_settles_once_with_a_reason_and_within_its_scope(company: Company, recorder: Recorder) -> None:
    recorder.say_many(2)
    take(recorder.sends(1, sig=chain_signature(new_key(), recorder.id, recorder.heads[2])))
    refused_id = refused()[0].id
    assert accept(company, refused_id, company.admin).status_code == 403
    assert accept(company, "00000000-0000-4000-8000-000000000000").status_code == 404
    empty = company.post(f"/refused-batches/{refused_id}/accept", {"reason": "  "}, company.officer)
    assert (empty.status_code, body(empty)["code"]) == (422, "reason_required")
    dismissed = company.post(f"/refused-batches/{refused_id}/dismiss", REASON, company.officer)
    assert (dismissed.status_code, body(dismissed)["state"]) == (200, "dismissed")
    assert accept(company, refused_id).status_code == 409
    assert held(recorder) == []
    assert open_findings(recorder) == []
    listed = body(company.get("/refused-batches", company.officer, settled=True))["items"]
    assert [(one["id"], one["settled_reason"]) for one in listed] == [(refused_id, REASON["reason"])]


def test_two_defects_one_after_the_other_are_two_seams(company: Company, recorder: Recorder) -> None:
    recorder.say_many(2)
    recorder.heads[2] = bytes(31) + b"\2"
    take(recorder.sends())
    accept(company, refused()[0].id)
    recorder.heads[2] = bytes(31) + b"\3"
    recorder.texts.append("第三条")
    recorder.heads.append(link(recorder.heads[2], "第三条"))
    assert reasons(take(recorder.sends(3))) == ["chain"]
    second = next(one for one in refused() if one.state == "open")
    assert accept(company, second.id).status_code == 200
    assert chain_row(recorder).head == recorder.heads[3]
    assert_intact(recorder)
