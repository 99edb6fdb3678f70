"""A company of any size behind the console: units, people, policies, and phones that rooms have been told of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import update

from bench import fleet_rows
from bench.installation import Installation
from bench.registry import say
from compliance import evaluate
from core.runtime import runtime
from core.uow import unit_of_work
from fleet.chunks import chunks
from fleet.events import Enrolled, devices_enrolled
from fleet.models import Device, Presence
from fleet.posture import signals

UNITS, PEOPLE = 20, 200
TOGETHER = 100
"""Phones of one person in one unit: a company of this many people has fewer, which costs no page anything."""
ROOTED_ONE_IN = 10
AT_ONCE = 1_000
API = "/api/v1"
DOCUMENTS = """apiVersion: shouji/v1
kind: Policy
metadata: {name: base}
spec:
  device: {require: [encryption, passcode], forbid: [root]}
  work_hours: {calendar: cn, weekly: {mon-fri: ["09:00-18:00"]}}
  keywords: [{set: words, action: block, severity: critical, direction: out}]
  apps: {mode: allow, packages: [{name: com.example.crm}]}
---
apiVersion: shouji/v1
kind: Assignment
metadata: {name: everywhere}
spec: {policy: base, to: {org_unit: /}}
---
apiVersion: shouji/v1
kind: KeywordSet
metadata: {name: words}
spec: {match: [symbols], terms: [加急费]}
---
apiVersion: shouji/v1
kind: Calendar
metadata: {name: cn}
spec: {days: [{date: 2026-10-01, kind: holiday, name: 国庆节}]}
---
apiVersion: shouji/v1
kind: Group
metadata: {name: pilot}
spec: {query: "os_version < 99"}
"""


@dataclass(frozen=True)
class Samples:
    """One thing of each kind to open pages with: members of addresses by the page's module, and those of all."""

    everywhere: Mapping[str, str]
    by_module: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, endpoint: str) -> Mapping[str, str]:
        """Members of the addresses of an endpoint."""
        return {**self.everywhere, **self.by_module.get(endpoint.partition(".")[0], {})}


def found(here: Installation, ids: Sequence[str], staff: int = PEOPLE) -> Samples:
    """Fill an empty installation with a company and its first phones."""
    with here.app.app_context():
        runtime().ring.signing_keys()
        runtime().ring.publish()
    api = _Api(here)
    for number in range(UNITS):
        api.post("/org-units", {"name": f"部门{number}", "parent": "/"})
    for number in range(staff):
        unit = f"/部门{number % UNITS}"
        body = {"name": f"员工{number}", "employee_no": f"B{number}", "roles": ["employee"], "org_unit": unit}
        api.post("/staff", body)
    api.post("/documents/apply?publish=true", DOCUMENTS.encode(), "application/yaml")
    token = api.post("/enrollment-tokens", {"max_uses": 5, "expires_in": 86_400})
    enroll(here, ids)
    command = api.post(f"/devices/{ids[0]}/commands", {"type": "ping", "args": {}, "reason": "bench"})
    person, unit = api.first("/staff", q="B0"), api.first("/org-units")
    rollout = api.first("/rollouts")
    modules = {
        **{
            name: {"id": ids[0]} for name in ("page_device", "page_device_actions", "page_in_force", "page_unconfirmed")
        },
        **{name: {"id": person} for name in ("page_people", "page_person_forms")},
        **{name: {"id": unit} for name in ("page_org", "page_unit_ends")},
        **{name: {"id": rollout, "act": "pause"} for name in ("page_rollouts", "page_rollout_acts")},
        "page_enrollment": {"id": token["id"]},
        "page_commands": {"id": command["id"]},
        "page_groups": {"name": "pilot"},
        "page_assignments": {"name": "everywhere"},
        "page_calendars": {"name": "cn"},
        "page_keyword_box": {"name": "words"},
        "page_apps": {"policy": "base", "package": "com.example.crm"},
    }
    return Samples({"kind": "Policy", "name": "base", "type": "message", "state": "lost"}, modules)


def enroll(here: Installation, ids: Sequence[str]) -> None:
    """Phones into the tables, spread over units and people; then every room is told of them.

    One in ten is rooted and has a finding, as in a fleet that somebody looks after.
    """
    api = _Api(here)
    people = [one["id"] for one in api.all("/staff") if one["employee_no"]]
    units = [one["id"] for one in api.all("/org-units") if one["parent_id"]]
    notice = str(api.get("/notice")["version"])
    fleet_rows.insert_fleet(here.app, ids)
    rooted = fleet_rows.POSTURE.model_copy(update={"rooted": True})
    accepted = {"holder_confirmed": True, "notice_version": notice}
    changed = {"posture": rooted.model_dump(mode="json"), "signals": signals(rooted)}
    with here.app.app_context():
        for number, some in enumerate(chunks(ids, TOGETHER)):
            place = {"org_unit_id": units[number % len(units)], "person_id": people[number % len(people)]}
            with unit_of_work() as current:
                current.execute(update(Device).where(Device.id.in_(some)).values(**accepted, **place))
                bad = some[::ROOTED_ONE_IN]
                current.execute(update(Presence).where(Presence.device_id.in_(bad)).values(**changed))
        for some in chunks(ids, AT_ONCE):
            with unit_of_work() as current:
                rows = current.query(Device.id, Device.org_unit_id, Device.person_id).where(Device.id.in_(some))
                new = [Enrolled(row.id, row.org_unit_id, row.person_id, True, ()) for row in rows]
                devices_enrolled.send(None, devices=new)
            # New phones are judged before they have their policy; in a running server the job judges them again.
            with unit_of_work():
                evaluate.run(some)
    say(f"{len(ids)} phones given their policy and judged by it")


class _Api:
    """The public API inside this process, as administrator."""

    def __init__(self, here: Installation) -> None:
        self._client: FlaskClient = here.app.test_client()
        body = {"username": "admin", "password": here.password}
        token = self._client.post(f"{API}/auth/token", json=body).get_json()["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    def post(self, path: str, body: object, kind: str = "application/json") -> dict[str, Any]:
        """Send something. Raises RuntimeError when it is refused."""
        given: dict[str, Any] = {"json": body} if kind == "application/json" else {"data": body, "content_type": kind}
        answer = self._client.post(API + path, headers=self._headers, **given)
        if answer.status_code >= 300:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:300]}")
        read: dict[str, Any] = answer.get_json() or {}
        return read

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Read something."""
        read: dict[str, Any] = self._client.get(API + path, query_string=query, headers=self._headers).get_json()
        return read

    def all(self, path: str) -> list[dict[str, Any]]:
        """Every row of a list."""
        rows: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": "200", **({"cursor": cursor} if cursor else {})}
            page = self.get(path, **query)
            rows += page["items"]
            cursor = page["next_cursor"]
        return rows

    def first(self, path: str, **query: str) -> str:
        """Id of the first row of a list."""
        return str(self.get(path, **query)["items"][0]["id"])
