"""The page behind the one-time setup link: it makes the first administrator and signs them in."""

from __future__ import annotations

from flask import render_template, request
from werkzeug.wrappers import Response

from console import errors, forms
from console.sign_in import signed_in
from core.errors import Invalid, NotFound, ShoujiError
from core.http.access import Access
from core.http.limits import sign_in_limit
from core.http.routes import Pages
from core.text import Text
from identity import setup
from identity import sign_in as door
from identity.passwords import MIN_LENGTH

pages = Pages("first_admin", __name__)


@pages.get("/setup/<token>", Access.PUBLIC)
def form(token: str) -> str:
    """The form of a link that still works. Raises NotFound for any other."""
    if not setup.is_open(token):
        raise NotFound(
            "setup_link_invalid",
            Text(
                "设置链接无效、已使用或已过期。若尚无管理员，重新启动服务会打印新的链接。",
                "This setup link is not valid, was used or has lapsed. As long as there is no administrator, "
                "starting the server again prints a new one.",
            ),
        )
    return render_template("first_admin.html", error=None, username="admin", name="", minimum=MIN_LENGTH)


@pages.post("/setup/<token>", Access.PUBLIC, reads_first=True)
@sign_in_limit
def complete(token: str) -> Response:
    """Make the administrator and sign them in."""
    username, password = forms.field("username"), forms.field("password")
    if password != forms.field("password_again"):
        raise Invalid("passwords_differ", Text("两次输入的密码不一致。", "The two passwords differ."))
    person = setup.complete(token, username, password, forms.field("name"))
    return signed_in(door.just_made(person.id), forms.HOME)


@errors.on_form("page_first_admin.complete")
def show_error(problem: ShoujiError) -> str:
    """The same form with the error."""
    return render_template(
        "first_admin.html",
        error=problem.text,
        username=request.form.get("username", "")[:64],
        name=request.form.get("name", "")[:100],
        minimum=MIN_LENGTH,
    )
