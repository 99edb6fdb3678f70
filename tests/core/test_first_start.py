"""Processes that start together on an empty folder agree on every key and on the CA."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from core.crypto.keyring import KeyRing
from core.crypto.x509 import CertificateAuthority

PROCESSES = 8


def test_whoever_starts_at_the_same_moment_uses_the_same_keys_and_the_same_ca(tmp_path: Path) -> None:
    for attempt in range(5):
        folder, together = tmp_path / str(attempt), threading.Barrier(PROCESSES)

        def start(folder: Path = folder, together: threading.Barrier = together) -> tuple[str, str, str, bytes]:
            ring = KeyRing.open(folder)
            together.wait()
            authority = CertificateAuthority(ring, "http://127.0.0.1/pki/crl.der")
            keys = ring.staff_keys()[0].kid, ring.encryption_keys()[0].kid
            return authority.fingerprint, *keys, ring.seal_key()

        with ThreadPoolExecutor(PROCESSES) as pool:
            seen = {future.result() for future in [pool.submit(start) for _ in range(PROCESSES)]}
        assert len(seen) == 1
        assert {path.name for path in (folder / "ca").iterdir()} == {"ca-1.pem", "ca.pem"}
