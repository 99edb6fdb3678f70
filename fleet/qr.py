"""The QR code of an enrollment token: Android Enterprise provisioning JSON with our extras."""

from __future__ import annotations

import io
import json
from typing import Any

import segno

from core.crypto.jwk import thumbprint
from core.errors import Unavailable
from core.runtime import runtime
from core.text import Text

EXTRAS = "android.app.extra.PROVISIONING_ADMIN_EXTRAS_BUNDLE"
SVG_SCALE, PNG_SCALE = 4, 8


def provisioning(code: str) -> dict[str, Any]:
    """What a phone reads from the QR code: server, code, and the pins of CA and current signing key."""
    keys = runtime().ring.public_signing()
    if not keys:
        raise Unavailable(
            "signing_key_missing",
            Text("后台服务尚未启动过，还没有签名密钥。", "The worker has not started yet, so there is no signing key."),
        )
    extras = {
        "server": runtime().settings.base_url,
        "code": code,
        "ca_sha256": runtime().ca.fingerprint,
        "key_sha256": thumbprint(keys[0]),
    }
    return {EXTRAS: extras}


def svg(code: str) -> bytes:
    """The QR code as an SVG document."""
    return _render(code, "svg", scale=SVG_SCALE, xmldecl=False)


def png(code: str) -> bytes:
    """The QR code as a PNG image."""
    return _render(code, "png", scale=PNG_SCALE)


def _render(code: str, kind: str, **options: Any) -> bytes:
    text = json.dumps(provisioning(code), separators=(",", ":"))
    target = io.BytesIO()
    segno.make_qr(text, error="m").save(target, kind=kind, **options)
    return target.getvalue()
