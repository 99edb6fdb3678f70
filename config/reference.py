"""Renders docs/settings.md from the settings class: `python -m config.reference > docs/settings.md`."""

from __future__ import annotations

import sys
from typing import get_args

from pydantic.fields import FieldInfo

from config.settings import PREFIX, Settings

HEAD = """# Settings

From the environment (`SHOUJI_…`), else from `shouji.toml` in the working folder (the same names in lower case without
the prefix; another file by `SHOUJI_CONFIG_FILE`), else the default. A wrong or unknown setting stops the start and is
named. Security settings live here alone: nobody changes them in the console.

This page is made by `python -m config.reference`; a test keeps it equal to the code.

| setting | type | default | what it is |
| --- | --- | --- | --- |
"""


def render() -> str:
    """The whole page as Markdown."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    return HEAD + "\n".join(rows) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    default = "" if field.default is None else f"`{field.default}`"
    return f"| `{PREFIX}{name.upper()}` | {_type(field)} | {default} | {field.description} |"


def _type(field: FieldInfo) -> str:
    options = [option for option in get_args(field.annotation) or (field.annotation,) if option is not type(None)]
    names = {"SecretStr": "secret", "Path": "path", "str": "text", "int": "integer", "bool": "true/false"}
    shown = names.get(getattr(options[0], "__name__", ""), "text")
    low = _bound(field, "ge")
    high = _bound(field, "le")
    if low is not None and high is not None:
        return f"{shown} {low}–{high}"
    return f"{shown} ≥ {low}" if low is not None else shown


def _bound(field: FieldInfo, kind: str) -> int | None:
    return next((int(getattr(item, kind)) for item in field.metadata if hasattr(item, kind)), None)


if __name__ == "__main__":
    sys.stdout.write(render())
