from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import clock
from core.crypto import jose
from core.crypto.jwk import SigningKey, b64u, thumbprint, unb64u
from core.errors import NotFound
from core.ids import new_id
from core.runtime import runtime
from core.uow import unit_of_work
from identity import people, sessions, tokens
from identity.people import PersonChanges
from tests.identity import world
from tests.identity.world import SYSTEM

pytestmark = pytest.mark.usefixtures("app")
Change = Callable[[dict[str, Any]], None]


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(unb64u(token.split(".")[1]))
    return found


def resigned(token: str, change: Change, typ: str = tokens.TYP) -> str:
    """The token with other claims, signed by the true staff key."""
    claims = claims_of(token)
    change(claims)
    return jose.sign(runtime().ring.staff_keys()[0], typ, claims)


@pytest.fixture
def token() -> str:
    world.person("li", "supervisor")
    return world.token("li")


def test_a_token_is_its_person_with_roles_scope_and_session(token: str) -> None:
    found = world.authenticate(token)
    assert found is not None
    assert (found.kind, found.name, found.roles, found.unit_path) == ("staff", "li", frozenset({"supervisor"}), "/")
    assert found.session_id == claims_of(token)["sid"]
    assert set(claims_of(token)) == {"iss", "aud", "sub", "sid", "iat", "exp", "jti"}
    assert claims_of(token)["exp"] - claims_of(token)["iat"] == 900


def test_a_token_signed_again_unchanged_is_good(token: str) -> None:
    assert world.authenticate(resigned(token, lambda claims: None)) is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda claims: claims.pop("exp"),
        lambda claims: claims.update(exp=str(claims["exp"])),
        lambda claims: claims.update(exp=float(claims["exp"])),
        lambda claims: claims.update(exp=True),
        lambda claims: claims.update(exp=claims["iat"] - 1),
        lambda claims: claims.pop("iat"),
        lambda claims: claims.update(iat=claims["iat"] + 3600),
        lambda claims: claims.pop("aud"),
        lambda claims: claims.update(aud="shouji-device"),
        lambda claims: claims.update(aud=["shouji-api"]),
        lambda claims: claims.update(iss="http://elsewhere"),
        lambda claims: claims.pop("sub"),
        lambda claims: claims.update(sub=["li"]),
        lambda claims: claims.update(sub=new_id()),
        lambda claims: claims.pop("sid"),
        lambda claims: claims.update(sid=new_id()),
        lambda claims: claims.pop("jti"),
    ],
)
def test_a_token_with_a_wrong_or_missing_claim_is_nobody(token: str, change: Change) -> None:
    assert world.authenticate(resigned(token, change)) is None


@pytest.mark.parametrize("typ", ["JWT", "shouji-device+jwt", "", "SHOUJI-STAFF+JWT"])
def test_a_token_of_another_typ_is_nobody(token: str, typ: str) -> None:
    assert world.authenticate(resigned(token, lambda claims: None, typ)) is None


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "ES384", None])
def test_another_algorithm_is_nobody(token: str, alg: str | None) -> None:
    header = json.loads(unb64u(token.split(".")[0]))
    header["alg"] = alg
    head, payload = b64u(json.dumps(header).encode()), token.split(".")[1]
    for signature in ("", token.split(".")[2]):
        assert world.authenticate(f"{head}.{payload}.{signature}") is None


def test_a_token_signed_with_the_public_key_as_a_secret_is_nobody(token: str) -> None:
    import hashlib
    import hmac

    header = json.loads(unb64u(token.split(".")[0])) | {"alg": "HS256"}
    signed = f"{b64u(json.dumps(header).encode())}.{token.split('.')[1]}"
    secret = runtime().ring.staff_keys()[0].public_pem()
    forged = b64u(hmac.new(secret, signed.encode(), hashlib.sha256).digest())
    assert world.authenticate(f"{signed}.{forged}") is None


def test_another_key_is_nobody_even_under_our_kid(token: str) -> None:
    foreign = ec.generate_private_key(ec.SECP256R1())
    ours = runtime().ring.staff_keys()[0].kid
    for kid in (thumbprint(foreign.public_key()), ours):
        assert world.authenticate(jose.sign(SigningKey(foreign, kid), tokens.TYP, claims_of(token))) is None


def test_keys_that_phones_obey_make_no_staff_token(token: str) -> None:
    for key in (runtime().ring.signing_keys()[0], runtime().ring.encryption_keys()[0]):
        assert world.authenticate(jose.sign(key, tokens.TYP, claims_of(token))) is None


