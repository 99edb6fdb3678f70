"""The revocation list where certificates say it is: /pki/crl.der, for everybody."""

from __future__ import annotations

from flask import Response, current_app, request

from core.http.access import Access, Content
from core.http.routes import Api
from fleet.revocation_list import RevocationList

api = Api("pki", __name__, prefix="")
CRL_TYPE = "application/pkix-crl"
ANSWER: Content = {CRL_TYPE: {"type": "string", "format": "binary"}}
EXTENSION = "shouji_revocation_list"


@api.get("/pki/crl.der", Access.PUBLIC, {200: ANSWER})
def get_crl() -> Response:
    """Serials of revoked certificates, signed by the fleet CA; 304 for whoever has this list already."""
    kept: RevocationList = current_app.extensions.setdefault(EXTENSION, RevocationList())
    signed = kept.current()
    answer = current_app.response_class(signed.der, mimetype=CRL_TYPE)
    answer.set_etag(signed.tag, weak=True)
    answer.headers["Cache-Control"] = "public, no-cache"
    answer.make_conditional(request)
    return answer
