"""How often one address may try to sign in and fail; wrong passwords for one name are counted apart, by identity."""

from __future__ import annotations

from flask import Flask, Response, request
from flask_limiter import Limiter

from core.runtime import settings


def caller_address() -> str:
    """Where the request comes from; behind the declared proxy what that one adds, the last address in the list.

    What stands before it is the caller's own word, and the proxy's own address would be one counter for everybody.
    """
    forwarded = request.headers.get("X-Forwarded-For", "") if settings().http_proxy else ""
    return forwarded.rpartition(",")[2].strip() or request.remote_addr or "unknown"


limiter = Limiter(key_func=caller_address, storage_uri="memory://", strategy="moving-window")


def register(app: Flask) -> None:
    """Count for this application."""
    limiter.init_app(app)


def _refused(answer: Response) -> bool:
    return answer.status_code in (401, 404)


# Each web process counts for itself: with two processes an address may get through up to twice as often.
# Successes cost nothing, or a whole office behind one address would lock itself out in the morning.
sign_in_limit = limiter.shared_limit(lambda: settings().sign_in_limit, scope="sign_in", deduct_when=_refused)
