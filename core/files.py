"""Files that are written whole, and where sockets lie."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
from pathlib import Path

SOCKET_PATH_LIMIT = 107
SHORT_ROOT = Path("/tmp")  # noqa: S108 -- the folder made in it is 0700 and checked to be ours


def replace_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file whole: on the disk under another name first, then renamed. A reader sees old or new bytes."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def create_file(path: Path, content: bytes) -> None:
    """Create a private file (0600) whole, or leave the one that another process has just made."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    replace_file(draft, content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def holds(path: Path, content: bytes) -> bool:
    """Whether the file is there with exactly this content."""
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def socket_path(folder: Path, name: str) -> Path:
    """Where the unix socket of that name lies: in the folder, or in a short one when that path is too long for sockets.

    Raises PermissionError, with the folder as its `filename`, when the short folder is not this user's alone.
    """
    path = folder / name
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    short = SHORT_ROOT / f"shouji-{os.geteuid()}-{digest}"
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != 0o700:
        raise PermissionError(errno.EPERM, "not a private folder of this user", str(short))
    return short / name
