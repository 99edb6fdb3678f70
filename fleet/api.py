"""Phones, enrollment tokens, groups and the notice over HTTP, for people."""

from __future__ import annotations

from flask import Response, current_app

from core.http.access import Access, Content
from core.http.answers import PageOut, no_content, page_reply, reply
from core.http.fields import IdPath, PageQuery
from core.http.identity import current_actor
from core.http.routes import Api
from core.permissions import Permission
from fleet import devices, enrollment_tokens, groups, holders, notices, qr, states
from fleet.devices import Filters
from fleet.enrollment_tokens import TokenView
from fleet.groups import GroupView
from fleet.notices import NoticeView
from fleet.schemas import (
    ConfirmBody,
    DeviceQuery,
    NoticeBody,
    ReasonBody,
    StateChange,
    TokenBody,
    TokenCreated,
)
from fleet.timeline import TimelineEntryView
from fleet.views import DeviceDetail, DeviceView
from identity.approval_views import ApprovalView

api = Api("fleet", __name__)
SVG: Content = {"image/svg+xml": {"type": "string"}}
PNG: Content = {"image/png": {"type": "string", "format": "binary"}}


@api.get("/devices", Permission.DEVICE_READ, {200: PageOut[DeviceView]})
def list_devices(query: DeviceQuery) -> Response:
    """Phones in one's part of the tree, the newest enrollment first."""
    filters = Filters(query.q, query.state, query.online, query.group, query.org_unit, query.compliance)
    return page_reply(devices.find(current_actor(), filters, query.cursor, query.limit))


@api.get("/devices/<id>", Permission.DEVICE_READ, {200: DeviceDetail})
def get_device(path: IdPath) -> Response:
    """One phone with all that is known of it."""
    return reply(devices.get(current_actor(), path.id))


@api.patch("/devices/<id>", Permission.DEVICE_WRITE, {200: DeviceDetail}, problems=(409,))
def change_device(path: IdPath, body: StateChange) -> Response:
    """Report a phone lost or found, or retire it."""
    states.change(current_actor(), path.id, body.state, body.reason)
    return reply(devices.get(current_actor(), path.id))


@api.post("/devices/<id>/confirm", Permission.DEVICE_WRITE, {200: DeviceDetail, 202: ApprovalView}, problems=(409,))
def confirm_device(path: IdPath, body: ConfirmBody) -> Response:
    """Confirm who holds a phone and that it is the one it says it is."""
    holders.confirm(current_actor(), path.id, body.person)
    return reply(devices.get(current_actor(), path.id))


@api.post("/devices/<id>/revoke", Permission.DEVICE_REVOKE, {200: DeviceDetail}, problems=(409,))
def revoke_device(path: IdPath, body: ReasonBody) -> Response:
    """Cut a phone off for good: certificates revoked, session ended, phone retired."""
    states.revoke(current_actor(), path.id, body.reason)
    return reply(devices.get(current_actor(), path.id))


@api.get("/devices/<id>/timeline", Permission.DEVICE_READ, {200: PageOut[TimelineEntryView]})
def device_timeline(path: IdPath, query: PageQuery) -> Response:
    """What happened to a phone, newest first."""
    page = devices.history(current_actor(), path.id, query.cursor, query.limit)
    return page_reply(page)


@api.get("/groups", Permission.GROUP_READ, {200: PageOut[GroupView]})
def list_groups(query: PageQuery) -> Response:
    """Groups by name."""
    return page_reply(groups.find(current_actor(), query.cursor, query.limit))


@api.get("/enrollment-tokens", Permission.ENROLLMENT_READ, {200: PageOut[TokenView]})
def list_tokens(query: PageQuery) -> Response:
    """Enrollment tokens, newest first, without their codes."""
    return page_reply(enrollment_tokens.find(current_actor(), query.cursor, query.limit))


@api.post("/enrollment-tokens", Permission.ENROLLMENT_WRITE, {201: TokenCreated})
def create_token(body: TokenBody) -> Response:
    """Make an enrollment token; its code is told only now and in its QR code."""
    view, code = enrollment_tokens.create(
        current_actor(),
        max_uses=body.max_uses,
        expires_in=body.expires_in,
        org_unit=body.org_unit,
        group_names=body.groups,
        person=body.person,
        allow_reenroll=body.allow_reenroll,
        bind_expected=body.bind_expected,
    )
    return reply(TokenCreated(**dict(view), token=code, qr=qr.provisioning(code)), 201)


@api.get("/enrollment-tokens/<id>", Permission.ENROLLMENT_READ, {200: TokenView})
def get_token(path: IdPath) -> Response:
    """One enrollment token."""
    return reply(enrollment_tokens.get(current_actor(), path.id))


@api.delete("/enrollment-tokens/<id>", Permission.ENROLLMENT_WRITE, {204: None})
def revoke_token(path: IdPath) -> Response:
    """End an enrollment token; phones that enrolled with it stay."""
    enrollment_tokens.revoke(current_actor(), path.id)
    return no_content()


@api.get("/enrollment-tokens/<id>/qr.svg", Permission.ENROLLMENT_WRITE, {200: SVG}, writes=True, problems=(409,))
def token_svg(path: IdPath) -> Response:
    """The token's QR code as SVG."""
    return _image(qr.svg(enrollment_tokens.show_code(current_actor(), path.id)), "image/svg+xml")


@api.get("/enrollment-tokens/<id>/qr.png", Permission.ENROLLMENT_WRITE, {200: PNG}, writes=True, problems=(409,))
def token_png(path: IdPath) -> Response:
    """The token's QR code as PNG."""
    return _image(qr.png(enrollment_tokens.show_code(current_actor(), path.id)), "image/png")


@api.get("/notice", Access.PUBLIC, {200: NoticeView})
def get_notice() -> Response:
    """The notice that holders have to accept."""
    return reply(notices.current())


@api.put("/notice", Permission.NOTICE_WRITE, {200: NoticeView}, problems=(409,))
def put_notice(body: NoticeBody) -> Response:
    """Put a new notice in force."""
    return reply(notices.publish(current_actor(), body.texts, body.version))


def _image(content: bytes, kind: str) -> Response:
    answer = current_app.response_class(content, mimetype=kind)
    answer.headers["Cache-Control"] = "no-store"
    return answer
