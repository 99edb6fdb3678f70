from __future__ import annotations

from pathlib import Path

import pytest

from config.loading import SettingsError, load

AGENT = {
    "SHOUJI_AGENT_APK_URL": "https://phones.example/agent.apk",
    "SHOUJI_AGENT_SIGNATURE_CHECKSUM": "A" * 43,
    "SHOUJI_AGENT_ADMIN_COMPONENT": "com.example.agent/.AdminReceiver",
}


def test_a_whole_set_of_agent_settings_is_taken() -> None:
    assert load(AGENT).agent_admin_component == "com.example.agent/.AdminReceiver"
    assert load({}).agent_apk_url is None


def test_defaults_need_nothing() -> None:
    settings = load({})
    assert settings.base_url == "http://127.0.0.1:8080"
    assert settings.database.endswith("/var/shouji.db")
    assert (settings.broker_host_for_phones, settings.broker_port_for_phones) == ("127.0.0.1", 8883)


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"SHOUJI_HTTP_PRT": "8081"}, "SHOUJI_HTTP_PRT: unknown setting"),
        ({"SHOUJI_HTTP_PORT": "0"}, "SHOUJI_HTTP_PORT"),
        ({"SHOUJI_HTTP_PORT": "many"}, "SHOUJI_HTTP_PORT"),
        ({"SHOUJI_TIMEZONE": "Mars/Base"}, "SHOUJI_TIMEZONE"),
        ({"SHOUJI_HTTP_HOST": "0.0.0.0"}, "SHOUJI_HTTP_PROXY"),
        ({"SHOUJI_HTTP_HOST": "phones.example"}, "listens beyond loopback"),
        ({"SHOUJI_HTTP_TLS_CERT": "/nowhere.pem"}, "go together"),
        ({"SHOUJI_PUBLIC_URL": "ftp://x"}, "SHOUJI_PUBLIC_URL"),
        ({"SHOUJI_PUBLIC_URL": "https://"}, "with a host"),
        ({"SHOUJI_DATABASE_URL": "postgresql://u:p@h/d"}, r"SHOUJI_DATABASE_URL: must start with"),
        ({"SHOUJI_DATABASE_URL": "nonsense"}, "SHOUJI_DATABASE_URL"),
        ({"SHOUJI_MOSQUITTO_PATH": "/nowhere"}, "SHOUJI_MOSQUITTO_PATH: /nowhere is not a file"),
        ({"SHOUJI_ATTESTATION": "maybe"}, "SHOUJI_ATTESTATION"),
        ({"SHOUJI_ATTESTATION": "required"}, "needs SHOUJI_ATTESTATION_ROOTS"),
        ({"SHOUJI_ATTESTATION_ROOTS": "/nowhere.pem"}, "SHOUJI_ATTESTATION_ROOTS: /nowhere.pem is not a file"),
        ({"SHOUJI_CONFIG_FILE": "/nowhere.toml"}, "SHOUJI_CONFIG_FILE"),
        ({"SHOUJI_AGENT_APK_URL": "https://x.example/a.apk"}, "go together"),
        ({**AGENT, "SHOUJI_AGENT_APK_URL": "http://x.example/a.apk"}, "https"),
        ({**AGENT, "SHOUJI_AGENT_APK_URL": "https:///a.apk"}, "https"),
        ({**AGENT, "SHOUJI_AGENT_SIGNATURE_CHECKSUM": "ab" * 32}, "43 base64url"),
        ({**AGENT, "SHOUJI_AGENT_SIGNATURE_CHECKSUM": "A" * 43 + "="}, "43 base64url"),
        ({**AGENT, "SHOUJI_AGENT_ADMIN_COMPONENT": "com.example.agent"}, "package/class"),
        ({"SHOUJI_IMPORT_MAX_ROWS": "0"}, "SHOUJI_IMPORT_MAX_ROWS"),
    ],
)
def test_a_wrong_or_unknown_setting_stops_the_start_and_is_named(environ: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load(environ)


def test_all_wrong_settings_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"SHOUJI_HTTP_PORT": "x", "SHOUJI_MQTT_PORT": "y", "SHOUJI_NONSENSE": "1"})
    assert len(str(caught.value).splitlines()) == 3


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "shouji.toml"
    file.write_text('http_port = 9000\nmqtt_port = 9001\nlog_level = "DEBUG"\n')
    settings = load({"SHOUJI_CONFIG_FILE": str(file), "SHOUJI_HTTP_PORT": "9100"})
    assert (settings.http_port, settings.mqtt_port, settings.log_level) == (9100, 9001, "DEBUG")


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "shouji.toml"
    file.write_text("http_port = \n")
    with pytest.raises(SettingsError, match=r"shouji\.toml"):
        load({"SHOUJI_CONFIG_FILE": str(file)})


def test_beyond_loopback_is_fine_behind_a_declared_proxy() -> None:
    settings = load({"SHOUJI_HTTP_HOST": "0.0.0.0", "SHOUJI_HTTP_PROXY": "true"})
    assert settings.http_host == "0.0.0.0"


def test_secrets_are_not_shown() -> None:
    settings = load({"SHOUJI_ADMIN_PASSWORD": "correct horse battery"})
    assert "correct horse" not in repr(settings)
