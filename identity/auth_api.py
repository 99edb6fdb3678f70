"""Signing in and out, one's own account, and the first administrator, over HTTP."""

from __future__ import annotations

from flask import Response

from core.http.access import Access
from core.http.answers import no_content, reply
from core.http.fields import IdPath
from core.http.identity import current_actor
from core.http.limits import sign_in_limit
from core.http.routes import Api
from core.permissions import Permission
from identity import people, sessions, setup, sign_in, totp
from identity.schemas import (
    CodeBody,
    MeRead,
    PasswordBody,
    RecoveryRead,
    SessionPage,
    SetupBody,
    SignInBody,
    TokenRead,
)
from identity.totp import TotpEnrollment

api = Api("auth", __name__)


@api.post("/auth/token", Access.PUBLIC, {200: TokenRead}, problems=(401, 429), reads_first=True)
@sign_in_limit
def create_token(body: SignInBody) -> Response:
    """Exchange user name, password and, where enrolled, a code for an access token."""
    issued = sign_in.api(body.username, body.password, body.otp)
    answer = reply(
        TokenRead(
            access_token=issued.token,
            expires_in=issued.expires_in,
            must_change_password=issued.must_change_password,
        )
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@api.post("/auth/sign-out", Access.SIGNED_IN, {204: None}, any_password=True)
def sign_out() -> Response:
    """End the session of this token."""
    sessions.sign_out(current_actor())
    return no_content()


@api.get("/auth/me", Access.SIGNED_IN, {200: MeRead}, any_password=True)
def me() -> Response:
    """Who is signed in and what they may do."""
    actor = current_actor()
    view = people.get(actor, actor.id)
    return reply(
        MeRead(
            id=view.id,
            username=view.username,
            name=view.name,
            org_unit=view.org_unit,
            roles=list(view.roles),
            permissions=sorted(actor.permissions),
            totp=totp.is_enrolled(actor.id),
            must_change_password=view.must_change_password,
        )
    )


@api.post("/auth/password", Access.SIGNED_IN, {204: None}, problems=(429,), reads_first=True, any_password=True)
def change_password(body: PasswordBody) -> Response:
    """Change one's own password; all other sessions end."""
    sign_in.change_password(current_actor(), body.current_password, body.new_password)
    return no_content()


@api.get("/auth/sessions", Access.SIGNED_IN, {200: SessionPage})
def list_sessions() -> Response:
    """One's own sessions that still live."""
    return reply(SessionPage(items=sessions.own(current_actor())))


@api.delete("/auth/sessions", Access.SIGNED_IN, {204: None})
def end_sessions() -> Response:
    """End all of one's own sessions."""
    sessions.revoke_own(current_actor())
    return no_content()


@api.delete("/auth/sessions/<id>", Access.SIGNED_IN, {204: None})
def end_session(path: IdPath) -> Response:
    """End one of one's own sessions."""
    sessions.revoke(current_actor(), path.id)
    return no_content()


@api.post("/auth/totp", Access.SIGNED_IN, {200: TotpEnrollment})
def enroll_totp() -> Response:
    """Begin to enroll a second factor."""
    return _secret(totp.enroll(current_actor()))


@api.post("/auth/totp/confirm", Access.SIGNED_IN, {200: RecoveryRead})
def confirm_totp(body: CodeBody) -> Response:
    """Put the second factor into force with a first code; answers with recovery codes."""
    return _secret(RecoveryRead(recovery_codes=totp.confirm(current_actor(), body.code)))


@api.post("/auth/totp/remove", Access.SIGNED_IN, {204: None})
def remove_totp(body: CodeBody) -> Response:
    """Remove one's own second factor."""
    totp.remove(current_actor(), body.code)
    return no_content()


@api.delete("/staff/<id>/totp", Permission.STAFF_WRITE, {204: None})
def reset_totp(path: IdPath) -> Response:
    """Remove the second factor of somebody who lost it."""
    totp.reset(current_actor(), path.id)
    return no_content()


@api.post("/setup", Access.PUBLIC, {204: None}, problems=(404, 409, 429), reads_first=True)
@sign_in_limit
def complete_setup(body: SetupBody) -> Response:
    """Make the first administrator with the one-time setup link's token."""
    setup.complete(body.token, body.username, body.password, body.name)
    return no_content()


def _secret(body: TotpEnrollment | RecoveryRead) -> Response:
    answer = reply(body)
    answer.headers["Cache-Control"] = "no-store"
    return answer
