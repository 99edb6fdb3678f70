"""State on disk: one SQLite file, values sealed, every step one transaction, safe to stop at any moment.

One file holds one phone or a whole fleet; a phone sees its own rows through `PhoneStore`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.crypto import Sealer, new_sealing_key
from mqtt.contract import codec

_SCHEMA = """
CREATE TABLE IF NOT EXISTS phones (slot TEXT PRIMARY KEY, device_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS facts (
    phone TEXT, name TEXT, value BLOB NOT NULL, PRIMARY KEY (phone, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commands (
    phone TEXT, jti TEXT, position INTEGER NOT NULL, done INTEGER NOT NULL, acknowledged INTEGER NOT NULL,
    value BLOB NOT NULL, PRIMARY KEY (phone, jti)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS open_commands ON commands (phone, position) WHERE done = 0 OR acknowledged = 0;
CREATE TABLE IF NOT EXISTS records (
    phone TEXT, seq INTEGER, head BLOB NOT NULL, archived_at REAL, value BLOB NOT NULL,
    PRIMARY KEY (phone, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS media (
    phone TEXT, sha256 TEXT, seq INTEGER, type TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (phone, sha256)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (digest TEXT PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID;
"""
_MAX_JSON = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record in the queue: its exact text, and h(seq)."""

    seq: int
    text: str
    head: bytes


class Store:
    """The file of one or many phones. Used by one thread at a time.

    `durable` makes every step survive a power cut. Without it, for fleets, records and commands survive the end of
    the process, and facts are written together by `flush`, so that the last second of them may be lost.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.sealer = Sealer(_key(folder / "key"))
        self._db = sqlite3.connect(folder / "agent.db", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
        self._db.executescript(_SCHEMA)
        self._depth = 0
        self.durable = durable
        self.unwritten: dict[tuple[str, str], Any] = {}

    def close(self) -> None:
        """Write what waits and close the file."""
        self.flush()
        self._db.close()

    def flush(self) -> None:
        """Write the facts that wait."""
        if not self.unwritten:
            return
        waiting, self.unwritten = self.unwritten, {}
        with self.step():
            for (phone, name), value in waiting.items():
                PhoneStore(self, phone).write(name, value)

    @contextmanager
    def step(self) -> Iterator[None]:
        """One transaction; inner steps join the outer one."""
        if self._depth == 0:
            self._db.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            if self._depth == 0:
                self._db.execute("ROLLBACK")
            raise
        self._depth -= 1
        if self._depth == 0:
            self._db.execute("COMMIT")

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        """Run one statement; alone it is its own transaction."""
        return self._db.execute(sql, values)

    def slots(self) -> dict[str, str]:
        """Device id by slot, for every phone in the file."""
        return dict(self.execute("SELECT slot, device_id FROM phones ORDER BY slot"))

    def bind(self, slot: str, device_id: str) -> None:
        """Put a newly enrolled device into a slot; what the slot held before is another life and goes."""
        with self.step():
            for (old,) in self.execute("SELECT device_id FROM phones WHERE slot = ?", slot).fetchall():
                PhoneStore(self, old).erase(("facts", "commands", "records", "media"))
            self.execute("INSERT OR REPLACE INTO phones VALUES (?, ?)", slot, device_id)


def _key(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        key = new_sealing_key()
        file.write(key)
        file.flush()
        os.fsync(descriptor)
    return key


class PhoneStore:
    """The rows of one phone."""

    def __init__(self, store: Store, device_id: str) -> None:
        self.store = store
        self.id = device_id
        self.step = store.step
        self._released = False

    def get(self, name: str) -> Any:
        """A fact, or None."""
        if (self.id, name) in self.store.unwritten:
            return self.store.unwritten[self.id, name]
        row = self.store.execute("SELECT value FROM facts WHERE phone = ? AND name = ?", self.id, name).fetchone()
        return self._open(row[0], f"facts/{name}") if row else None

    def put(self, name: str, value: Any) -> None:
        """Keep a fact, any JSON value; nothing once the phone was reset."""
        if self._released:
            return
        if self.store.durable:
            self.write(name, value)
        else:
            self.store.unwritten[self.id, name] = value

    def write(self, name: str, value: Any) -> None:
        """Write a fact now."""
        sealed = self._seal(value, f"facts/{name}")
        self.store.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", self.id, name, sealed)

    def forget(self, *names: str) -> None:
        """Drop facts."""
        for name in names:
            self.store.unwritten.pop((self.id, name), None)
            self.store.execute("DELETE FROM facts WHERE phone = ? AND name = ?", self.id, name)

    def erase(self, tables: Iterable[str]) -> None:
        """Drop all rows of the tables named."""
        self.store.flush()
        statements = {
            "facts": "DELETE FROM facts WHERE phone = ?",
            "commands": "DELETE FROM commands WHERE phone = ?",
            "records": "DELETE FROM records WHERE phone = ?",
            "media": "DELETE FROM media WHERE phone = ?",
        }
        with self.step():
            for table in tables:
                self.store.execute(statements[table], self.id)

    def release(self) -> None:
        """Give up the slot: the phone was reset."""
        self._released = True
        self.store.execute("DELETE FROM phones WHERE device_id = ?", self.id)

    # Commands

    def command(self, jti: str) -> dict[str, Any] | None:
        """A command as stored, or None for an unknown one."""
        sql = "SELECT value FROM commands WHERE phone = ? AND jti = ?"
        row = self.store.execute(sql, self.id, jti).fetchone()
        return self._open(row[0], f"commands/{jti}") if row else None

    def put_command(self, jti: str, value: dict[str, Any], *, done: bool, acknowledged: bool) -> None:
        """Keep a command and its last result; the first writing decides its place in order."""
        sealed = self._seal(value, f"commands/{jti}")
        self.store.execute(
            "INSERT INTO commands SELECT ?, ?, coalesce(max(position), 0) + 1, ?, ?, ?"
            " FROM commands WHERE phone = ?"
            " ON CONFLICT (phone, jti) DO UPDATE SET done = excluded.done,"
            " acknowledged = excluded.acknowledged, value = excluded.value",
            self.id, jti, done, acknowledged, sealed, self.id,
        )  # fmt: skip

    def open_commands(self) -> list[tuple[str, dict[str, Any], bool]]:
        """Commands that are unfinished or whose last result the broker has not taken: (jti, value, done)."""
        sql = (
            "SELECT jti, value, done FROM commands WHERE phone = ? AND (done = 0 OR acknowledged = 0) ORDER BY position"
        )
        rows = self.store.execute(sql, self.id).fetchall()
        return [(jti, self._open(value, f"commands/{jti}"), bool(done)) for jti, value, done in rows]

    # Records

    def add_record(self, record: StoredRecord) -> None:
        """Append to the queue."""
        sealed = self.store.sealer.seal(record.text.encode(), f"{self.id}/records/{record.seq}")
        sql = "INSERT INTO records VALUES (?, ?, ?, NULL, ?)"
        self.store.execute(sql, self.id, record.seq, record.head, sealed)

    def records(self, first: int, limit: int) -> list[StoredRecord]:
        """Held records from `first` on, in order."""
        sql = "SELECT seq, head, value FROM records WHERE phone = ? AND seq >= ? ORDER BY seq LIMIT ?"
        rows = self.store.execute(sql, self.id, first, limit).fetchall()
        return [StoredRecord(seq, self._text(seq, value), head) for seq, head, value in rows]

    def head(self, seq: int) -> bytes | None:
        """h(seq), while the record is held."""
        sql = "SELECT head FROM records WHERE phone = ? AND seq = ?"
        row = self.store.execute(sql, self.id, seq).fetchone()
        return bytes(row[0]) if row else None

    def oldest_seq(self) -> int | None:
        """Lowest seq that is held."""
        row = self.store.execute("SELECT min(seq) FROM records WHERE phone = ?", self.id).fetchone()
        return int(row[0]) if row[0] is not None else None

    def last_record(self) -> tuple[int, bytes] | None:
        """The newest record that is held: (seq, h)."""
        sql = "SELECT seq, head FROM records WHERE phone = ? ORDER BY seq DESC LIMIT 1"
        row = self.store.execute(sql, self.id).fetchone()
        return (int(row[0]), bytes(row[1])) if row else None

    def mark_archived(self, through: int, at: float) -> None:
        """Note when records were receipted, for the time that they are still kept."""
        sql = "UPDATE records SET archived_at = ? WHERE phone = ? AND seq <= ? AND archived_at IS NULL"
        self.store.execute(sql, at, self.id, through)

    def drop_archived(self, before: float, through: int) -> tuple[int, bytes] | None:
        """Delete receipted records of before `before`, and those up to `through`; the last one: (seq, h)."""
        chosen = "phone = ? AND archived_at IS NOT NULL AND (archived_at < ? OR seq <= ?)"
        sql = f"SELECT seq, head FROM records WHERE {chosen} ORDER BY seq DESC LIMIT 1"  # noqa: S608
        last = self.store.execute(sql, self.id, before, through).fetchone()
        if last is None:
            return None
        self.store.execute("DELETE FROM records WHERE phone = ? AND seq <= ?", self.id, last[0])
        return int(last[0]), bytes(last[1])

    def _text(self, seq: int, sealed: bytes) -> str:
        return self.store.sealer.open(sealed, f"{self.id}/records/{seq}").decode()

    # Media

    def add_media(self, sha256: str, kind: str, content: bytes, seq: int | None) -> None:
        """Keep a file until it is uploaded, for the record `seq` if it belongs to one."""
        sealed = self.store.sealer.seal(content, f"{self.id}/media/{sha256}")
        sql = "INSERT OR IGNORE INTO media VALUES (?, ?, ?, ?, ?)"
        self.store.execute(sql, self.id, sha256, seq, kind, sealed)

    def media(self, sha256: str) -> tuple[str, bytes] | None:
        """Type and content of a file that still has to be uploaded."""
        sql = "SELECT type, value FROM media WHERE phone = ? AND sha256 = ?"
        row = self.store.execute(sql, self.id, sha256).fetchone()
        return (row[0], self.store.sealer.open(row[1], f"{self.id}/media/{sha256}")) if row else None

    def waiting_media(self) -> tuple[int, str] | None:
        """The first record whose file still has to be uploaded: (seq, sha256)."""
        sql = "SELECT seq, sha256 FROM media WHERE phone = ? AND seq IS NOT NULL ORDER BY seq LIMIT 1"
        row = self.store.execute(sql, self.id).fetchone()
        return (int(row[0]), str(row[1])) if row else None

    def drop_media(self, sha256: str) -> None:
        """Forget a file that was uploaded."""
        self.store.execute("DELETE FROM media WHERE phone = ? AND sha256 = ?", self.id, sha256)

    # Blobs: their bytes are ciphertext under keys that are sealed elsewhere, and equal for many phones

    def blob(self, digest: str) -> bytes | None:
        """Bytes of a blob."""
        row = self.store.execute("SELECT bytes FROM blobs WHERE digest = ?", digest).fetchone()
        return bytes(row[0]) if row else None

    def put_blob(self, digest: str, content: bytes) -> None:
        """Keep a blob's bytes."""
        self.store.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", digest, content)

    def _seal(self, value: Any, place: str) -> bytes:
        return self.store.sealer.seal(codec.encode(value), f"{self.id}/{place}")

    def _open(self, sealed: bytes, place: str) -> Any:
        return codec.decode(self.store.sealer.open(sealed, f"{self.id}/{place}"), limit=_MAX_JSON, depth=64)
