"""Places of the installation on disk."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

SOCKET_PATH_LIMIT = 100


def runtime_folder(data_dir: Path) -> Path:
    """The folder of sockets and pid files (0700): `run` in the data folder.

    Unix socket paths end at 108 bytes, so a deep data folder gets a short folder of its own under the temporary one.
    Raises PermissionError when somebody else owns that folder.
    """
    folder = data_dir / "run"
    if len(str(folder)) + 24 > SOCKET_PATH_LIMIT:
        digest = hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"shouji-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = folder.stat()
    if state.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    if stat.S_IMODE(state.st_mode) != 0o700:
        folder.chmod(0o700)
    return folder
