"""A small client of the public API, as an operator's script would have one."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

TIMEOUT_SECONDS = 30
POLL_SECONDS = 0.3


class ApiError(Exception):
    """An answer other than success; `status` and the problem's `code`."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status, self.code = status, str(problem.get("code"))


class Api:
    """One server; signed in once `sign_in` was called."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url
        self._credentials: tuple[str, str] | None = None
        self._token = ""

    def sign_in(self, username: str, password: str) -> None:
        """Get an access token. Raises ApiError."""
        self._credentials = (username, password)
        answer = self._send("POST", "/api/v1/auth/token", {"username": username, "password": password})
        self._token = answer["access_token"]

    def get(self, path: str) -> Any:
        """GET below /api/v1."""
        return self._authorized("GET", path, None)

    def post(self, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        """POST below /api/v1."""
        return self._authorized("POST", path, {} if body is None else body, content_type)

    def patch(self, path: str, body: Any) -> Any:
        """PATCH below /api/v1."""
        return self._authorized("PATCH", path, body)

    def all(self, path: str) -> list[dict[str, Any]]:
        """Every item of a paged list."""
        items: list[dict[str, Any]] = []
        mark = "&" if "?" in path else "?"
        cursor = ""
        while True:
            page = self.get(f"{path}{mark}limit=200{cursor}")
            items += page["items"]
            if not page["next_cursor"]:
                return items
            cursor = f"&cursor={page['next_cursor']}"

    def ready(self) -> bool:
        """Whether every part of the server is there."""
        try:
            return bool(self._send("GET", "/readyz", None)["status"] == "ready")
        except (ApiError, OSError):
            return False

    def _authorized(self, method: str, path: str, body: Any, content_type: str = "application/json") -> Any:
        try:
            return self._send(method, f"/api/v1/{path}", body, content_type)
        except ApiError as error:
            if error.status != 401 or self._credentials is None:
                raise
            self.sign_in(*self._credentials)
            return self._send(method, f"/api/v1/{path}", body, content_type)

    def _send(self, method: str, path: str, body: Any, content_type: str = "application/json") -> Any:
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, method=method)  # noqa: S310
        request.add_header("Content-Type", content_type)
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                raw = answer.read()
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, _problem(error.read())) from error
        return json.loads(raw) if raw else None


def _problem(raw: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(raw))
    except ValueError:
        return {"detail": raw[:200].decode("utf-8", "replace")}


def wait_until(done: Callable[[], object], seconds: float, what: str) -> None:
    """Poll until the condition holds. Raises TimeoutError that names what was awaited."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(POLL_SECONDS)
