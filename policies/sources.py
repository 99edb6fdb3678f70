"""Documents from files of the server's own shell: one file, or a folder of them, read as one change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.errors import TooLarge
from policies.language.parse import Format, Parsed, parse, repeated
from policies.language.problems import Problem, Refused
from policies.language.source import FILES

_FORMS: dict[str, Format] = {".yaml": "yaml", ".yml": "yaml", ".json": "json"}


class FilesRefused(Exception):
    """Files that were not taken, with a line for each fault: file, line, column, path, what to do."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(lines[0])
        self.lines = lines


def form_of(path: Path) -> Format | None:
    """How a file of this name is written; None for one that holds no documents."""
    return _FORMS.get(path.suffix.lower())


def read(source: Path) -> list[Parsed]:
    """All documents of a file, or of the files of a folder in the order of their names.

    Raises FilesRefused with every fault of every file. A file may be far longer than a request (source.FILES).
    """
    files = [source] if source.is_file() else sorted(path for path in source.rglob("*") if form_of(path))
    if not files:
        raise FilesRefused([f"{source}: 没有 YAML 或 JSON 文件。 There is no YAML or JSON file."])
    parsed: list[Parsed] = []
    origins: list[Path] = []
    faults: list[str] = []
    for path in files:
        try:
            found = parse(path.read_bytes(), form_of(path) or "yaml", FILES)
        except Refused as refused:
            faults += [_fault(path, problem) for problem in refused.problems]
        except TooLarge as error:
            faults.append(f"{path}: {error.text.zh} {error.text.en}")
        else:
            parsed += found
            origins += [path] * len(found)
    faults += [_fault(origins[number], problem) for number, problem in repeated(parsed)]
    if faults:
        raise FilesRefused(faults)
    return parsed


def _fault(path: Path, problem: Problem) -> str:
    return f"{path}:{problem.line}:{problem.column} {problem.path}: {problem.text.zh} {problem.text.en}"
