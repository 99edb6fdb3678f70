"""A small organisation for tests: units, people with a known password, and actors read back from real sessions."""

from __future__ import annotations

from typing import Any

from core.actor import Actor, system_actor
from core.uow import unit_of_work
from identity import authentication, org, people, setup, sign_in

# An answer holds JSON of any shape, which mypy would make every line doubt.
JsonClient = Any

PASSWORD = "correct horse 42"
SYSTEM = system_actor("test")


def unit(path: str) -> str:
    """Id of the unit of that name path, made when it is missing."""
    with unit_of_work():
        return org.create_path(SYSTEM, path).id


def person(username: str | None, *roles: str, org_unit: str = "/", by: Actor = SYSTEM, **more: Any) -> str:
    """Id of a new person; with a user name they can sign in with PASSWORD."""
    with unit_of_work():
        created = people.create(
            by,
            name=more.pop("name", username or "无账号"),
            username=username,
            password=PASSWORD if username else None,
            roles=roles,
            org_unit=org_unit,
            **more,
        )
        return created.id


def actor(username: str) -> Actor:
    """The actor behind a fresh console session of that person."""
    with unit_of_work():
        ticket = sign_in.console(username, PASSWORD)
    found = authenticate(cookie=ticket.token)
    assert found is not None
    return found


def authenticate(bearer: str | None = None, cookie: str | None = None) -> Actor | None:
    """Who these credentials are."""
    with unit_of_work(write=False):
        return authentication.actor_from_request_credentials(bearer, cookie)


def token(username: str) -> str:
    """A fresh access token."""
    with unit_of_work():
        return sign_in.api(username, PASSWORD).token


def headers(username: str) -> dict[str, str]:
    """The request header that signs in."""
    return {"Authorization": f"Bearer {token(username)}"}


def first_start() -> setup.FirstStart:
    """What the server's start does."""
    with unit_of_work():
        return setup.prepare()


def audit_items(client: JsonClient, auth: dict[str, str], **wanted: str) -> list[dict[str, Any]]:
    """Entries of the audit log as the API shows them."""
    answer = client.get("/api/v1/audit", query_string=wanted, headers=auth)
    assert answer.status_code == 200, answer.json
    items: list[dict[str, Any]] = answer.json["items"]
    return items
