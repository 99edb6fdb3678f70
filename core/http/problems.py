"""Errors become RFC 9457 problem documents, in the caller's language."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, json, request
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.exceptions import HTTPException

from core.errors import Invalid, ShoujiError, Waits
from core.field_texts import field_text
from core.text import Text, negotiate
from core.views import LANGUAGE

PROBLEM_JSON = "application/problem+json"


class WrongMember(BaseModel):
    """One wrong member of the input: where it is, of what kind the error is, and words for people."""

    path: str
    code: str
    text: str


class Problem(BaseModel):
    """A problem (RFC 9457); further members go with the `code`."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[WrongMember] | None = None


HTTP_CODES = {
    400: "bad_request",
    404: "no_such_page",
    405: "method_not_allowed",
    413: "too_large",
    415: "wrong_media_type",
    429: "too_many",
}

_HTTP_TEXTS = {
    400: Text("请求无法解析，请检查格式。", "The request cannot be read. Check its form."),
    404: Text("该地址不存在。", "There is nothing at this address."),
    405: Text("该地址不支持此方法。", "This address does not take that method."),
    413: Text("内容超过大小限制，请拆分后重试。", "The content is over the size limit. Split it and try again."),
    415: Text("请以 application/json 发送内容。", "Send the content as application/json."),
    429: Text("请求过于频繁，请稍后再试。", "Too many requests. Wait a moment and try again."),
}


def language() -> str:
    """The language of the current request."""
    return negotiate(request.headers.get("Accept-Language"))


def invalid_input(error: ValidationError) -> Invalid:
    """An Invalid error that names every wrong member with its path."""
    problems: list[dict[str, Any]] = [
        {"path": ".".join(str(part) for part in item["loc"]), "code": item["type"], "text": field_text(item)}
        for item in error.errors(include_url=False, include_input=False)
    ]
    first = problems[0]
    text = Text(
        f"内容有误：{first['path']}：{first['text'].zh}。",
        f"Invalid input: {first['path']}: {first['text'].en}.",
    )
    return Invalid("invalid_input", text, errors=problems)


def problem(error: ShoujiError) -> Response:
    """The problem document of an error of ours."""
    chosen = language()
    headers = error.members.get("headers", {})
    members = {name: _plain(value, chosen) for name, value in error.members.items() if name != "headers"}
    return _document(error.status, error.code, error.title.pick(chosen), error.text.pick(chosen), members, headers)


def waiting(error: Waits) -> Response:
    """What was asked of a second person, where it is found, and that nothing was changed."""
    body = error.approval.model_dump_json(context={LANGUAGE: language()})
    answer = current_app.response_class(body, status=error.status, mimetype="application/json")
    answer.headers["Location"] = f"/api/v1/approvals/{error.approval.id}"
    return answer


def http_problem(error: HTTPException) -> Response:
    """The problem document of an error of the framework."""
    status = error.code or 500
    text = _HTTP_TEXTS.get(status, Text("请求失败。", "The request failed."))
    answer = _document(
        status, HTTP_CODES.get(status, f"http_{status}"), text.pick(language()), text.pick(language()), {}, {}
    )
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def crash() -> Response:
    """The problem document of an error nobody expected."""
    text = Text("服务器内部错误，已记录。请稍后重试。", "An internal error; it has been logged. Try again later.")
    return _document(500, "internal", text.pick(language()), text.pick(language()), {}, {})


def _document(
    status: int, code: str, title: str, detail: str, members: dict[str, Any], headers: dict[str, str]
) -> Response:
    body = {
        "type": f"urn:shouji:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        **members,
    }
    answer = current_app.response_class(json.dumps(body), status=status, mimetype=PROBLEM_JSON)
    answer.headers.update(headers)
    if status == 401:
        answer.headers.setdefault("WWW-Authenticate", "Bearer")
    return answer


def _plain(value: Any, chosen: str) -> Any:
    if isinstance(value, Text):
        return value.pick(chosen)
    if isinstance(value, dict):
        return {key: _plain(item, chosen) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, chosen) for item in value]
    return value
