"""The table of columns in docs/imports.md: `python -m imports.reference` writes it anew."""

from __future__ import annotations

import re
from pathlib import Path

from imports import kinds
from imports.registry import all_kinds

PAGE = Path(kinds.__file__).resolve().parents[2] / "docs" / "imports.md"
_PART = re.compile(r"(<!-- columns -->\n).*?(<!-- /columns -->)", re.DOTALL)
_HEAD = "| kind | header | | what stands there | taken too |\n| --- | --- | --- | --- | --- |\n"


def render() -> str:
    """The page with the table as the code has it."""
    rows = "".join(
        f"| `{kind.name}` | {column.title.zh} | {column.title.en}, `{column.name}` | {column.help.en} | "
        f"{'、'.join(column.also)} |\n"
        for kind in all_kinds()
        for column in kind.columns
    )
    return _PART.sub(lambda found: f"{found[1]}{_HEAD}{rows}{found[2]}", PAGE.read_text("utf-8"))


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
