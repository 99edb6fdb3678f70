"""Documents as YAML text that reads back as the same documents."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from policies.language.yaml_source import plain_scalar


def emit(documents: Iterable[Mapping[str, Any]]) -> str:
    """One YAML text of several documents."""
    writer = YAML()
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.allow_unicode = True
    writer.width = 110
    writer.explicit_start = True
    out = io.StringIO()
    for document in documents:
        writer.dump(quoted(document), out)
    return out.getvalue()


def quoted(value: Any) -> Any:
    """Texts that would read back as something else (`"13"`, `"off"` for readers of YAML 1.1) get quotes."""
    if isinstance(value, Mapping):
        return {key: quoted(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [quoted(item) for item in value]
    if isinstance(value, str) and (not isinstance(plain_scalar(value), str) or ":" in value or value == "off"):
        return DoubleQuotedScalarString(value)
    return value
