"""The file of a backup: a tar with a manifest first, and what the manifest names with its digests."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from operations.errors import not_a_backup

FORMAT = 1
MANIFEST, DATABASE, WITNESS = "manifest.json", "database", "witness.jsonl"
MANIFEST_LIMIT = 64 * 1024
FAST = 1


class Manifest(BaseModel):
    """What a backup is and holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    made_at: str
    dialect: str
    schema_revision: str
    audit_seq: int
    audit_hash: str
    ca_fingerprint: str
    digests: dict[str, str]


def digest(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(target: Path, manifest: Manifest, parts: Mapping[str, Path]) -> None:
    """Write the file whole (0600) or not at all."""
    draft = target.with_name(f".{target.name}.part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as raw:
            with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=FAST) as tar:
                _fill(tar, manifest, parts)
            raw.flush()
            os.fsync(raw.fileno())
        draft.rename(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _fill(tar: tarfile.TarFile, manifest: Manifest, parts: Mapping[str, Path]) -> None:
    text = manifest.model_dump_json(indent=1).encode()
    member = tarfile.TarInfo(MANIFEST)
    member.size, member.mode = len(text), 0o600
    tar.addfile(member, io.BytesIO(text))
    for name, path in parts.items():
        tar.add(path, arcname=name, recursive=False)


@contextmanager
def opened(source: Path) -> Iterator[tuple[Manifest, Path]]:
    """The manifest, and a folder with the parts, each checked against its digest. Raises Invalid."""
    with TemporaryDirectory(prefix="shouji-backup-", dir=source.parent) as folder:
        try:
            manifest = _unpack(source, Path(folder))
        except (OSError, EOFError, tarfile.TarError, ValidationError) as error:
            raise not_a_backup(type(error).__name__) from error
        for name, expected in manifest.digests.items():
            if not (Path(folder) / name).is_file() or digest(Path(folder) / name) != expected:
                raise not_a_backup(f"{name} is missing or was changed")
        yield manifest, Path(folder)


def _unpack(source: Path, folder: Path) -> Manifest:
    with tarfile.open(source, mode="r|gz") as tar:
        first = tar.next()
        if first is None or first.name != MANIFEST or first.size > MANIFEST_LIMIT:
            raise not_a_backup("it has no manifest")
        manifest = Manifest.model_validate_json(_content(tar, first).read())
        if manifest.format != FORMAT:
            raise not_a_backup(f"its format {manifest.format} is not known to this version")
        for member in tar:
            if member.name in manifest.digests and member.name in (DATABASE, WITNESS) and member.isreg():
                with (folder / member.name).open("wb") as file:
                    _pour(_content(tar, member), file)
        return manifest


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member)
    if content is None:
        raise not_a_backup(f"{member.name} is not a file")
    return content


def _pour(source: IO[bytes], target: IO[bytes]) -> None:
    while piece := source.read(1 << 20):
        target.write(piece)
