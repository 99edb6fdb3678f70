from __future__ import annotations

import base64
import json
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask

from core.actor import system_actor
from core.crypto.jose import verify
from core.runtime import runtime
from core.signing import SigningDesk
from core.uow import unit_of_work
from fleet import guards, states
from tests.fleet.company import API, Company
from tests.fleet.phone import Phone


@pytest.fixture
def desk(app: Flask) -> Iterator[None]:
    """The worker's signing desk, as the web process reaches it."""
    listener = SigningDesk(app, runtime().settings)
    listener.start()
    yield
    listener.stop()


def ask(company: Company, phone: Phone, path: str, **query: Any) -> Any:
    return company.client.get(f"{API}/device/{path}", query_string=query, headers=phone.bearer())


def read(answer: Any, typ: str, phone: Phone, signer: int = 0) -> dict[str, Any]:
    """The claims, checked as a phone does with the key it trusts."""
    assert (answer.status_code, answer.mimetype) == (200, "application/jose"), answer.data
    key = runtime().ring.signing_keys()[signer]
    return verify(answer.data, typ=typ, keys={key.kid: key.public}, sub=phone.id)


def state(company: Company, phone: Phone) -> tuple[str, str]:
    claims = read(ask(company, phone, "status"), "shouji-status+jws", phone)
    return claims["state"], claims["action"]


def test_the_keys_come_signed_with_the_standby_key_among_them(desk: None, company: Company) -> None:
    phone = company.enroll()
    claims = read(ask(company, phone, "jwks"), "shouji-jwks+jws", phone)
    ring = runtime().ring
    kids = [(key["use"], key["kid"]) for key in claims["keys"]]
    assert kids == [
        *(("sig", key.kid) for key in ring.signing_keys()),
        ("sig", ring.standby_key().kid),
        *(("enc", key.kid) for key in ring.encryption_keys()),
    ]
    assert not any("d" in key for key in claims["keys"])


def test_after_a_roll_over_a_phone_that_trusts_the_older_key_alone_can_follow(desk: None, company: Company) -> None:
    phone, ring = company.enroll(), runtime().ring
    before, kept = ring.signing_keys()[0].kid, Path(tempfile.mkdtemp())
    shutil.copytree(ring.folder, kept / "ring")
    try:
        ring.roll_signing()
        current = read(ask(company, phone, "jwks"), "shouji-jwks+jws", phone)
        older = read(ask(company, phone, "jwks", kid=before), "shouji-jwks+jws", phone, signer=1)
        assert current["keys"] == older["keys"]
        assert before in {key["kid"] for key in older["keys"]}
    finally:
        shutil.rmtree(ring.folder)
        shutil.copytree(kept / "ring", ring.folder)
        shutil.rmtree(kept)


def test_the_status_says_what_a_refused_phone_should_do(desk: None, company: Company) -> None:
    phone = company.enroll()
    assert state(company, phone) == ("active", "none")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=91), tick=True):
        assert state(company, phone) == ("active", "reauthenticate")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=121), tick=True):
        assert state(company, phone) == ("active", "unenroll")
    company.patch(f"/devices/{phone.id}", {"state": "lost", "reason": "遗失"})
    assert state(company, phone) == ("lost", "none")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=91), tick=True):
        claims = read(ask(company, phone, "status"), "shouji-status+jws", phone)
        assert (claims["action"], claims["retry_after"]) == ("retry", 3600)
    company.post(f"/devices/{phone.id}/revoke", {"reason": "找不回"})
    assert state(company, phone) == ("retired", "unenroll")


def test_an_open_wipe_travels_in_the_status_until_it_is_done(desk: None, company: Company) -> None:
    phone = company.enroll()
    guards.bind(open_wipe=lambda device_id: f"jws-for-{device_id}")
    claims = read(ask(company, phone, "status"), "shouji-status+jws", phone)
    assert claims["command"] == f"jws-for-{phone.id}"
    with unit_of_work():
        states.wiped(system_actor("commands"), [phone.id], "wipe finished")
    done = read(ask(company, phone, "status"), "shouji-status+jws", phone)
    assert (done["state"], done["action"], "command" in done) == ("wiped", "unenroll", False)


def test_without_the_worker_the_answer_is_try_again(company: Company) -> None:
    phone = company.enroll()
    answer = ask(company, phone, "status")
    assert (answer.status_code, answer.json["code"]) == (503, "signing_unavailable")
    assert answer.headers["Retry-After"]


def test_the_answer_is_signed_es256_by_the_named_key(desk: None, company: Company) -> None:
    phone = company.enroll()
    header = json.loads(base64.urlsafe_b64decode(ask(company, phone, "status").data.split(b".")[0] + b"=="))
    assert header == {"alg": "ES256", "typ": "shouji-status+jws", "kid": runtime().ring.signing_keys()[0].kid}
