"""The first half of an import: the file is read and judged, and nothing is changed.

Reading takes seconds where the file is large, so it happens outside of any transaction; an interrupted one begins anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import delete, update

from core import live
from core.db import session
from core.errors import ShoujiError
from core.runtime import runtime, settings
from core.text import Text
from core.uow import unit_of_work
from core.verdicts import ERROR
from fleet.chunks import chunks
from imports import acting, entries, registry, sheet
from imports.entries import Entry
from imports.models import Import, ImportBatch, ImportFile
from imports.registry import Judge, Kind
from imports.states import PREVIEW, READING
from imports.uploads import TOPIC

BATCH = 250
AT_ONCE = 10


def read(import_id: str) -> None:
    """Read one file and store what its lines would do, or why it cannot be read."""
    with unit_of_work(write=False):
        row = session().get_one(Import, import_id)
        kind, who = registry.kind_of(row.kind), row.created_by
        file = session().get_one(ImportFile, import_id)
        content = runtime().envelope.open(file.sealed, f"import_files:{import_id}")
    try:
        found = sheet.read(kind, content, settings().import_max_rows)
        with unit_of_work(write=False):
            judge = kind.judge(acting.actor(who, kind))
    except ShoujiError as error:
        with unit_of_work():
            acting.fail(import_id, error.code, error.text)
        return
    with unit_of_work():
        session().execute(delete(ImportBatch).where(ImportBatch.import_id == import_id))
    planned: Counter[str] = Counter()
    for some in chunks(_judged(kind, judge, found), AT_ONCE):
        with unit_of_work():
            _store(import_id, some)
        for _, batch in some:
            planned.update(entries.count(batch))
    with unit_of_work():
        _finish(import_id, found, planned)


def _judged(kind: Kind, judge: Judge, found: sheet.Sheet) -> Iterator[tuple[int, list[Entry]]]:
    """Batches of entries with their verdicts; a line that speaks of what an earlier one spoke of is an error."""
    places, width = found.layout.places, len(found.layout.headers)
    lines_by_key: dict[str, int] = {}
    for number, lines in enumerate(chunks(found.lines, BATCH)):
        batch = [entries.of_line(kind, places, width, line) for line in lines]
        for entry in batch:
            _claim(kind, entry, lines_by_key, places)
        sound = [entry for entry in batch if entry.outcome != ERROR]
        with unit_of_work(write=False):
            verdicts = judge(entries.values(sound))
        for entry, verdict in zip(sound, verdicts, strict=True):
            entry.judge(verdict, places)
        yield number, batch


def _claim(kind: Kind, entry: Entry, lines_by_key: dict[str, int], places: Mapping[str, int]) -> None:
    if entry.outcome == ERROR:
        return
    keys = kind.keys(entry.values)
    column, first = next(((column, lines_by_key[key]) for column, key in keys if key in lines_by_key), (None, 0))
    if first:
        text = Text(f"与第 {first} 行重复，请删除其中一行。", f"The same as in line {first}. Delete one of the two.")
        entry.blame(column, "twice_in_file", text, places)
        return
    lines_by_key.update((key, entry.line) for _, key in keys)


def _store(import_id: str, some: Sequence[tuple[int, list[Entry]]]) -> None:
    session().add_all(
        ImportBatch(
            import_id=import_id,
            number=number,
            rows=len(batch),
            outcomes=entries.count(batch),
            sealed=entries.seal(import_id, number, batch),
        )
        for number, batch in some
    )


def _finish(import_id: str, found: sheet.Sheet, planned: Counter[str]) -> None:
    """The preview stands, unless the import was given up meanwhile."""
    values = {
        "state": PREVIEW,
        "encoding": found.encoding,
        "layout": found.layout.plain(),
        "rows": len(found.lines),
        "planned": dict(planned),
        "attempts": 0,
    }
    here = update(Import).where(Import.id == import_id, Import.state == READING).values(values).returning(Import.id)
    if session().scalar(here) is None:
        session().execute(delete(ImportBatch).where(ImportBatch.import_id == import_id))
    session().execute(delete(ImportFile).where(ImportFile.import_id == import_id))
    live.announce(TOPIC, [import_id])
