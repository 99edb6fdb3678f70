"""From bytes to plain documents with positions, bounded in size, depth and number before anything is
built.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from core.errors import TooLarge
from core.text import Text
from policies.language.problems import Location, Problem, Refused

MAX_DEPTH = 20
MAX_DOCUMENTS = 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a source may be, and how many values it may hold. Neither can be multiplied: there are no aliases."""

    megabytes: int
    nodes: int


REQUEST = Limits(megabytes=1, nodes=200_000)
"""What anybody may send who may write documents."""
FILES = Limits(megabytes=64, nodes=4_000_000)
"""What the server's own shell may bring: many sets of 50,000 terms with their exceptions."""


@dataclass(slots=True)
class RawDocument:
    """Plain JSON values, line and column of each member and item by its location, and its own part of a YAML text."""

    data: Any
    marks: dict[Location, tuple[int, int]] = field(default_factory=dict)
    source: str | None = None


@dataclass(slots=True)
class Budget:
    """Counts nodes and depth of a whole source, so that a small text cannot become a large tree."""

    limits: Limits = REQUEST
    nodes: int = 0

    def spend(self, depth: int, line: int, column: int) -> None:
        """One more node at this depth. Raises Refused when there are too many or it is too deep."""
        self.nodes += 1
        if depth > MAX_DEPTH:
            refuse(line, column, "too_deep", Text(f"嵌套超过 {MAX_DEPTH} 层。", f"Nested more than {MAX_DEPTH} deep."))
        most = self.limits.nodes
        if self.nodes > most:
            refuse(
                line,
                column,
                "too_many_values",
                Text(f"超过 {most} 个值，请分批提交。", f"More than {most} values: send them in parts."),
            )


def refuse(line: int, column: int, code: str, text: Text) -> NoReturn:
    """Raise Refused for a fault of the source itself."""
    raise Refused([Problem(line, column, "(document)", code, text)])


def text_of(body: bytes, limits: Limits = REQUEST) -> str:
    """The body as text. Raises TooLarge, or Refused when it is no UTF-8."""
    most = limits.megabytes * 1024 * 1024
    if len(body) > most:
        raise TooLarge(
            "documents_too_large",
            Text(
                f"文档超过 {limits.megabytes} MiB，请拆分后分批提交；"
                "在服务器上用 flask documents apply 可提交更大的文件。",
                f"The documents are larger than {limits.megabytes} MiB: split them and send them in parts. On the "
                "server itself, flask documents apply takes larger files.",
            ),
            limit=most,
        )
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        refuse(line, 1, "not_utf8", Text("不是 UTF-8 文本，请另存为 UTF-8。", "Not UTF-8 text: save it as UTF-8."))


def check_text(value: str, line: int, column: int) -> str:
    """The same text. Raises Refused when it holds NUL or half a surrogate pair, which nothing can store."""
    if "\x00" in value or (not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value)):
        refuse(
            line,
            column,
            "bad_character",
            Text("含有无法保存的字符。", "It holds a character that cannot be stored."),
        )
    return value


def within(documents: Sequence[RawDocument]) -> list[RawDocument]:
    """The documents. Raises Refused when there are too many, or none."""
    if not documents:
        refuse(1, 1, "no_documents", Text("没有任何文档。", "There is no document."))
    if len(documents) > MAX_DOCUMENTS:
        refuse(1, 1, "too_many_documents", Text("一次最多 1000 个文档。", "At most 1000 documents at once."))
    return list(documents)
