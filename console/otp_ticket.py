"""Between the two steps of a sign-in: name and password, sealed for five minutes and handed back to the browser.

Nothing of a half-done sign-in is stored here, and the password is not written into a page in plain.
"""

from __future__ import annotations

import base64
import binascii
import json

from core import clock
from core.errors import Unauthenticated
from core.runtime import runtime
from core.text import Text

LIFETIME_SECONDS = 300
PLACE = "console:otp"


def seal(username: str, password: str) -> str:
    """A ticket for the second step."""
    plain = json.dumps([username, password, clock.unix() + LIFETIME_SECONDS]).encode()
    return base64.urlsafe_b64encode(runtime().envelope.seal(plain, PLACE)).decode()


def unseal(ticket: str) -> tuple[str, str]:
    """Name and password of a ticket. Raises Unauthenticated when it is not ours or too old."""
    try:
        plain = runtime().envelope.open(base64.urlsafe_b64decode(ticket), PLACE)
    except (ValueError, binascii.Error) as error:
        raise _too_old() from error
    username, password, until = json.loads(plain)
    if clock.unix() > until:
        raise _too_old()
    return username, password


def _too_old() -> Unauthenticated:
    text = Text("登录已超时，请重新输入密码。", "That took too long. Enter your password again.")
    return Unauthenticated("otp_ticket_expired", text)
