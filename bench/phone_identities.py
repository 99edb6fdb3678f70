"""Identities for light phones: keys of their own, certificates of the installation's CA, rows in its tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench import fleet_rows
from bench.installation import Installation

DAYS = 7


@dataclass(frozen=True)
class Identities:
    """A folder with `ca.pem`, one PEM file for each phone (certificate and key), and the ids in the same order."""

    folder: Path
    ids: list[str]


def make(here: Installation, count: int, seed: int = 2) -> Identities:
    """Make phones that are enrolled as far as tables and certificates go."""
    folder = here.folder / "phones"
    folder.mkdir()
    ca = here.app.extensions["shouji"].ca
    (folder / "ca.pem").write_text(ca.pem)
    ids = fleet_rows.make_ids(count, seed)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in ids]
    for device_id, key in zip(ids, keys, strict=True):
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        issued = ca.issue_device(key.public_key(), device_id, DAYS)
        (folder / f"{device_id}.pem").write_text(issued.pem + private.decode())
    (folder / "ids").write_text("\n".join(ids))
    fleet_rows.insert_fleet(here.app, ids, [key.public_key() for key in keys])
    return Identities(folder, ids)
