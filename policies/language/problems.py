"""What is wrong with a document, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import Invalid
from core.text import Text

Location = tuple[str | int, ...]
MAX_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault.

    Line and column from 1 (0 where a JSON value was built by a program), the path, code and text.
    """

    line: int
    column: int
    path: str
    code: str
    text: Text

    def plain(self) -> dict[str, Any]:
        """As it stands in a problem document."""
        return {
            "line": self.line,
            "column": self.column,
            "path": self.path,
            "code": self.code,
            "text": {"zh-CN": self.text.zh, "en": self.text.en},
        }


class Refused(Invalid):
    """Documents that were not taken: nothing of them is applied."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        shown = list(problems)[:MAX_PROBLEMS]
        first = shown[0]
        super().__init__(
            "documents_invalid",
            Text(
                f"文档有 {len(problems)} 处问题，未做任何更改。"
                f"第一处：第 {first.line} 行，{first.path}：{first.text.zh}",
                f"The documents have {len(problems)} problem(s); nothing was changed. "
                f"The first: line {first.line}, {first.path}: {first.text.en}",
            ),
            problems=[problem.plain() for problem in shown],
        )
        self.problems = shown


def path_text(location: Sequence[str | int]) -> str:
    """`spec.keywords[0].set`, or `(document)` for the document itself."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "(document)"


Marks = Mapping[Location, tuple[int, int]]


def place(marks: Marks, location: Sequence[str | int]) -> tuple[int, int]:
    """Line and column of a location, or of the nearest thing around it."""
    found = tuple(location)
    while found and found not in marks:
        found = found[:-1]
    return marks.get(found, (0, 0))


def problem_at(marks: Marks, location: Sequence[str | int], code: str, text: Text) -> Problem:
    """A problem at a location of a document."""
    line, column = place(marks, location)
    return Problem(line, column, path_text(location), code, text)
