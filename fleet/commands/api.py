"""Commands and the freeze over HTTP."""

from __future__ import annotations

from flask import Response

from core.http.answers import PageOut, page_reply, reply
from core.http.fields import IdPath, PageQuery
from core.http.identity import current_actor
from core.http.routes import Api
from core.permissions import Permission
from fleet import revocations
from fleet.commands import approval, cancel, freeze, preview, reading, request
from fleet.commands.preview import Preview
from fleet.commands.request import Wish
from fleet.commands.schemas import (
    CommandBody,
    FreezeBody,
    ManyBody,
    ReasonBody,
    RevokeManyBody,
    SelectBody,
)
from fleet.commands.views import CommandView, FreezeView, Requested, Shown
from fleet.revocations import Revoked
from identity.approval_views import ApprovalView

api = Api("commands", __name__)


@api.post("/devices/<id>/commands", Permission.COMMAND_SEND, {202: Requested}, problems=(409, 429))
def send_command(path: IdPath, body: CommandBody) -> Response:
    """Send a command to one phone; a wipe waits for a second person."""
    wish = Wish(body.type, body.args, body.reason, body.expires_in)
    return reply(request.send(current_actor(), path.id, wish), 202)


@api.get("/devices/<id>/commands", Permission.COMMAND_READ, {200: PageOut[CommandView]})
def list_device_commands(path: IdPath, query: PageQuery) -> Response:
    """A phone's commands, newest first, without outputs."""
    return page_reply(reading.of_device(current_actor(), path.id, query.cursor, query.limit))


@api.post("/commands", Permission.COMMAND_SEND, {202: Requested}, problems=(409, 429))
def send_commands(body: ManyBody) -> Response:
    """Send a command to many phones; the request is taken or refused whole."""
    wish = Wish(body.type, body.args, body.reason, body.expires_in)
    asked = request.send_many(current_actor(), body.selector.selector(), wish, body.targets_sha256)
    return reply(asked, 202)


@api.post("/commands/preview", Permission.COMMAND_SEND, {200: Preview})
def preview_commands(body: ManyBody) -> Response:
    """Whom such a command would hit, what it passes over, what would refuse it; nothing happens."""
    wish = Wish(body.type, body.args, body.reason, body.expires_in)
    return reply(preview.command(current_actor(), body.selector.selector(), wish))


@api.post("/devices/revoke", Permission.DEVICE_REVOKE, {200: Revoked, 202: Revoked})
def revoke_devices(body: RevokeManyBody) -> Response:
    """Cut phones off together, exactly those that the preview showed: one at once, more by a second person (202)."""
    done = revocations.revoke_many(current_actor(), body.selector.selector(), body.reason, body.targets_sha256)
    return reply(done, 202 if done.approval_id else 200)


@api.post("/devices/revoke/preview", Permission.DEVICE_REVOKE, {200: Preview})
def preview_revocation(body: SelectBody) -> Response:
    """Whom a revocation would hit and what would refuse it; nothing happens."""
    return reply(preview.revocation(current_actor(), body.selector.selector()))


@api.post("/devices/revoke/<id>/approve", Permission.COMMAND_APPROVE, {200: ApprovalView}, problems=(409, 429))
def approve_revocation(path: IdPath, body: ReasonBody) -> Response:
    """Let a revocation of many phones happen, as the second person; `id` is its approval's."""
    return reply(revocations.approve(current_actor(), path.id, body.reason))


@api.post("/devices/revoke/<id>/deny", Permission.COMMAND_APPROVE, {200: ApprovalView}, problems=(409,))
def deny_revocation(path: IdPath, body: ReasonBody) -> Response:
    """Keep a revocation of many phones from happening, as the second person."""
    return reply(revocations.deny(current_actor(), path.id, body.reason))


@api.get("/commands", Permission.COMMAND_READ, {200: PageOut[CommandView]})
def list_waiting_commands(query: PageQuery) -> Response:
    """The commands that wait for a second person, newest first."""
    return page_reply(reading.waiting(current_actor(), query.cursor, query.limit))


@api.get("/commands/<id>", Permission.COMMAND_READ, {200: Shown}, writes=True)
def get_command(path: IdPath) -> Response:
    """One command with its history, or a request for many phones by its id."""
    return _shown(path.id)


@api.post("/commands/<id>/approve", Permission.COMMAND_APPROVE, {200: Shown}, problems=(409,))
def approve_command(path: IdPath, body: ReasonBody) -> Response:
    """Let it happen, as the second person."""
    approval.approve(current_actor(), path.id, body.reason)
    return _shown(path.id)


@api.post("/commands/<id>/deny", Permission.COMMAND_APPROVE, {200: Shown}, problems=(409,))
def deny_command(path: IdPath, body: ReasonBody) -> Response:
    """Keep it from happening, as the second person."""
    approval.deny(current_actor(), path.id, body.reason)
    return _shown(path.id)


@api.post("/commands/<id>/cancel", Permission.COMMAND_SEND, {200: Shown}, problems=(409,))
def cancel_command(path: IdPath, body: ReasonBody) -> Response:
    """Cancel what is not received yet; it dies with the last signature handed out."""
    cancel.cancel(current_actor(), path.id, body.reason)
    return _shown(path.id)


@api.get("/freeze", Permission.FREEZE_READ, {200: FreezeView})
def get_freeze() -> Response:
    """Whether destructive commands are held."""
    return reply(freeze.state(current_actor()))


@api.post("/freeze", Permission.FREEZE_WRITE, {200: FreezeView})
def set_freeze(body: FreezeBody) -> Response:
    """Hold all destructive commands, or let them go again (platform administrators)."""
    return reply(freeze.change(current_actor(), body.frozen, body.reason))


def _shown(some_id: str) -> Response:
    return reply(reading.get(current_actor(), some_id))
