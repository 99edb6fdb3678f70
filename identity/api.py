"""People, org units, the audit log and approvals over HTTP."""

from __future__ import annotations

from flask import Response, request

from core.errors import BadInput, Invalid
from core.http.answers import PageOut, no_content, page_reply, reply
from core.http.fields import IdPath, PageQuery
from core.http.identity import current_actor
from core.http.routes import Api
from core.permissions import Permission
from core.text import Text
from identity import agencies, approvals, audit_trail, org, people
from identity.approval_views import ApprovalView
from identity.audit_trail import AuditEntryView, AuditFilter
from identity.org import UnitView
from identity.people import PersonChanges
from identity.person_views import PersonView
from identity.schemas import (
    ApprovalQuery,
    AuditQuery,
    OrgUnitBody,
    OrgUnitChange,
    OrgUnitEnd,
    StaffBody,
    StaffChange,
    StaffQuery,
)

api = Api("people", __name__)
MAX_REVISION_DIGITS = 18


@api.get("/staff", Permission.STAFF_READ, {200: PageOut[PersonView]})
def list_staff(query: StaffQuery) -> Response:
    """The people in one's part of the tree, by name."""
    page = people.find(
        current_actor(),
        q=query.q,
        state=query.state,
        role=query.role,
        org_unit=query.org_unit,
        cursor=query.cursor,
        limit=query.limit,
    )
    return page_reply(page)


@api.post("/staff", Permission.STAFF_WRITE, {201: PersonView}, problems=(409,), reads_first=True)
def create_staff(body: StaffBody) -> Response:
    """Take somebody in."""
    return reply(people.create(current_actor(), **body.model_dump()), 201)


@api.get("/staff/<id>", Permission.STAFF_READ, {200: PersonView})
def get_staff(path: IdPath) -> Response:
    """One person; the ETag is the revision for If-Match."""
    view = people.get(current_actor(), path.id)
    answer = reply(view)
    answer.set_etag(str(view.revision))
    return answer


@api.patch("/staff/<id>", Permission.STAFF_WRITE, {200: PersonView}, problems=(409,), reads_first=True)
def change_staff(path: IdPath, body: StaffChange) -> Response:
    """Change some members of a person."""
    fields = body.model_fields_set - {"revision"}
    values = body.model_dump(include=fields)
    if "roles" in values and body.roles is not None:
        values["roles"] = frozenset(body.roles)
    view = people.change(current_actor(), path.id, PersonChanges(frozenset(fields), **values), _revision(body.revision))
    return reply(view)


@api.delete("/staff/<id>", Permission.STAFF_WRITE, {204: None}, problems=(409,))
def delete_staff(path: IdPath) -> Response:
    """End somebody's access; the person stays in history."""
    people.deactivate(current_actor(), path.id, _revision(None))
    return no_content()


@api.delete("/staff/<id>/sessions", Permission.STAFF_WRITE, {204: None})
def end_staff_sessions(path: IdPath) -> Response:
    """End all of somebody's sessions."""
    people.sign_out_everywhere(current_actor(), path.id)
    return no_content()


@api.get("/org-units", Permission.ORG_READ, {200: PageOut[UnitView]})
def list_org_units(query: PageQuery) -> Response:
    """One's part of the org tree, by path."""
    return page_reply(org.find(current_actor(), query.cursor, query.limit))


@api.post("/org-units", Permission.ORG_WRITE, {201: UnitView}, problems=(409,))
def create_org_unit(body: OrgUnitBody) -> Response:
    """Make a unit, or a whole path of them."""
    if (body.name is None) == (body.path is None):
        raise Invalid("name_or_path", Text("请填写 name 或 path 之一。", "Give either “name” or “path”."))
    actor = current_actor()
    view = org.create_path(actor, body.path) if body.path else org.create(actor, body.name or "", body.parent)
    return reply(view, 201)


@api.get("/org-units/<id>", Permission.ORG_READ, {200: UnitView})
def get_org_unit(path: IdPath) -> Response:
    """One unit; the ETag is the revision for If-Match."""
    view = org.get(current_actor(), path.id)
    answer = reply(view)
    answer.set_etag(str(view.revision))
    return answer


@api.patch("/org-units/<id>", Permission.ORG_WRITE, {200: UnitView, 202: ApprovalView}, problems=(409,))
def change_org_unit(path: IdPath, body: OrgUnitChange) -> Response:
    """Rename or move a unit with all that is below it; what loosens policies waits for a second person (202)."""
    revision = _revision(body.revision)
    return reply(org.change(current_actor(), path.id, name=body.name, parent=body.parent, revision=revision))


@api.put("/org-units/<id>/end", Permission.ORG_WRITE, {200: UnitView}, problems=(409,))
def end_org_unit(path: IdPath, body: OrgUnitEnd) -> Response:
    """Set the last day of an outsourced agency: after it its people sign in no more and its phones stand out."""
    return reply(agencies.set_end(current_actor(), path.id, body.ends_on, reason=body.reason))


@api.delete("/org-units/<id>", Permission.ORG_WRITE, {204: None}, problems=(409,))
def delete_org_unit(path: IdPath) -> Response:
    """Remove an empty unit."""
    org.delete(current_actor(), path.id)
    return no_content()


@api.get("/audit", Permission.AUDIT_READ, {200: PageOut[AuditEntryView]})
def list_audit(query: AuditQuery) -> Response:
    """The audit log, newest first."""
    wanted = AuditFilter(
        actor_id=query.actor,
        action=query.action,
        target_kind=query.target_kind,
        target_id=query.target,
        outcome=query.outcome,
        since=query.since,
        until=query.until,
    )
    page = audit_trail.find(current_actor(), wanted, query.cursor, query.limit)
    return page_reply(page)


@api.get("/approvals", Permission.COMMAND_READ, {200: PageOut[ApprovalView]})
def list_approvals(query: ApprovalQuery) -> Response:
    """Requests for a second person, newest first."""
    page = approvals.find(current_actor(), state=query.state, cursor=query.cursor, limit=query.limit)
    return page_reply(page)


@api.get("/approvals/<id>", Permission.COMMAND_READ, {200: ApprovalView})
def get_approval(path: IdPath) -> Response:
    """One request."""
    return reply(approvals.get(current_actor(), path.id))


def _revision(from_body: int | None) -> int | None:
    """The revision that the caller has seen: of If-Match, else of the body. Raises BadInput."""
    header = request.headers.get("If-Match", "").strip()
    if not header or header == "*":
        return from_body
    plain = header.removeprefix("W/").strip('"')
    if not plain.isdecimal() or not plain.isascii() or len(plain) > MAX_REVISION_DIGITS:
        raise BadInput(
            "bad_if_match", Text("If-Match 应为 ETag 中的版本号。", "If-Match takes the revision from the ETag.")
        )
    return int(plain)
