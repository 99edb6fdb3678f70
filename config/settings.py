"""Every setting of an installation: type, default, unit and one sentence each.

``config/loading.py`` says where they come from. ``docs/settings.md`` is generated from this file.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, field_validator, model_validator

PREFIX = "SHOUJI_"
FROM_ENVIRONMENT, FROM_FILE, FROM_DEFAULT = "environment", "file", "default"
_CHECKSUM = re.compile(r"[A-Za-z0-9_-]{43}")
_JAVA = r"[A-Za-z][A-Za-z0-9_]*"
_FILES = (
    "http_tls_cert",
    "http_tls_key",
    "mosquitto_path",
    "broker_ca_file",
    "smtp_ca_file",
    "attestation_roots",
    "attestation_revoked",
)
_DATABASES = ("sqlite:///", "postgresql+psycopg://")
_COMPONENT = re.compile(rf"{_JAVA}(\.{_JAVA})+/\.?{_JAVA}(\.{_JAVA})*")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Settings(BaseModel):
    """The whole configuration of one installation, read once at start and immutable after."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    _sources: dict[str, str] = PrivateAttr(default_factory=dict)

    data_dir: Path = Field(Path("var"), description="Folder of database, keys, broker files and media.")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged.")
    log_format: str = Field("text", pattern="^(text|json)$", description="`text` for people, `json` for collectors.")
    timezone: str = Field("Asia/Shanghai", description="Time zone of the organisation: pages show times in it.")

    http_host: str = Field("127.0.0.1", description="Address the web server listens on.")
    http_port: int = Field(8080, ge=1, le=65535, description="Port the web server listens on.")
    http_tls_cert: Path | None = Field(None, description="PEM certificate chain of the web server.")
    http_tls_key: Path | None = Field(None, description="PEM private key of the web server.")
    http_proxy: bool = Field(
        False, description="A reverse proxy ends TLS in front of the web server and sets X-Forwarded-*."
    )
    web_workers: int = Field(2, ge=1, le=16, description="Web server processes.")
    web_threads: int = Field(64, ge=4, le=256, description="Threads of each web server process; a live page holds one.")
    public_url: str | None = Field(
        None, description="Address that people and phones use; default: scheme, host and port above."
    )

    mqtt_host: str = Field("127.0.0.1", description="Address the managed broker listens on for phones.")
    mqtt_port: int = Field(8883, ge=1, le=65535, description="Port the managed broker listens on for phones.")
    mqtt_public_host: str | None = Field(
        None, description="Broker host that phones are told; it stands in the broker's certificate."
    )
    mqtt_public_port: int | None = Field(None, ge=1, le=65535, description="Broker port that phones are told.")
    mosquitto_path: Path | None = Field(
        None, description="The mosquitto program; default: found on PATH or in /usr/sbin."
    )
    broker_url: SecretStr | None = Field(
        None,
        description="An outside broker for the server's own clients: `mqtts://user:password@host:port` or `unix://user:password@/path.sock`.",
    )
    broker_ca_file: Path | None = Field(None, description="PEM CA that signed the outside broker's service listener.")
    broker_crl_path: Path | None = Field(
        None, description="Outside broker: file that the revocation list is written to."
    )
    broker_reload_command: str | None = Field(
        None, description="Outside broker: command run after the list changed, without a shell."
    )

    database_url: SecretStr | None = Field(
        None,
        description="Database, `postgresql+psycopg://…` or `sqlite:///…`; default: SQLite in the data folder.",
    )
    key_ring: Path | None = Field(
        None, description="Folder of the installation's keys; default: `keys` in the data folder."
    )
    admin_password: SecretStr | None = Field(
        None,
        description="Creates the first administrator `admin` with this password instead of a setup link.",
    )

    approver_min_age: int = Field(
        86400,
        ge=0,
        description="Seconds an approver's account and roles must be older than.",
    )
    approval_to_loosen: bool = Field(
        True, description="Whether whatever makes an effective policy looser waits for a second person."
    )
    approval_lifetime: int = Field(86400, ge=60, description="Seconds after which an unanswered approval lapses.")
    wipe_cap_per_person: int = Field(20, ge=0, description="Phones one person may wipe or revoke in an hour.")
    wipe_cap_total: int = Field(100, ge=0, description="Phones all people together may wipe or revoke in an hour.")
    bulk_lock_threshold: int = Field(10, ge=0, description="A lock of more phones than this counts as destructive.")
    unstaged_limit: int = Field(
        100,
        ge=0,
        description="Phones that a change of assignment, group or unit may touch without a rollout.",
    )
    unconfirmed_after: int = Field(
        86400, ge=60, description="Seconds after which a wipe without a last word becomes `unconfirmed`."
    )
    session_lifetime: int = Field(43200, ge=300, description="Seconds a console session lives.")
    access_token_lifetime: int = Field(900, ge=60, le=3600, description="Seconds an API access token lives.")
    sign_in_limit: str = Field(
        "10 per minute",
        pattern=r"^[1-9][0-9]{0,5} per minute$",
        description="Failed sign-in attempts allowed per address, as `N per minute`.",
    )

    agent_apk_url: str | None = Field(
        None,
        description="https address of the agent's APK for new phones; with the two below it goes into QR codes.",
    )
    agent_signature_checksum: str | None = Field(
        None,
        description="SHA-256 of the certificate that signed the APK, base64url without padding.",
    )
    agent_admin_component: str | None = Field(
        None,
        description="The agent's device admin receiver, `package/class`, such as `com.example.agent/.AdminReceiver`.",
    )
    attestation: str = Field(
        "optional",
        pattern="^(optional|required)$",
        description="`required`: a phone that does not prove its signing key to lie in hardware is not enrolled.",
    )
    attestation_roots: Path | None = Field(
        None, description="PEM file of the roots that key attestations may end at; unset: none is verified."
    )
    attestation_revoked: Path | None = Field(
        None,
        description="JSON file of revoked serials (Android's attestation status list); read anew when it changes.",
    )
    agent_keep_system_apps: bool = Field(
        True, description="QR codes let the phone keep its preinstalled apps, its dialler among them."
    )
    import_max_bytes: int = Field(
        8_000_000, ge=1024, le=8_000_000, description="Largest file, in bytes, that an import takes."
    )
    import_max_rows: int = Field(50_000, ge=1, le=200_000, description="Most rows that an import takes.")

    device_message_rate: int = Field(50, ge=1, description="Messages a second a phone may keep sending (PROTOCOL 4).")
    device_byte_rate: int = Field(
        1_048_576, ge=1024, description="Bytes a second a phone may keep sending (PROTOCOL 4)."
    )
    device_certificate_days: int = Field(90, ge=1, le=397, description="Days a device certificate lives (PROTOCOL 2).")
    hello_interval: int = Field(
        30, ge=0, description="Seconds between two answers to hellos of one phone start (PROTOCOL 5)."
    )
    silent_after: int = Field(
        3600, ge=60, description="Seconds without a heartbeat (and at least three missed) that are shown as silence."
    )
    hello_overdue_after: int = Field(
        86_400, ge=3600, description="Seconds without a hello signed by the phone that are a finding."
    )
    policy_overdue_after: int = Field(
        14_400, ge=60, description="Seconds a phone has to apply its policy before that is a finding."
    )
    ladder_locks_per_hour: int = Field(
        50, ge=0, description="Phones that the compliance ladder may lock in an hour; the others wait for the next."
    )
    heartbeat_history_minutes: int = Field(30, ge=1, description="Minutes between two kept heartbeats of a phone.")
    metrics_token: SecretStr | None = Field(None, description="Bearer token of /metrics; unset: loopback callers only.")

    timeline_days: int = Field(
        1095, ge=30, description="Days that lines of a phone's timeline are kept; the audit log is kept for ever."
    )
    outbound_networks: str = Field(
        "",
        description="Inner networks that webhooks and bots may reach, in the clear too: `10.1.0.0/16,127.0.0.1/32`.",
    )
    smtp_host: str | None = Field(None, description="Mail server for notifications; unset: no mail is sent.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: str = Field(
        "starttls",
        pattern="^(starttls|tls|none)$",
        description="`starttls`, `tls` from the first byte, or `none` (without a password, for a relay beside us).",
    )
    smtp_username: str | None = Field(None, description="User name at the mail server.")
    smtp_password: SecretStr | None = Field(None, description="Password at the mail server.")
    smtp_from: str | None = Field(None, description="Sender's address of mails; needed with SHOUJI_SMTP_HOST.")
    smtp_ca_file: Path | None = Field(None, description="PEM CA that signed the mail server's certificate.")

    @field_validator(
        "data_dir",
        "key_ring",
        "http_tls_cert",
        "http_tls_key",
        "broker_crl_path",
        "broker_ca_file",
        "smtp_ca_file",
        "attestation_roots",
        "attestation_revoked",
    )
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else None

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(_DATABASES):
            raise ValueError(f"must start with {' or '.join(_DATABASES)}")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("expected an IANA zone such as Asia/Shanghai")
        return value

    @field_validator("outbound_networks")
    @classmethod
    def _known_networks(cls, value: str) -> str:
        for part in _parts(value):
            try:
                ipaddress.ip_network(part)
            except ValueError:
                raise ValueError(f"{part} is no network such as 10.1.0.0/16") from None
        return value

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        if self.smtp_host and not self.smtp_from:
            raise ValueError("SHOUJI_SMTP_HOST needs SHOUJI_SMTP_FROM")
        if self.smtp_password and self.smtp_security == "none":
            raise ValueError(
                "SHOUJI_SMTP_PASSWORD is not sent in the clear: set SHOUJI_SMTP_SECURITY to starttls or tls"
            )
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if bool(self.http_tls_cert) != bool(self.http_tls_key):
            raise ValueError("SHOUJI_HTTP_TLS_CERT and SHOUJI_HTTP_TLS_KEY go together")
        for name in _FILES:
            file = getattr(self, name)
            if file and not file.is_file():
                raise ValueError(f"{PREFIX}{name.upper()}: {file} is not a file")
        if self.attestation == "required" and not self.attestation_roots:
            raise ValueError("SHOUJI_ATTESTATION=required needs SHOUJI_ATTESTATION_ROOTS")
        if not _is_loopback(self.http_host) and not self.http_tls_cert and not self.http_proxy:
            raise ValueError(
                f"SHOUJI_HTTP_HOST={self.http_host} listens beyond loopback: set SHOUJI_HTTP_TLS_CERT and "
                "SHOUJI_HTTP_TLS_KEY, or declare a TLS proxy in front with SHOUJI_HTTP_PROXY=true"
            )
        if self.public_url:
            public = urlsplit(self.public_url)
            if public.scheme not in ("http", "https") or not public.hostname:
                raise ValueError("SHOUJI_PUBLIC_URL must be http:// or https:// with a host")
        _check_agent(self.agent_apk_url, self.agent_signature_checksum, self.agent_admin_component)
        if self.broker_url and not self.broker_crl_path:
            raise ValueError("SHOUJI_BROKER_URL needs SHOUJI_BROKER_CRL_PATH and SHOUJI_BROKER_RELOAD_COMMAND")
        return self

    def source_of(self, name: str) -> str:
        """Where the value of a setting comes from: `environment`, `file` or `default`."""
        return self._sources.get(name, FROM_DEFAULT)

    def _from(self, sources: dict[str, str]) -> Self:
        self._sources.update(sources)
        return self

    @property
    def sign_in_failures(self) -> int:
        """Failed sign-in attempts a minute of one address."""
        return int(self.sign_in_limit.split()[0])

    @property
    def base_url(self) -> str:
        """Address that people and phones use, without a slash at the end."""
        scheme = "https" if self.http_tls_cert else "http"
        return (self.public_url or f"{scheme}://{self.http_host}:{self.http_port}").rstrip("/")

    @property
    def database(self) -> str:
        """The SQLAlchemy address in force."""
        return self.database_url.get_secret_value() if self.database_url else f"sqlite:///{self.data_dir / 'shouji.db'}"

    @property
    def keys_dir(self) -> Path:
        """Folder of the key ring in force."""
        return self.key_ring or self.data_dir / "keys"

    @property
    def outbound_allowed(self) -> tuple[Network, ...]:
        """Networks beyond the public internet that may be called."""
        return tuple(ipaddress.ip_network(part) for part in _parts(self.outbound_networks))

    @property
    def broker_host_for_phones(self) -> str:
        """Host that phones are told and that stands in the broker's certificate."""
        return self.mqtt_public_host or self.mqtt_host

    @property
    def broker_port_for_phones(self) -> int:
        """Port that phones are told."""
        return self.mqtt_public_port or self.mqtt_port


def _check_agent(apk_url: str | None, checksum: str | None, component: str | None) -> None:
    """A phone refuses a QR code of which one part is missing or wrong only after its reset, so it is said here."""
    if not (apk_url or checksum or component):
        return
    if not (apk_url and checksum and component):
        raise ValueError(
            "SHOUJI_AGENT_APK_URL, SHOUJI_AGENT_SIGNATURE_CHECKSUM and SHOUJI_AGENT_ADMIN_COMPONENT go together"
        )
    address = urlsplit(apk_url)
    if address.scheme != "https" or not address.hostname or any(char.isspace() for char in apk_url):
        raise ValueError("SHOUJI_AGENT_APK_URL must be an https:// address")
    if not _CHECKSUM.fullmatch(checksum):
        raise ValueError(
            "SHOUJI_AGENT_SIGNATURE_CHECKSUM must be the 43 base64url characters of a SHA-256, without padding; "
            "from hex: echo HEX | xxd -r -p | openssl base64 -A | tr '+/' '-_' | tr -d '='"
        )
    if not _COMPONENT.fullmatch(component):
        raise ValueError("SHOUJI_AGENT_ADMIN_COMPONENT must be package/class, such as com.example.agent/.AdminReceiver")


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
