"""Where the server's own clients find the broker."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from config.settings import Settings
from core.text import Text
from mqtt.broker.errors import BrokerUnusable
from mqtt.broker.files import BrokerFiles
from mqtt.broker.passwords import service_passwords
from mqtt.broker.types import UNIX_PORT, ServiceEndpoint, ServiceUser

DEFAULT_PORT = 8883


def service_endpoint(settings: Settings, user: ServiceUser) -> ServiceEndpoint:
    """The endpoint of one service user; an outside broker has one user for all. Raises BrokerUnusable."""
    if settings.broker_url:
        return outside_endpoint(settings)
    files = BrokerFiles.in_data_dir(settings.data_dir)
    return ServiceEndpoint("unix", str(files.socket), UNIX_PORT, user, service_passwords(files)[user])


def outside_endpoint(settings: Settings) -> ServiceEndpoint:
    """Read SHOUJI_BROKER_URL: `mqtts://user:password@host:port`, or `unix://user:password@/path/of.sock`.

    Raises BrokerUnusable for anything else.
    """
    url = urlsplit(settings.broker_url.get_secret_value() if settings.broker_url else "")
    username, password = unquote(url.username or ""), unquote(url.password or "")
    if username and password and url.scheme == "mqtts" and url.hostname:
        port = url.port or DEFAULT_PORT
        return ServiceEndpoint("tcp", url.hostname, port, username, password, True, settings.broker_ca_file)
    if username and password and url.scheme == "unix" and url.path.startswith("/"):
        return ServiceEndpoint("unix", unquote(url.path), UNIX_PORT, username, password)
    raise BrokerUnusable(
        Text(
            "SHOUJI_BROKER_URL 应为 mqtts://用户:密码@主机:端口 或 unix://用户:密码@/套接字路径。",
            "SHOUJI_BROKER_URL must be mqtts://user:password@host:port or unix://user:password@/path/of.sock.",
        )
    )