def test_a_device_token_is_no_staff_token(client: FlaskClient) -> None:
    device = ec.generate_private_key(ec.SECP256R1())
    now, device_id = clock.unix(), new_id()
    claims = {
        "iss": device_id,
        "sub": device_id,
        "aud": "shouji-device",
        "iat": now,
        "exp": now + 300,
        "jti": new_id(),
    }
    forged = jose.sign(SigningKey(device, thumbprint(device.public_key())), "shouji-device+jwt", claims)
    answer = client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {forged}"})
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")


def test_a_token_dies_with_its_time(token: str) -> None:
    with time_machine.travel(clock.now() + timedelta(seconds=901)):
        assert world.authenticate(token) is None


def test_a_token_dies_with_its_session(token: str) -> None:
    found = world.authenticate(token)
    assert found is not None
    with unit_of_work():
        sessions.sign_out(found)
    assert world.authenticate(token) is None


def test_a_session_of_another_kind_carries_no_token(token: str) -> None:
    console = world.actor("li")
    forged = resigned(token, lambda claims: claims.update(sid=console.session_id))
    assert world.authenticate(forged) is None


def test_roles_and_unit_act_at_once_on_a_live_token(token: str) -> None:
    unit_id = world.unit("/A")
    person_id = claims_of(token)["sub"]
    with unit_of_work():
        changes = PersonChanges(frozenset({"roles", "org_unit"}), roles=frozenset({"auditor"}), org_unit="/A")
        people.change(SYSTEM, person_id, changes)
    found = world.authenticate(token)
    assert found is not None
    assert (found.roles, found.unit_path) == (frozenset({"auditor"}), f"/{unit_id}/")


def test_a_bad_bearer_token_is_not_made_up_for_by_a_cookie() -> None:
    world.person("li")
    with unit_of_work():
        from identity import sign_in

        cookie = sign_in.console("li", world.PASSWORD).token
    assert world.authenticate(None, cookie) is not None
    assert world.authenticate("nonsense", cookie) is None


def test_a_cookie_is_stored_hashed_and_dies_when_revoked() -> None:
    from sqlalchemy import select

    from core.db import session
    from identity import sign_in
    from identity.models import SignInSession

    world.person("li")
    with unit_of_work():
        ticket = sign_in.console("li", world.PASSWORD)
    with unit_of_work(write=False):
        stored = session().scalars(select(SignInSession.token_hash)).one()
    assert stored != ticket.token
    assert world.authenticate(None, stored) is None
    owner = world.authenticate(None, ticket.token)
    assert owner is not None
    with unit_of_work():
        sessions.revoke(owner, ticket.session_id)
    assert world.authenticate(None, ticket.token) is None
    with pytest.raises(NotFound), unit_of_work():
        sessions.revoke(owner, ticket.session_id)


def test_nobody_revokes_a_session_of_somebody_else_by_its_id() -> None:
    world.person("li")
    world.person("wang")
    li, wang = world.actor("li"), world.actor("wang")
    with pytest.raises(NotFound), unit_of_work():
        sessions.revoke(wang, str(li.session_id))


def test_ended_sessions_are_dropped_after_a_month() -> None:
    world.person("li")
    world.actor("li")
    with unit_of_work():
        assert sessions.forget_ended() == 0
    with time_machine.travel(clock.now() + timedelta(days=31)), unit_of_work():
        assert sessions.forget_ended() == 1


def test_older_staff_keys_still_verify_and_the_newest_signs(token: str) -> None:
    ring = runtime().ring
    newer = ring._add("server", "staff")
    try:
        assert world.authenticate(token) is not None
        fresh = world.token("li")
        assert json.loads(unb64u(fresh.split(".")[0]))["kid"] == newer.kid
        assert world.authenticate(fresh) is not None
    finally:
        (ring.folder / "server" / "staff-2.pem").unlink()


@given(noise=st.one_of(st.text(max_size=300), st.from_regex(r"[\w-]{0,60}\.[\w-]{0,60}\.[\w-]{0,60}", fullmatch=True)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_noise_is_nobody_and_never_an_error(app: Flask, noise: str) -> None:
    with app.app_context():
        assert world.authenticate(noise) is None
        assert world.authenticate(None, noise) is None


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_changed_character_of_a_token_is_nobody(app: Flask, data: st.DataObject) -> None:
    with app.app_context():
        with unit_of_work(write=False):
            known = people.find(SYSTEM, q="li").items
        if not known:
            world.person("li")
        token = world.token("li")
        # The last character of each part may carry unused bits, so it is left alone.
        ends = {len(token) - 1, token.index(".") - 1, token.rindex(".") - 1}
        at = data.draw(st.integers(0, len(token) - 1).filter(lambda n: n not in ends and token[n] != "."))
        other = data.draw(st.sampled_from("ABab01-_").filter(lambda char: char != token[at]))
        assert world.authenticate(token[:at] + other + token[at + 1 :]) is None
