"""What phones ask over HTTP (PROTOCOL 3)."""

from __future__ import annotations

from typing import TypeVar

from flask import Response, current_app, request

from core import signing
from core.errors import BadInput, Invalid, TooLarge
from core.http.access import Access, Content
from core.http.answers import no_content, reply
from core.http.identity import current_actor
from core.http.routes import JSON, Api
from core.text import Text
from fleet import certificates, desk, device_auth, enrollment, guards, notices
from fleet.schemas import JwksQuery
from mqtt.contract.codec import BadPayload, Reason
from mqtt.contract.enrollment import CertificateAnswer, CertificateRequest, EnrollmentAnswer, EnrollmentRequest
from mqtt.contract.model import Message
from mqtt.contract.names import JOSE_MEDIA_TYPE
from mqtt.contract.notice import NoticeAcceptance

api = Api("device", __name__)
M = TypeVar("M", bound=Message)
MAX_BODY = 200_000
LIVING = ("active", "lost")
PRIVATE_PART = "encryption_key.d"
JOSE: Content = {
    JOSE_MEDIA_TYPE: {"type": "string", "description": "A compact JWS; its payload is in the device protocol."}
}


@api.post(
    "/enroll", Access.PUBLIC, {201: EnrollmentAnswer}, takes={JSON: EnrollmentRequest}, problems=(401, 404, 409, 428)
)
def enroll() -> Response:
    """A phone with a token becomes a device."""
    return reply(enrollment.enroll(_body(EnrollmentRequest)).wire(), 201)


@api.post(
    "/device/certificate",
    Access.DEVICE,
    {200: CertificateAnswer},
    takes={JSON: CertificateRequest},
    problems=(409, 429),
)
def renew_certificate() -> Response:
    """A new certificate for the same key."""
    return reply(certificates.renew(current_actor(), _body(CertificateRequest).csr).wire())


@api.get("/device/jwks", Access.DEVICE, {200: JOSE}, problems=(503,))
def get_jwks(query: JwksQuery) -> Response:
    """The server's keys, signed by one that the phone trusts."""
    return jose(signing.request(desk.JWKS, current_actor().id, {"trusts": query.kid}))


@api.get("/device/status", Access.DEVICE, {200: JOSE}, problems=(503,))
def get_status() -> Response:
    """What the phone is to the server and what it should do; answered to closed phones too."""
    guards.status_asked(current_actor().id)
    return jose(signing.request(desk.STATUS, current_actor().id))


@api.post("/device/notice", Access.DEVICE, {204: None}, takes={JSON: NoticeAcceptance}, problems=(409,))
def accept_notice() -> Response:
    """The holder accepted the current notice."""
    device_auth.require_state(current_actor(), LIVING)
    notices.accept(current_actor(), _body(NoticeAcceptance))
    return no_content()


def _private_key() -> Invalid:
    return Invalid(
        "private_key_sent",
        Text(
            "encryption_key 含有私钥（成员 d），已拒绝且未保存。请废弃这对密钥，重新生成后只发送公钥。",
            "encryption_key holds its private part (member “d”); it was refused and not kept. Throw this key pair "
            "away, make a new one, and send the public part alone.",
        ),
        fields=PRIVATE_PART,
    )


def jose(token: str) -> Response:
    """A compact JWS or JWE as an answer."""
    return current_app.response_class(token, mimetype=JOSE_MEDIA_TYPE)


def _body(model: type[M]) -> M:
    """The request's JSON by the wire's own rules. Raises BadInput, TooLarge, Invalid."""
    try:
        return model.read(request.get_data(), limit=MAX_BODY)
    except BadPayload as error:
        detail = error.detail or error.reason
        if PRIVATE_PART in detail:
            raise _private_key() from error
        if error.reason == Reason.FORM:
            raise Invalid(
                "bad_form", Text(f"内容格式有误：{detail}", f"Of a wrong form: {detail}"), fields=detail
            ) from error
        if error.reason == Reason.TOO_LARGE:
            raise TooLarge("too_large", Text("请求内容过大。", "The request is too large.")) from error
        raise BadInput("bad_json", Text("无法解析 JSON。", "The JSON cannot be read."), reason=error.reason) from error
