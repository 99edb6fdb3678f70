"""Our own files and the vendored ones: compressed, cached for ever under an address that changes with the content."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path

from flask import Response, current_app, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

FOLDER = Path(__file__).parent / "static"
YEAR_SECONDS = 31_536_000
COMPRESSED_TYPES = ("text/", "application/javascript", "image/svg")


@lru_cache(maxsize=64)
def _read(path: str, _modified: int) -> tuple[bytes, bytes | None, str, str]:
    content = Path(path).read_bytes()
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    packed = gzip.compress(content, mtime=0) if kind.startswith(COMPRESSED_TYPES) else None
    return content, packed, kind, hashlib.sha256(content).hexdigest()[:12]


def _load(name: str) -> tuple[bytes, bytes | None, str, str]:
    path = safe_join(str(FOLDER), name)
    if path is None or not Path(path).is_file():
        raise NotFound
    return _read(path, Path(path).stat().st_mtime_ns)


def address(name: str) -> str:
    """The address of a file in `static/`, with its digest; raises NotFound for a file that is not there."""
    return url_for("page_frame.static", filename=name, v=_load(name)[3])


def send(filename: str) -> Response:
    """A file of `static/`; open to anyone, since the sign-in page needs it."""
    content, packed, kind, digest = _load(filename)
    zipped = packed is not None and "gzip" in request.headers.get("Accept-Encoding", "")
    answer = current_app.response_class(packed if zipped and packed else content, mimetype=kind)
    answer.headers["Vary"] = "Accept-Encoding"
    if zipped:
        answer.headers["Content-Encoding"] = "gzip"
    answer.set_etag(f"{digest}{'-gz' if zipped else ''}")
    answer.cache_control.public = True
    answer.cache_control.max_age = YEAR_SECONDS if request.args.get("v") == digest else 0
    return answer.make_conditional(request)  # type: ignore[return-value]
