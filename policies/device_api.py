"""What phones ask of this room over HTTP (PROTOCOL 3)."""

from __future__ import annotations

from flask import Response, current_app

from core.http.access import Access, Content
from core.http.identity import current_actor
from core.http.routes import Api
from policies import fetch
from policies.schemas import BlobPath

api = Api("device_policies", __name__)
BLOB_TYPE = "application/octet-stream"
BLOB: Content = {BLOB_TYPE: {"type": "string", "format": "binary", "description": "The blob, sealed as it was made."}}


@api.get("/device/blobs/<digest>", Access.DEVICE, {200: BLOB})
def get_blob(path: BlobPath) -> Response:
    """A blob's bytes, for blobs that this phone's desired state names."""
    body = fetch.blob_for(current_actor(), path.digest)
    return current_app.response_class(body, mimetype=BLOB_TYPE)
