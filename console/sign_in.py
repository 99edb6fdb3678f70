"""Signing in, with the second factor as a step of its own, and out."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from console import errors, forms, frame, otp_ticket
from core.errors import ShoujiError
from core.http.access import Access
from core.http.identity import SESSION_COOKIE, current_actor
from core.http.limits import sign_in_limit
from core.http.routes import Pages
from core.runtime import settings
from identity import sessions
from identity import sign_in as door
from identity.sessions import Ticket

MAX_TICKET = 4000

pages = Pages("sign_in", __name__)


@pages.get("/sign-in", Access.PUBLIC)
def form() -> ResponseReturnValue:
    """The sign-in form; whoever is signed in goes on."""
    wanted = forms.safe_address(request.args.get("next"))
    if frame.viewer():
        return redirect(wanted, 303)
    return render_template("sign_in.html", next=wanted, username="", error=None)


@pages.post("/sign-in", Access.PUBLIC, reads_first=True)
@sign_in_limit
def attempt() -> Response:
    """One attempt: name and password, or the code that was asked for."""
    username, password = _credentials()
    ticket = door.console(username, password, forms.field("otp", 100) or None)
    return signed_in(ticket, forms.safe_address(forms.field("next", forms.MAX_ADDRESS)))


@errors.on_form("page_sign_in.attempt")
def show_error(problem: ShoujiError) -> str:
    """The same form with the error; a right password of somebody with a second factor leads to the code."""
    wanted = forms.safe_address(request.form.get("next"))
    ticket = request.form.get("ticket", "")
    if problem.code == "otp_required":
        ticket = otp_ticket.seal(request.form.get("username", ""), request.form.get("password", ""))
        return render_template("sign_in_otp.html", next=wanted, ticket=ticket, error=None)
    if ticket and problem.code != "otp_ticket_expired":
        return render_template("sign_in_otp.html", next=wanted, ticket=ticket, error=problem.text)
    name = request.form.get("username", "")[:64]
    return render_template("sign_in.html", next=wanted, username=name, error=problem.text)


@pages.post("/sign-out", Access.SIGNED_IN, any_password=True)
def leave() -> Response:
    """End this session."""
    sessions.sign_out(current_actor())
    answer = redirect(url_for("page_sign_in.form"), 303)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


def signed_in(ticket: Ticket, address: str) -> Response:
    """Set the session cookie and go to the address; first to the new password, where one is to be chosen."""
    answer = redirect(url_for("page_account.password_form") if ticket.must_change_password else address, 303)
    answer.set_cookie(
        SESSION_COOKIE,
        ticket.token or "",
        expires=ticket.expires_at,
        httponly=True,
        samesite="Lax",
        secure=settings().base_url.startswith("https"),
    )
    return answer


def _credentials() -> tuple[str, str]:
    ticket = forms.field("ticket", MAX_TICKET)
    return otp_ticket.unseal(ticket) if ticket else (forms.field("username"), forms.field("password"))
