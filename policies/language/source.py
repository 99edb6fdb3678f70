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

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20
MAX_NODES = 200_000
MAX_DOCUMENTS = 1000


@dataclass(slots=True)
class RawDocument:
    """Plain JSON values, and line and column of each member and item by its location."""

    data: Any
    marks: dict[Location, tuple[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Budget:
    """Counts nodes and depth of a whole source, so that a small text cannot become a large tree."""

    nodes: int = 0

    def spend(self, depth: int, line: int, column: int) -> None:
        """One more node at this depth. Raises Refused when there are too many or it is too deep."""
        self.nodes += 1
        if depth > MAX_DEPTH:
            refuse(line, column, "too_deep", Text(f"嵌套超过 {MAX_DEPTH} 层。", f"Nested more than {MAX_DEPTH} deep."))
        if self.nodes > MAX_NODES:
            refuse(
                line,
                column,
                "too_many_values",
                Text(f"超过 {MAX_NODES} 个值，请分批提交。", f"More than {MAX_NODES} values: send them in parts."),
            )


def refuse(line: int, column: int, code: str, text: Text) -> NoReturn:
    """Raise Refused for a fault of the source itself."""
    raise Refused([Problem(line, column, "(document)", code, text)])


def text_of(body: bytes) -> str:
    """The body as text. Raises TooLarge, or Refused when it is no UTF-8."""
    if len(body) > MAX_BYTES:
        raise TooLarge(
            "documents_too_large",
            Text(
                "文档超过 1 MiB，请拆分后分批提交。",
                "The documents are larger than 1 MiB: split them and send them in parts.",
            ),
            limit=MAX_BYTES,
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
