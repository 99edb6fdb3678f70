"""Security headers: nothing runs or loads that does not come from here, and nothing inline at all."""

from __future__ import annotations

from flask import Flask, Response, request
from secure import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    Secure,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)

from core.http.access import Access, table

HSTS_SECONDS = 31_536_000


def register(app: Flask, *, tls: bool) -> None:
    """Set the headers on every answer of the application; with TLS, browsers are told to keep to it."""
    policy = _policy(tls)

    @app.after_request
    def add_headers(answer: Response) -> Response:
        for name, value in policy.items():
            answer.headers.setdefault(name, value)
        rule = table.get(request.endpoint)
        if rule and (rule.page or rule.demand is not Access.PUBLIC):
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer


def _policy(tls: bool) -> dict[str, str]:
    content = (
        ContentSecurityPolicy()
        .default_src("'none'")
        .script_src("'self'")
        .style_src("'self'")
        # Tabler's style sheet draws its arrows and ticks from data addresses.
        .img_src("'self'", "data:")
        .connect_src("'self'")
        .form_action("'self'")
        .base_uri("'none'")
        .frame_ancestors("'none'")
    )
    headers = Secure(
        csp=content,
        # Not `no-referrer`: the form check needs to see that a form came from here.
        referrer=ReferrerPolicy().same_origin(),
        xcto=XContentTypeOptions().nosniff(),
        xfo=XFrameOptions().deny(),
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
        permissions=PermissionsPolicy().camera().geolocation().microphone().payment().usb(),
        hsts=StrictTransportSecurity().max_age(HSTS_SECONDS) if tls else None,
    )
    return dict(headers.headers)
