"""A large fleet straight into the tables: enrolling 100,000 phones one by one would measure something else."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from sqlalchemy import text

from core import clock
from core.crypto.jwk import public_to_der, thumbprint
from core.db import db, insert_rows
from core.uow import unit_of_work
from fleet.models import Device, Presence
from fleet.posture import signals
from identity.org import ROOT_ID
from mqtt.contract.heartbeat import Posture

CHUNK = 5000
PERMISSIONS = ("accessibility", "call_log", "sms", "notification", "overlay")
POSTURE = Posture(
    encrypted=True,
    passcode=True,
    rooted=False,
    developer_mode=False,
    agent_admin=True,
    permissions=dict.fromkeys(PERMISSIONS, True),
    sim=["ab" * 32],
    security_patch="2026-10-05",
)
"""What every phone's heartbeats have shown so far, and go on showing."""
ENROLLED_BY = "00000000-0000-4000-8000-000000000001"
HOUR_S = 3600


def make_ids(count: int, seed: int) -> list[str]:
    """Device ids, the same for the same seed."""
    source = random.Random(seed)
    return [str(uuid.UUID(int=source.getrandbits(128), version=4)) for _ in range(count)]


def insert_fleet(app: Flask, ids: Sequence[str], keys: Sequence[ec.EllipticCurvePublicKey] | None = None) -> None:
    """Insert phones that are active and online. Without keys of their own they all share one."""
    shared = ec.generate_private_key(ec.SECP256R1()).public_key()
    spread = random.Random(len(ids))
    with app.app_context():
        for start in range(0, len(ids), CHUNK):
            chunk = ids[start : start + CHUNK]
            own = keys[start : start + CHUNK] if keys else [shared] * len(chunk)
            with unit_of_work() as current:
                insert_rows(current, Device.__table__, list(_devices(chunk, own, start)))
                insert_rows(current, Presence.__table__, [_presence(one, spread) for one in chunk])
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))


def _devices(ids: Sequence[str], keys: Sequence[ec.EllipticCurvePublicKey], first: int) -> Iterator[dict[str, Any]]:
    now = clock.now()
    packed: dict[int, tuple[bytes, str]] = {}
    for number, (device_id, key) in enumerate(zip(ids, keys, strict=True), first):
        der, kid = packed.get(id(key)) or packed.setdefault(id(key), (public_to_der(key), thumbprint(key)))
        serial = f"BENCH{number:07d}"
        yield {
            "id": device_id,
            "state": "active",
            "state_since": now,
            "state_reason": "",
            "serial": serial,
            "imei": [],
            "manufacturer": "Xiaomi",
            "model": "23127PN0CC",
            "os": "android",
            "os_version": "15",
            "agent": "shouji-agent",
            "agent_version": "1.0.0",
            "specific_id": None,
            "attestation": None,
            "attestation_level": "none",
            "attestation_report": None,
            "attestation_basis": None,
            "search": f"{serial} xiaomi 23127pn0cc {device_id}".casefold(),
            "signing_key": der,
            "signing_kid": kid,
            "encryption_key": der,
            "encryption_kid": kid,
            "org_unit_id": ROOT_ID,
            "person_id": None,
            "holder_confirmed": False,
            "claimed_employee_no": None,
            "serial_confirmed_at": None,
            "notice_version": None,
            "token_id": ENROLLED_BY,
            "unit_from_token": False,
            "enrolled_at": now - timedelta(seconds=number),
            "certificate_expires_at": now + timedelta(days=90),
        }


def _presence(device_id: str, spread: random.Random) -> dict[str, Any]:
    """Online, with a kept heartbeat somewhere in the last half hour: about one in thirty is due for another."""
    now = clock.now()
    return {
        "device_id": device_id,
        "online": True,
        "connection": str(uuid.UUID(int=spread.getrandbits(128), version=4)),
        "since": now,
        "last_seen_at": now,
        "heartbeat_at": now - timedelta(seconds=60),
        # Rounds may lie minutes apart; nobody is to be marked offline in between.
        "expected_s": HOUR_S,
        "battery": 0.8,
        "charging": False,
        "network": "wifi",
        "storage_free": 20_000_000_000,
        "uptime_s": 1000,
        "queue_records": 0,
        "queue_oldest": None,
        "generation": 0,
        "bundle": None,
        "posture": POSTURE.model_dump(mode="json"),
        "signals": signals(POSTURE),
        "location": None,
        "location_at": None,
        "sampled_at": now - timedelta(seconds=spread.uniform(0, 1800)),
    }
