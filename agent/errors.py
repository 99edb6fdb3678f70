"""Errors of the agent."""

from __future__ import annotations


class AgentError(Exception):
    """Something that the agent cannot do; `code` is stable."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class Untrusted(AgentError):
    """A token, certificate or blob that does not verify."""


class UnknownKey(Untrusted):
    """A token by a key that is not known yet; the key set may tell."""

    def __init__(self, kid: str) -> None:
        super().__init__("kid", kid[:64])


class EnrollmentRefused(AgentError):
    """The server's problem document in answer to an enrollment."""

    def __init__(self, status: int, problem: dict[str, object]) -> None:
        super().__init__(str(problem.get("code") or f"http_{status}"), str(problem.get("title", "")))
        self.status = status
        self.problem = problem


class RequestFailed(AgentError):
    """A device request that was not answered with what it asks for; `status` 0 means no answer at all."""

    def __init__(self, status: int, code: str = "", detail: str = "") -> None:
        super().__init__(code or f"http_{status}", detail)
        self.status = status
