from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from sqlalchemy import select

from core.crypto.jwk import thumbprint
from core.db import session
from core.runtime import runtime
from core.uow import unit_of_work
from fleet.models import EnrollmentToken
from tests.fleet.company import API, Company
from tests.identity import world

EXTRAS = "android.app.extra.PROVISIONING_ADMIN_EXTRAS_BUNDLE"


def make(company: Company, who: dict[str, str] | None = None, **body: Any) -> Any:
    return company.post("/enrollment-tokens", {"max_uses": 3, "expires_in": 600, **body}, who)


def test_a_token_is_26_crockford_characters_stored_as_a_hash_and_told_once(company: Company) -> None:
    made = make(company, org_unit="/总部/电销", groups=["pilot", "pilot"], person="E1024", allow_reenroll=True).json
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", made["token"])
    shown = company.get(f"/enrollment-tokens/{made['id']}").json
    assert "token" not in shown
    assert made["token"] not in str(company.get("/enrollment-tokens").json)
    expected = {"state": "active", "org_unit": "/总部/电销", "groups": ["pilot"], "max_uses": 3, "used": 0}
    assert {name: shown[name] for name in expected} == expected
    assert (shown["person"]["id"], shown["allow_reenroll"]) == (company.wang, True)
    with unit_of_work(write=False):
        stored = session().scalars(select(EnrollmentToken)).one()
        assert stored.digest == hashlib.sha256(made["token"].encode()).hexdigest()
        columns = {column.name: getattr(stored, column.name) for column in EnrollmentToken.__table__.columns}
        assert made["token"] not in str(columns)


def test_tokens_differ(company: Company) -> None:
    assert len({make(company).json["token"] for _ in range(20)}) == 20


def test_the_qr_content_pins_the_ca_and_the_current_signing_key(company: Company) -> None:
    made = make(company).json
    assert made["qr"] == {
        EXTRAS: {
            "server": runtime().settings.base_url,
            "code": made["token"],
            "ca_sha256": runtime().ca.fingerprint,
            "key_sha256": thumbprint(runtime().ring.public_signing()[0]),
        }
    }


def test_the_qr_code_comes_as_svg_and_png_and_showing_it_is_audited(company: Company) -> None:
    made = make(company).json
    svg = company.get(f"/enrollment-tokens/{made['id']}/qr.svg")
    assert (svg.status_code, svg.mimetype) == (200, "image/svg+xml")
    assert ET.fromstring(svg.data).tag.endswith("svg")
    png = company.get(f"/enrollment-tokens/{made['id']}/qr.png")
    assert (png.status_code, png.data[:8]) == (200, b"\x89PNG\r\n\x1a\n")
    assert "no-store" in png.headers["Cache-Control"]
    shown = world.audit_items(company.client, company.admin, action="enrollment_token.show")
    assert len(shown) == 2
    assert made["token"] not in str(world.audit_items(company.client, company.admin))


def test_the_code_of_a_token_that_ended_is_not_shown_again(company: Company) -> None:
    made = make(company).json
    company.client.delete(f"{API}/enrollment-tokens/{made['id']}", headers=company.admin)
    answer = company.get(f"/enrollment-tokens/{made['id']}/qr.svg")
    assert (answer.status_code, answer.json["code"]) == (409, "token_closed")


@pytest.mark.parametrize(
    "body",
    [
        {"max_uses": 0},
        {"max_uses": 10**9},
        {"max_uses": "3"},
        {"max_uses": 10**30},
        {"expires_in": 0},
        {"expires_in": -5},
        {"expires_in": 10**12},
        {"org_unit": "/无此部门"},
        {"person": "E9999"},
        {"groups": ["Bad Name"]},
        {"groups": [""]},
        {"groups": ["x"] * 51},
        {"allow_reenroll": "yes"},
        {"unknown": 1},
    ],
)
def test_a_token_that_makes_no_sense_is_422(company: Company, body: dict[str, Any]) -> None:
    assert make(company, **body).status_code == 422
    assert company.get("/enrollment-tokens").json["items"] == []


def test_a_leader_makes_tokens_for_the_own_unit_alone_and_sees_no_others(company: Company) -> None:
    foreign = make(company, org_unit="/总部/客服").json
    assert make(company, company.leader, org_unit="/总部/客服").status_code == 422
    assert make(company, company.leader, person="E2048").status_code == 422
    own = make(company, company.leader)
    assert (own.status_code, own.json["org_unit"]) == (201, "/总部/电销")
    listed = company.get("/enrollment-tokens", company.leader).json["items"]
    assert [one["id"] for one in listed] == [own.json["id"]]
    for path in ("", "/qr.svg"):
        assert company.get(f"/enrollment-tokens/{foreign['id']}{path}", company.leader).status_code == 404


def test_whoever_may_not_bring_phones_in_gets_no_code(company: Company) -> None:
    made = make(company).json
    assert make(company, company.officer).status_code == 403
    assert company.get(f"/enrollment-tokens/{made['id']}/qr.png", company.officer).status_code == 403


def test_a_repeated_request_with_an_idempotency_key_makes_one_token(company: Company) -> None:
    headers = {**company.admin, "Idempotency-Key": "k-1"}
    first, again = (make(company, headers).json for _ in range(2))
    assert first == again
    assert len(company.get("/enrollment-tokens").json["items"]) == 1
