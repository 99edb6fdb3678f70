"""The revocation list where certificates say it is: /pki/crl.der, for everybody."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app

from core.http.access import Access
from core.http.routes import Api
from fleet import certificates

api = Api("pki", __name__, prefix="")
CRL_TYPE = "application/pkix-crl"
ANSWER: dict[Any, Any] = {"content": {CRL_TYPE: {"schema": {"type": "string", "format": "binary"}}}}


@api.get("/pki/crl.der", Access.PUBLIC, {200: ANSWER})
def get_crl() -> Response:
    """Serials of revoked certificates, signed by the fleet CA."""
    answer = current_app.response_class(certificates.crl("der"), mimetype=CRL_TYPE)
    answer.headers["Cache-Control"] = "no-cache"
    return answer
