"""Results over HTTP, for a phone to which MQTT is closed."""

from __future__ import annotations

from flask import Response, request

from core import clock
from core.errors import Invalid
from core.http.access import Access, Content
from core.http.answers import no_content
from core.http.identity import current_actor
from core.http.routes import Api
from core.text import Text
from fleet.commands import results
from mqtt.contract.names import JOSE_MEDIA_TYPE, Up
from mqtt.routes import Inbound

RESULT: Content = {
    JOSE_MEDIA_TYPE: {
        "type": "string",
        "description": "A result as it goes on `up/result`: a compact JWE around a JWS.",
    }
}
api = Api("device_results", __name__, prefix="/api/v1/device")


@api.post("/results", Access.DEVICE, {204: None}, takes=RESULT)
def post_result() -> Response:
    """A result's JWE, as it would travel on `up/result`."""
    message = Inbound(current_actor().id, str(Up.RESULT), request.get_data(), clock.now())
    refused = results.record([message])
    if refused:
        raise Invalid(
            "result_refused",
            Text("结果无法接受。", "The result cannot be taken."),
            reason=refused[0].reason,
        )
    return no_content()
