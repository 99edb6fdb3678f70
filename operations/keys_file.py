"""The key ring in one file that a passphrase opens; it lies apart from the backup that it opens."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from core.crypto.passphrase import open_sealed, seal
from core.files import replace_file
from operations.errors import not_a_backup, weak_passphrase, wrong_passphrase

LEAST_PASSPHRASE = 12
FOLDERS = ("server", "worker", "ca")


def require_strength(passphrase: str) -> None:
    """Raise Invalid for a passphrase that is too short for what it protects."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise weak_passphrase(LEAST_PASSPHRASE)


def write(target: Path, ring: Path, passphrase: str) -> None:
    """Seal all keys of a ring into a file (0600)."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in sorted(ring.rglob("*")):
            if path.is_file():
                tar.add(path, arcname=str(path.relative_to(ring)), recursive=False)
    replace_file(target, seal(packed.getvalue(), passphrase))


def read(source: Path, passphrase: str, ring: Path) -> None:
    """Bring the keys into an empty ring. Raises Invalid when the passphrase is another one."""
    try:
        plain = open_sealed(source.read_bytes(), passphrase)
    except ValueError as error:
        raise wrong_passphrase() from error
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r") as tar:
        for member in tar:
            place = Path(member.name)
            content = tar.extractfile(member) if member.isreg() else None
            if content is None or len(place.parts) != 2 or place.parts[0] not in FOLDERS:
                raise not_a_backup(f"{member.name} is no key")
            (ring / place.parts[0]).mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(ring / place, content.read())


def is_unused(ring: Path) -> bool:
    """Whether nothing was ever signed with the keys there: a command that merely looks makes some, but no CA."""
    return not any((ring / "ca").glob("*"))
