"""The QR code of an enrollment token: Android Enterprise provisioning JSON with our extras.

With the three `SHOUJI_AGENT_…` settings the code makes a factory-new phone fetch the agent and make it device owner;
without them it carries the extras alone, for an agent that is on the phone already. `docs/enrollment.md` says which
maker allows which way.
"""

from __future__ import annotations

import io
import json
from typing import Any

import segno

from core.crypto.jwk import thumbprint
from core.errors import Unavailable
from core.runtime import runtime, settings
from core.text import Text

_EXTRA = "android.app.extra.PROVISIONING_"
EXTRAS = f"{_EXTRA}ADMIN_EXTRAS_BUNDLE"
COMPONENT = f"{_EXTRA}DEVICE_ADMIN_COMPONENT_NAME"
APK_URL = f"{_EXTRA}DEVICE_ADMIN_PACKAGE_DOWNLOAD_LOCATION"
CHECKSUM = f"{_EXTRA}DEVICE_ADMIN_SIGNATURE_CHECKSUM"
KEEP_SYSTEM_APPS = f"{_EXTRA}LEAVE_ALL_SYSTEM_APPS_ENABLED"
SVG_SCALE, PNG_SCALE = 4, 8


def provisioning(code: str) -> dict[str, Any]:
    """What a phone reads from the QR code: where the agent is, and for the agent server, code and the pins of CA and
    current signing key. Raises Unavailable before the worker has made its keys."""
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
    return {**_agent(), EXTRAS: extras}


def installs_agent() -> bool:
    """Whether the QR code brings the agent to a factory-new phone; a page says so beside it."""
    return settings().agent_apk_url is not None


def _agent() -> dict[str, Any]:
    here = settings()
    if not installs_agent():
        return {}
    return {
        COMPONENT: here.agent_admin_component,
        APK_URL: here.agent_apk_url,
        CHECKSUM: here.agent_signature_checksum,
        KEEP_SYSTEM_APPS: here.agent_keep_system_apps,
    }


def svg(code: str) -> bytes:
    """The QR code as an SVG document."""
    return _render(code, "svg", scale=SVG_SCALE, xmldecl=False)


def picture(code: str) -> str:
    """The QR code as SVG to stand within a page, as large as its place."""
    return _render(code, "svg", omitsize=True, xmldecl=False, svgns=False).decode()


def png(code: str) -> bytes:
    """The QR code as a PNG image."""
    return _render(code, "png", scale=PNG_SCALE)


def _render(code: str, kind: str, **options: Any) -> bytes:
    text = json.dumps(provisioning(code), separators=(",", ":"))
    target = io.BytesIO()
    segno.make_qr(text, error="m").save(target, kind=kind, **options)
    return target.getvalue()
