from __future__ import annotations

import pytest

from config.settings import Settings
from fleet import qr
from tests.fleet.company import Company

AGENT = {
    "agent_apk_url": "https://phones.example/agent.apk",
    "agent_signature_checksum": "A" * 43,
    "agent_admin_component": "com.example.agent/.AdminReceiver",
}


def test_without_an_apk_the_code_holds_the_agents_extras_alone(company: Company) -> None:
    made = company.post("/enrollment-tokens", {}).json
    assert set(made["qr"]) == {qr.EXTRAS}
    assert set(made["qr"][qr.EXTRAS]) == {"server", "code", "ca_sha256", "key_sha256"}
    assert not qr.installs_agent()


def test_with_an_apk_the_code_makes_a_new_phone_fetch_the_agent(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qr, "settings", lambda: Settings(**AGENT))  # type: ignore[arg-type]
    made = company.post("/enrollment-tokens", {}).json["qr"]
    prefix = "android.app.extra.PROVISIONING_"
    assert made == {
        f"{prefix}DEVICE_ADMIN_COMPONENT_NAME": "com.example.agent/.AdminReceiver",
        f"{prefix}DEVICE_ADMIN_PACKAGE_DOWNLOAD_LOCATION": "https://phones.example/agent.apk",
        f"{prefix}DEVICE_ADMIN_SIGNATURE_CHECKSUM": "A" * 43,
        f"{prefix}LEAVE_ALL_SYSTEM_APPS_ENABLED": True,
        f"{prefix}ADMIN_EXTRAS_BUNDLE": made[qr.EXTRAS],
    }
    assert qr.svg("0" * 26).startswith(b"<svg")
