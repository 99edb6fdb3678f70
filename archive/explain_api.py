"""Whether a phone may do something, over HTTP."""

from __future__ import annotations

from flask import Response

from archive import explain
from archive.explain import Act
from core.http.answers import reply
from core.http.fields import IdPath
from core.http.identity import current_actor
from core.http.routes import Api
from core.permissions import Permission
from policies.views import ActView

api = Api("explain_act", __name__)


@api.post("/devices/<id>/explain", Permission.DOCUMENT_READ, {200: ActView}, problems=(409,))
def explain_act(path: IdPath, body: Act) -> Response:
    """Whether an act is allowed at a minute, by which rule of which policy, with the counters it saw."""
    return reply(explain.explain(current_actor(), path.id, body))
