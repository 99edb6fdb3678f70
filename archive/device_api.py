"""Records of phones over HTTP."""

from __future__ import annotations

from flask import Response, request

from archive import archived, late
from core import signing
from core.http.access import Access, Content
from core.http.identity import current_actor
from core.http.routes import Api
from core.uow import after_commit
from mqtt.contract.names import JOSE_MEDIA_TYPE

api = Api("device_archive", __name__)
NOT_YET = 503
BATCH: Content = {
    JOSE_MEDIA_TYPE: {
        "type": "string",
        "description": "A batch as it goes on `up/archive`: a compact JWE around a JWS.",
    }
}
RECEIPT: Content = {
    JOSE_MEDIA_TYPE: {"type": "string", "description": "The receipt, a compact JWS as on `down/archived`."}
}


@api.post("/device/records", Access.DEVICE, {200: RECEIPT}, takes=BATCH, problems=(409, 429, 503))
def deliver_records() -> Response:
    """Deliver a batch of records (its JWE); the answer is the receipt, a JWS."""
    actor = current_actor()
    detail = {archived.REFUSED: late.deliver(actor, request.get_data())}
    answer = Response(status=NOT_YET, mimetype=JOSE_MEDIA_TYPE)

    def sign() -> None:
        answer.set_data(signing.request(archived.EFFECT, actor.id, detail))
        answer.status_code = 200

    # A receipt says what is committed, and the worker that signs it sees nothing else.
    after_commit(sign)
    return answer
