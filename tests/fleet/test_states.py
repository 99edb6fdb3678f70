from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core import audit, outbox, witness
from core.actor import system_actor
from core.uow import unit_of_work
from fleet import restore, states
from fleet.events import Closed, DeviceChange, devices_changed, devices_closed
from tests.fleet.company import Company, hear
from tests.fleet.phone import Phone
from tests.fleet.test_certificates import revoked
from tests.identity import world


@pytest.fixture
def heard() -> Iterator[list[Any]]:
    """Everything that the two signals told."""
    told: list[Any] = []

    def changed(_sender: Any, changes: list[DeviceChange]) -> None:
        told.extend((change.what, change.old, change.new) for change in changes)

    def closed(_sender: Any, devices: list[Closed]) -> None:
        told.extend(("closed", device.device_id, device.state) for device in devices)

    with devices_changed.connected_to(changed), devices_closed.connected_to(closed):
        yield told


def move(company: Company, phone: Phone, state: str, reason: str = "地铁上遗失", **who: Any) -> Any:
    return company.patch(f"/devices/{phone.id}", {"state": state, "reason": reason}, **who)


def test_a_lost_phone_keeps_its_certificate_and_can_be_found_again(company: Company, heard: list[Any]) -> None:
    phone = company.enroll()
    assert move(company, phone, "lost").json["state"] == "lost"
    assert revoked(company) == set()
    assert _effects() == set()
    assert move(company, phone, "active", "找回").json["state"] == "active"
    assert heard == [("state", "active", "lost"), ("state", "lost", "active")]
    assert company.timeline(phone, "state") == ["state.active", "state.lost"]


def test_retiring_ends_certificate_session_retained_messages_and_holding(company: Company, heard: list[Any]) -> None:
    phone = company.enroll(token=company.token(person="E1024"))
    shown = move(company, phone, "retired", "离职交回").json
    assert (shown["state"], shown["state_reason"]) == ("retired", "离职交回")
    assert [one["to"] is not None for one in shown["holdings"]] == [True]
    assert [one["revoked_at"] is not None for one in shown["certificates"]] == [True]
    assert _effects() == {("revoke", phone.id), ("clear_retained", phone.id)}
    assert heard == [("state", "active", "retired"), ("closed", phone.id, "retired")]


@pytest.mark.parametrize(
    ("path", "status"), [(["wiped"], 409), (["retired", "active"], 409), (["lost", "retired", "lost"], 409)]
)
def test_what_is_closed_stays_closed_and_nobody_wipes_by_hand(company: Company, path: list[str], status: int) -> None:
    phone = company.enroll()
    answers = [move(company, phone, state).status_code for state in path]
    assert answers[-1] == 409
    assert set(answers[:-1]) <= {200}


def test_the_same_state_again_changes_nothing(company: Company, heard: list[Any]) -> None:
    phone = company.enroll()
    move(company, phone, "lost")
    move(company, phone, "lost")
    assert len(heard) == 1


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_reason_is_needed(company: Company, reason: str) -> None:
    phone = company.enroll()
    assert move(company, phone, "lost", reason).status_code == 422
    assert company.post(f"/devices/{phone.id}/revoke", {"reason": reason}).status_code == 422


def test_revoking_twice_is_a_conflict(company: Company) -> None:
    phone = company.enroll()
    assert company.post(f"/devices/{phone.id}/revoke", {"reason": "丢失"}).status_code == 200
    assert company.post(f"/devices/{phone.id}/revoke", {"reason": "丢失"}).json["code"] == "no_such_transition"


def test_a_finished_wipe_closes_a_phone_once(company: Company, heard: list[Any]) -> None:
    phone = company.enroll()
    for _ in range(2):
        with unit_of_work():
            states.wiped(system_actor("commands"), [phone.id], "wipe finished")
    assert company.device(phone)["state"] == "wiped"
    assert heard == [("state", "active", "wiped"), ("closed", phone.id, "wiped")]


def test_whoever_may_not_is_refused_and_the_attempt_is_on_record(company: Company) -> None:
    phone = company.enroll()
    for path, body in ((f"/devices/{phone.id}", {"state": "lost", "reason": "x"}),):
        assert company.patch(path, body, company.officer).status_code == 403
    assert company.post(f"/devices/{phone.id}/revoke", {"reason": "x"}, company.officer).status_code == 403
    refused = world.audit_items(company.client, company.admin, action="request.refused")
    assert len(refused) == 2
    with unit_of_work(write=False) as current:
        assert audit.verify_chain(current) is None


def test_messages_of_a_closed_phone_change_nothing(company: Company) -> None:
    phone = company.enroll()
    move(company, phone, "retired")
    from core import clock

    at = clock.now()
    assert hear(phone.presence(True, at), phone.heartbeat(at), phone.hello(at)) == []
    shown = company.device(phone)
    assert (shown["presence"]["online"], shown["presence"]["last_seen_at"], shown["inventory"]) == (False, None, None)


def test_a_restored_database_revokes_again_what_was_revoked_since(company: Company) -> None:
    witness.path().unlink(missing_ok=True)
    known = company.enroll()
    gone = company.enroll()
    company.post(f"/devices/{known.id}/revoke", {"reason": "丢失"})
    company.post(f"/devices/{gone.id}/revoke", {"reason": "丢失"})
    listed = revoked(company)
    _forget_revocation(known, gone)
    assert revoked(company) == set()
    with unit_of_work():
        figures = restore.revoke_again(system_actor("restore"))
    assert figures["devices_closed_again"] == 1
    assert revoked(company) == listed
    assert company.device(known)["state"] == "retired"
    assert company.get(f"/devices/{gone.id}").status_code == 404
    witness.path().unlink()


def _forget_revocation(known: Phone, gone: Phone) -> None:
    """As if the database were of the time before: one phone alive again, the other not enrolled yet."""
    from sqlalchemy import delete, update

    from core.db import session
    from fleet.models import Certificate, Device, Holding, Presence, TimelineEntry
    from fleet.notice_models import NoticeAcceptance

    with unit_of_work():
        session().execute(update(Device).values(state="active"))
        session().execute(update(Certificate).values(revoked_at=None))
        for model in (Certificate, NoticeAcceptance, Holding, Presence, TimelineEntry):
            session().execute(delete(model).where(model.device_id == gone.id))
        session().execute(delete(Device).where(Device.id == gone.id))
    assert known.id != gone.id


def _effects() -> set[tuple[str, str]]:
    with unit_of_work(write=False) as current:
        own = {"revoke", "clear_retained"}
        return {(row.effect, row.key) for row in outbox.due(current, 1000) if row.effect in own}
