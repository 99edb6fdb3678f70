"""How often one address may try to sign in and fail; wrong passwords for one name are counted apart, by identity."""

from __future__ import annotations

from flask import Flask, Response
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from core.runtime import settings

limiter = Limiter(key_func=get_remote_address, storage_uri="memory://", strategy="moving-window")


def register(app: Flask) -> None:
    """Count for this application."""
    limiter.init_app(app)


def _refused(answer: Response) -> bool:
    return answer.status_code in (401, 404)


# Each web process counts for itself: with two processes an address may get through up to twice as often.
# Successes cost nothing, or a whole office behind one address would lock itself out in the morning.
sign_in_limit = limiter.shared_limit(lambda: settings().sign_in_limit, scope="sign_in", deduct_when=_refused)
