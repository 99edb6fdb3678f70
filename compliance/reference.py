"""The table of checks in docs/compliance.md: `python -m compliance.reference` writes it anew."""

from __future__ import annotations

import re
from pathlib import Path

from compliance import checks
from compliance.registry import all_checks

PAGE = Path(checks.__file__).resolve().parent.parent.parent / "docs" / "compliance.md"
_PART = re.compile(r"(<!-- checks -->\n).*?(<!-- /checks -->)", re.DOTALL)
_HEAD = "| code | severity | basis | judged on | `when` of a ladder | ends |\n| --- | --- | --- | --- | --- | --- |\n"


def render() -> str:
    """The page with the table as the code has it."""
    rows = "".join(
        f"| `{check.code}` {check.title.en} | {check.severity} | {check.basis} | {check.source} | "
        f"{f'`{check.ladder}`' if check.ladder else '–'} | {check.ends} |\n"
        for check in all_checks()
    )
    return _PART.sub(lambda found: f"{found[1]}{_HEAD}{rows}{found[2]}", PAGE.read_text("utf-8"))


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
