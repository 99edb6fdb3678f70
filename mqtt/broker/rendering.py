"""mosquitto.conf from its template in config/broker/."""

from __future__ import annotations

import getpass
import os
import pwd
from pathlib import Path
from string import Template

from config.settings import Settings
from core.text import Text
from mqtt.broker.errors import BrokerUnusable
from mqtt.broker.files import BrokerFiles

TEMPLATE = Path(__file__).parents[2] / "config" / "broker" / "mosquitto.conf.template"
MESSAGE_SIZE_LIMIT = 262_144
"""Bytes; over the protocol's own limit of 200,000, so that a correct sender never meets it."""
QUEUE_BYTES = 512 * 1024 * 1024
"""What one client may leave waiting in the broker."""


def mosquitto_conf(settings: Settings, files: BrokerFiles) -> str:
    """The whole configuration. Raises BrokerUnusable when a path could not be written into it."""
    values = {
        "store": files.store,
        "socket": files.socket,
        "passwords": files.passwords,
        "acl": files.acl,
        "ca": files.ca,
        "certificate": files.certificate,
        "crl": files.crl,
    }
    for path in values.values():
        _writable_in_a_line(path)
    return Template(TEMPLATE.read_text("utf-8")).substitute(
        values,
        system_user=_system_user(),
        host=settings.mqtt_host,
        port=settings.mqtt_port,
        message_size_limit=MESSAGE_SIZE_LIMIT,
        queue_bytes=QUEUE_BYTES,
    )


def _system_user() -> str:
    # Mosquitto started by root changes to its own user unless told otherwise, and could not read these files.
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return getpass.getuser()


def _writable_in_a_line(path: Path) -> None:
    if any(character in str(path) for character in "\n\r\0") or str(path) != str(path).strip():
        raise BrokerUnusable(
            Text(
                "SHOUJI_DATA_DIR 含有消息服务器配置文件无法写下的字符。",
                "SHOUJI_DATA_DIR has characters that cannot stand in the broker's configuration.",
            )
        )
