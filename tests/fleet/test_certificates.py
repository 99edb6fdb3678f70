from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from cryptography import x509
from sqlalchemy import update

from core import jobs, outbox
from core.runtime import runtime
from core.uow import unit_of_work
from fleet.models import Certificate
from tests.fleet.company import API, Company
from tests.fleet.phone import Phone, csr, new_key, rsa_csr


def renew(company: Company, phone: Phone, **changes: Any) -> Any:
    body = {"csr": csr(phone.signing), **changes}
    return company.client.post(f"{API}/device/certificate", json=body, headers=phone.bearer())


def revoked(company: Company) -> set[str]:
    answer = company.client.get("/pki/crl.der")
    assert (answer.status_code, answer.mimetype) == (200, "application/pkix-crl")
    crl = x509.load_der_x509_crl(answer.data)
    assert crl.is_signature_valid(runtime().ca.certificate.public_key())  # type: ignore[arg-type]
    assert crl.next_update_utc is not None
    assert crl.next_update_utc - datetime.now(UTC) > timedelta(days=7)
    return {f"{entry.serial_number:x}" for entry in crl}


def serials(company: Company, phone: Phone) -> list[str]:
    return [one["serial"] for one in company.device(phone)["certificates"]]


def test_a_renewal_keeps_the_key_and_supersedes_the_older_serial(company: Company) -> None:
    phone = company.enroll()
    answer = renew(company, phone)
    assert answer.status_code == 200
    certificate = x509.load_pem_x509_certificate(answer.json["certificate"].encode())
    assert certificate.public_key() == phone.signing.public_key()
    shown = company.device(phone)["certificates"]
    assert [one["superseded_at"] is None for one in shown] == [True, False]
    assert shown[0]["serial"] == f"{certificate.serial_number:x}"
    assert revoked(company) == set()
    assert "certificate.renewed" in company.timeline(phone)


def test_a_certificate_is_for_clients_and_says_where_the_list_is(company: Company) -> None:
    phone = company.enroll()
    pem = renew(company, phone).json["certificate"]
    certificate = x509.load_pem_x509_certificate(pem.encode())
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [one._name for one in usage] == ["clientAuth"]
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert [name.value for point in points for name in point.full_name or []] == [
        f"{runtime().settings.base_url}/pki/crl.der"
    ]
    assert timedelta(days=89) < certificate.not_valid_after_utc - datetime.now(UTC) <= timedelta(days=90)


def test_a_renewal_with_another_key_is_refused(company: Company) -> None:
    phone = company.enroll()
    answer = renew(company, phone, csr=csr(new_key()))
    assert (answer.status_code, answer.json["code"]) == (409, "key_changed")


@pytest.mark.parametrize("request_text", [rsa_csr(), "nonsense", ""])
def test_a_renewal_with_a_bad_request_is_422(company: Company, request_text: str) -> None:
    phone = company.enroll()
    assert renew(company, phone, csr=request_text).status_code == 422


@pytest.mark.parametrize(("days", "status"), [(89, 200), (119, 200), (121, 409)])
def test_a_renewal_is_possible_up_to_thirty_days_past_the_end(company: Company, days: int, status: int) -> None:
    phone = company.enroll()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=days), tick=True):
        answer = renew(company, phone)
    assert answer.status_code == status, answer.json
    if status == 409:
        assert answer.json["code"] == "renewal_too_late"


def test_a_lost_or_closed_phone_gets_no_new_certificate(company: Company) -> None:
    phone = company.enroll()
    company.patch(f"/devices/{phone.id}", {"state": "lost", "reason": "地铁上遗失"})
    assert renew(company, phone).json["code"] == "device_not_active"
    company.patch(f"/devices/{phone.id}", {"state": "retired", "reason": "找不回"})
    assert renew(company, phone).status_code == 409
    assert len(serials(company, phone)) == 1


def test_renewing_without_end_is_bounded(company: Company) -> None:
    phone = company.enroll()
    statuses = [renew(company, phone).status_code for _ in range(22)]
    assert statuses[:20] == [200] * 20
    assert statuses[-1] == 429


def test_revoking_lists_every_unexpired_serial_and_cuts_the_session(company: Company) -> None:
    token = company.token()
    phone, other = company.enroll(token=token), company.enroll(token=token)
    renew(company, phone)
    both = set(serials(company, phone))
    assert company.post(f"/devices/{phone.id}/revoke", {"reason": "丢失"}).status_code == 200
    assert revoked(company) == both
    assert len(both) == 2
    assert not both & set(serials(company, other))
    with unit_of_work(write=False) as current:
        effects = {(row.effect, row.key) for row in outbox.due(current, 100)}
    assert effects >= {("revoke", phone.id), ("clear_retained", phone.id)}


def test_an_expired_serial_leaves_the_list(company: Company) -> None:
    phone = company.enroll()
    company.post(f"/devices/{phone.id}/revoke", {"reason": "丢失"})
    assert len(revoked(company)) == 1
    with time_machine.travel(datetime.now(UTC) + timedelta(days=91), tick=True):
        der = company.client.get("/pki/crl.der").data
    assert list(x509.load_der_x509_crl(der)) == []


def test_the_list_is_signed_again_daily(company: Company) -> None:
    assert jobs.run("fleet-revocation-list") == "done"
    with unit_of_work(write=False) as current:
        assert ("crl", "crl") in {(row.effect, row.key) for row in outbox.due(current, 100)}


def test_the_list_is_signed_once_however_often_strangers_ask(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    signed: list[int] = []
    authority = runtime().ca
    sign = authority.crl

    def counted(*given: Any) -> bytes:
        signed.append(1)
        return sign(*given)

    monkeypatch.setattr(authority, "crl", counted)
    phone = company.enroll()
    company.post(f"/devices/{phone.id}/revoke", {"reason": "丢失"})
    first = company.client.get("/pki/crl.der")
    assert {company.client.get("/pki/crl.der").data for _ in range(20)} == {first.data}
    assert len(signed) == 1
    other = company.enroll()
    company.post(f"/devices/{other.id}/revoke", {"reason": "丢失"})
    assert len(revoked(company)) == 2
    assert len(signed) == 2
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1), tick=True):
        tomorrow = company.client.get("/pki/crl.der")
    assert len(signed) == 3
    ends = [x509.load_der_x509_crl(answer.data).next_update_utc for answer in (first, tomorrow)]
    assert ends[0] and ends[1] and ends[1] > ends[0]


def test_whoever_has_the_list_is_told_so_until_it_changes(company: Company) -> None:
    answer = company.client.get("/pki/crl.der")
    assert answer.headers["Cache-Control"] == "public, no-cache"
    have = {"If-None-Match": answer.headers["ETag"]}
    same = company.client.get("/pki/crl.der", headers=have)
    assert (same.status_code, same.data) == (304, b"")
    phone = company.enroll()
    company.post(f"/devices/{phone.id}/revoke", {"reason": "丢失"})
    changed = company.client.get("/pki/crl.der", headers=have)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != answer.headers["ETag"]


def test_a_revocation_that_committed_out_of_order_is_on_the_list_a_minute_later(company: Company) -> None:
    token = company.token()
    late, early = company.enroll(token=token), company.enroll(token=token)
    company.post(f"/devices/{early.id}/revoke", {"reason": "丢失"})
    assert len(revoked(company)) == 1
    (serial,) = serials(company, late)
    with unit_of_work() as current:
        before = datetime.now(UTC) - timedelta(seconds=20)
        current.execute(update(Certificate).where(Certificate.serial == serial).values(revoked_at=before))
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1), tick=True):
        assert serial in revoked(company)
