"""The key ring: a folder of key files (0600) that are made once and rolled over by adding newer ones.

Three purposes lie in three sub-folders, so that each process can be given what it needs and no more:
`server/` (sealing, blind index, bundle secret, staff tokens, encryption), `worker/` (what phones obey), `ca/`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core.crypto.jwk import SigningKey, private_pem, thumbprint
from core.files import create_file, replace_file

SYMMETRIC_BYTES = 32


class KeyRing:
    """Opens, and on first use makes, the keys of one installation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._cached: dict[str, bytes] = {}

    @classmethod
    def open(cls, folder: Path) -> KeyRing:
        """Open the ring in the given folder, making the folder (0700) when it is missing."""
        for sub in ("server", "worker", "ca"):
            (folder / sub).mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        return cls(folder)

    def secret(self, name: str) -> bytes:
        """The 32-byte secret of that name in `server/`."""
        if name not in self._cached:
            self._cached[name] = self._file(f"server/{name}.key", lambda: secrets.token_bytes(SYMMETRIC_BYTES))
        return self._cached[name]

    def seal_key(self) -> bytes:
        """Key of everything that is kept sealed."""
        return self.secret("seal")

    def blind_key(self) -> bytes:
        """Key of blind indexes."""
        return self.secret("blind")

    def bundle_secret(self) -> bytes:
        """Secret that blob keys derive from (PROTOCOL 7)."""
        return self.secret("bundle")

    def web_secret(self) -> bytes:
        """Secret of form tokens."""
        return self.secret("web")

    def staff_keys(self) -> list[SigningKey]:
        """Keys of staff access tokens, newest first; they share nothing with device keys."""
        return self._pairs("server", "staff")

    def encryption_keys(self) -> list[SigningKey]:
        """Server encryption keys (`use` `enc`), newest first."""
        return self._pairs("server", "enc")

    def signing_keys(self) -> list[SigningKey]:
        """Keys that phones obey: the current one first, then older ones. Only the worker calls this."""
        return self._pairs("worker", "sig")

    def standby_key(self) -> SigningKey:
        """The sig key that takes over at the next roll-over; published from the start."""
        return self._pairs("worker", "standby")[0]

    def ca_key(self) -> ec.EllipticCurvePrivateKey:
        """Private key of the fleet CA."""
        return self._pairs("ca", "ca")[0].private

    def roll_signing(self) -> str:
        """Make the standby key the current one and a fresh standby; returns the new current kid."""
        folder = self.folder / "worker"
        newest = max(int(path.stem.split("-")[1]) for path in folder.glob("sig-*.pem"))
        (folder / "standby-1.pem").rename(folder / f"sig-{newest + 1}.pem")
        self.publish()
        return self.signing_keys()[0].kid

    def roll_encryption(self) -> str:
        """Add a newer server encryption key; older ones still open what is on its way."""
        return self._add("server", "enc").kid

    def publish(self) -> None:
        """Write the public halves of the worker's keys where the web process may read them."""
        keys = [*self.signing_keys(), self.standby_key()]
        pem = b"".join(key.public_pem() for key in keys)
        replace_file(self.folder / "server" / "sig-public.pem", pem)

    def public_signing(self) -> list[ec.EllipticCurvePublicKey]:
        """Public sig keys, the current one first; needs no worker key. Empty before the worker's first start."""
        path = self.folder / "server" / "sig-public.pem"
        if not path.exists():
            return []
        marker = b"-----BEGIN PUBLIC KEY-----"
        parts = [marker + part for part in path.read_bytes().split(marker) if part.strip()]
        loaded = [serialization.load_pem_public_key(part) for part in parts]
        return [key for key in loaded if isinstance(key, ec.EllipticCurvePublicKey)]

    def _pairs(self, sub: str, name: str) -> list[SigningKey]:
        folder = self.folder / sub
        paths = sorted(folder.glob(f"{name}-*.pem"), key=lambda path: -int(path.stem.split("-")[1]))
        return [_load(str(path), path.stat().st_mtime_ns) for path in paths] or [self._make(sub, name, 1)]

    def _add(self, sub: str, name: str) -> SigningKey:
        folder = self.folder / sub
        numbers = (int(path.stem.split("-")[1]) for path in folder.glob(f"{name}-*.pem"))
        return self._make(sub, name, max(numbers, default=0) + 1)

    def _make(self, sub: str, name: str, number: int) -> SigningKey:
        path = self.folder / sub / f"{name}-{number}.pem"
        self._file(f"{sub}/{path.name}", _new_pem)
        return _load(str(path), path.stat().st_mtime_ns)

    def _file(self, name: str, make: Callable[[], bytes]) -> bytes:
        path = self.folder / name
        if not path.exists():
            create_file(path, make())
        return path.read_bytes()


def _new_pem() -> bytes:
    return private_pem(ec.generate_private_key(ec.SECP256R1()))


@cache
def _load(path: str, _modified: int) -> SigningKey:
    key = serialization.load_pem_private_key(Path(path).read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path} is not an EC key")
    return SigningKey(key, thumbprint(key.public_key()))
