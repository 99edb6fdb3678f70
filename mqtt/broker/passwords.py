"""Passwords of the server's own clients, and their hashes in Mosquitto's format."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from core.files import replace_file
from core.ids import new_token
from mqtt.broker.files import BrokerFiles
from mqtt.broker.types import SERVICE_USERS, ServiceUser

ITERATIONS = 101
"""Mosquitto's own figure; these passwords are 130 random bits, so stretching would add nothing."""
HASH_BYTES = 64
SALT_BYTES = 12


def service_passwords(files: BrokerFiles) -> dict[ServiceUser, str]:
    """The password of each service user, made on first use."""
    return {user: _password(files, user) for user in SERVICE_USERS}


def password_file(passwords: Mapping[ServiceUser, str]) -> str:
    """Mosquitto's password file. The same passwords give the same text, so that a changed file is noticed."""
    return "".join(f"{user}:{hash_password(user, password)}\n" for user, password in passwords.items())


def _password(files: BrokerFiles, user: ServiceUser) -> str:
    path = files.service_password(user)
    if not path.exists():
        with files.change():
            if not path.exists():
                replace_file(path, new_token().encode())
    return path.read_text()


def hash_password(user: str, password: str) -> str:
    """One user's password in Mosquitto's `$7$` form (PBKDF2 with SHA-512)."""
    # A salt keeps equal passwords from looking equal; one drawn from the secret itself does that too.
    salt = hashlib.sha256(f"shouji broker {user} {password}".encode()).digest()[:SALT_BYTES]
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS, HASH_BYTES)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
