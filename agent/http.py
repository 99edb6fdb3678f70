"""Plain requests to the server: kept connections, one per pool thread and server, and device JWTs (§3)."""

from __future__ import annotations

import http.client
import ssl
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from agent.crypto import DeviceKeys, sign
from agent.errors import RequestFailed
from mqtt.contract import codec
from mqtt.contract.limits import DEVICE_JWT_MAX_S
from mqtt.contract.names import DEVICE_AUDIENCE, JOSE_MEDIA_TYPE, Typ

TIMEOUT_S = 30.0
ANSWER_MAX = 64 * 1024 * 1024
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The JSON object in the body. Raises RequestFailed when there is none."""
        try:
            return codec.decode_object(self.body, limit=ANSWER_MAX)
        except codec.BadPayload as error:
            raise RequestFailed(self.status, "bad_answer", error.reason) from None

    def expect(self, *statuses: int) -> Answer:
        """Itself, when the status is one of these. Raises RequestFailed with the problem's code."""
        if self.status in statuses:
            return self
        try:
            problem = codec.decode_object(self.body, limit=ANSWER_MAX)
        except codec.BadPayload:
            problem = {}
        raise RequestFailed(self.status, str(problem.get("code", "")), str(problem.get("title", ""))[:200])

    @property
    def date(self) -> datetime | None:
        """The server's `Date`."""
        try:
            return parsedate_to_datetime(self.headers.get("date", ""))
        except (TypeError, ValueError):
            return None


def expected(got: Answer | Exception, *statuses: int) -> Answer:
    """What came of a request that was made elsewhere, when its status is one of these. Raises what went wrong."""
    if isinstance(got, Exception):
        raise got
    return got.expect(*statuses)


class _Kept(threading.local):
    def __init__(self) -> None:
        self.connections: dict[tuple[str, str], http.client.HTTPConnection] = {}


@dataclass
class Server:
    """An HTTP server by its origin; plain HTTP is refused beyond loopback."""

    context: ssl.SSLContext
    _kept: _Kept = field(default_factory=_Kept)

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Send one request and read its answer. Blocks. Raises RequestFailed, status 0 without an answer."""
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise RequestFailed(0, "insecure", "plain HTTP is for loopback only")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        key = (parts.scheme, parts.netloc)
        for fresh in (False, True):
            connection = self._kept.connections.pop(key, None)
            if fresh and connection is not None:
                connection.close()
                connection = None
            reused = connection is not None
            connection = connection or self._open(parts.scheme, parts.netloc)
            try:
                answer = self._exchange(connection, method, path, dict(headers or {}), body)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                # The server may have closed a kept connection before it saw the request.
                if reused and not isinstance(error, TimeoutError):
                    continue
                raise RequestFailed(0, "no_answer", type(error).__name__) from error
            self._kept.connections[key] = connection
            return answer
        raise RequestFailed(0, "no_answer")

    def _open(self, scheme: str, netloc: str) -> http.client.HTTPConnection:
        if scheme == "https":
            return http.client.HTTPSConnection(netloc, timeout=TIMEOUT_S, context=self.context)
        return http.client.HTTPConnection(netloc, timeout=TIMEOUT_S)

    @staticmethod
    def _exchange(
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes | None,
    ) -> Answer:
        connection.request(method, path, body=body, headers={"Accept": "*/*", **headers})
        response = connection.getresponse()
        content = response.read(ANSWER_MAX + 1)
        if len(content) > ANSWER_MAX:
            raise http.client.HTTPException("answer too large")
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)


class DeviceApi:
    """Requests of an enrolled device under `/api/v1`, each with its own JWT. Its methods block."""

    def __init__(self, server: Server, api: str, device_id: str, keys: DeviceKeys, now: Callable[[], int]) -> None:
        self.server = server
        self._api = api.rstrip("/")
        self._id = device_id
        self._keys = keys
        self._now = now

    def token(self, now: int | None = None) -> str:
        """A device JWT for one request."""
        issued = self._now() if now is None else now
        claims = {
            "iss": self._id,
            "sub": self._id,
            "aud": DEVICE_AUDIENCE,
            "iat": issued,
            "exp": issued + DEVICE_JWT_MAX_S,
            "jti": uuid.uuid4().hex,
        }
        return sign(self._keys.signing, self._keys.kid, Typ.DEVICE_JWT, claims)

    def url(self, path: str) -> str:
        """The address of a path under the API, or of a `Location` that the server gave."""
        if path.startswith(("http://", "https://")):
            return path
        if path.startswith("/"):
            parts = urlsplit(self._api)
            return f"{parts.scheme}://{parts.netloc}{path}"
        return f"{self._api}/{path}"

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request; after a 401 once more with the time that the answer's `Date` gives."""
        answer = self._once(method, path, body, headers, None)
        if answer.status == 401 and (date := answer.date) is not None:
            answer = self._once(method, path, body, headers, int(date.timestamp()))
        return answer

    def _once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None, now: int | None
    ) -> Answer:
        sent = {"Authorization": f"Bearer {self.token(now)}", **(headers or {})}
        return self.server.request(method, self.url(path), headers=sent, body=body)

    def post_json(self, path: str, value: Any) -> Answer:
        """POST a JSON body."""
        return self.request("POST", path, body=codec.encode(value), headers={"Content-Type": "application/json"})

    def post_jose(self, path: str, token: str) -> Answer:
        """POST a compact JWE."""
        return self.request("POST", path, body=token.encode(), headers={"Content-Type": JOSE_MEDIA_TYPE})
