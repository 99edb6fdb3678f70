"""HTTP as an attacker speaks it: any method, path, headers and bytes, and the answer as it came."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The JSON value in the body."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem document; fails when the answer is none."""
        assert self.headers["content-type"] == "application/problem+json", (self.status, self.body[:300])
        return str(self.json["code"])


class Wire:
    """A kept connection to one server; `token` goes with every request that brings no header of its own."""

    def __init__(self, base_url: str, token: str = "") -> None:
        self._host = urlsplit(base_url).netloc
        self._connection: http.client.HTTPConnection | None = None
        self.token = token

    def send(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        """One request; `path` from the root, percent-encoded by the caller."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        sent |= headers or {}
        for _ in range(2):
            fresh = self._connection is None
            connection = self._connection or http.client.HTTPConnection(self._host, timeout=TIMEOUT_SECONDS)
            self._connection = None
            try:
                connection.request(method, path, body=body, headers=sent)
                found = connection.getresponse()
                content = found.read()
            except (http.client.HTTPException, OSError):
                connection.close()
                if fresh:
                    raise
                continue
            if not found.will_close:
                self._connection = connection
            return Answer(found.status, {name.lower(): value for name, value in found.getheaders()}, content)
        raise AssertionError("unreachable")

    def json(self, method: str, path: str, value: Any = None, **headers: str) -> Answer:
        """A request with a JSON body; lone surrogates and NUL go out as escapes."""
        body = None if value is None else json.dumps(value).encode()
        return self.send(method, path, body, {"Content-Type": "application/json", **headers})

    def get(self, path: str) -> Answer:
        """GET."""
        return self.send("GET", path)

    def post(self, path: str, value: Any = None) -> Answer:
        """POST JSON."""
        return self.json("POST", path, {} if value is None else value)

    def yaml(self, path: str, text: str | bytes) -> Answer:
        """POST YAML."""
        body = text.encode() if isinstance(text, str) else text
        return self.send("POST", path, body, {"Content-Type": "application/yaml"})
