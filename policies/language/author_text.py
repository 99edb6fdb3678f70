"""A document's text as its author wrote it: comments, quotes and order last beyond the editor.

The text is kept beside the document and never decides anything: it is shown where it still says the same as the
document, and made anew where it does not. The revision, which the server counts, is taken out and put in again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from policies.language.emit import emit
from policies.language.problems import Location, Refused
from policies.language.source import RawDocument
from policies.language.yaml_source import read_yaml

LONGEST = 100_000
"""Characters of text that are kept; longer documents are shown as the server writes them."""
REVISION: Location = ("metadata", "revision")
NAME: Location = ("metadata", "name")
_START = re.compile(r"^---[ \t]*\n", re.MULTILINE)
_MEMBER = re.compile(r"""["']?revision["']?\s*:\s*[0-9]+""")


def kept(source: str | None, document: Mapping[str, Any], present: str | None = None) -> str | None:
    """The text to keep with a document that was read from it; None for one that is too long or cannot be kept.

    `present` is what was kept with it before.
    """
    if source is None or len(source) > LONGEST:
        return None
    text = _START.sub("", source, count=1).strip("\n") + "\n"
    if text == present:
        return present
    read = _only(text)
    if read is None:
        return None
    if REVISION in read.marks:
        text = _taken_out(text, _offset(text, read, REVISION))
    return text if _says(text, _without_revision(document)) else None


def shown(source: str | None, document: Mapping[str, Any]) -> str:
    """A document as YAML: its author's text where that says the same, with the document's revision if it has one."""
    if source is None or not _says(source, _without_revision(document)):
        return emit([document])
    revision = document["metadata"].get("revision")
    if revision is None:
        return f"---\n{source}"
    text = _put_in(source, f"revision: {revision}")
    return f"---\n{text}" if _says(text, document) else emit([document])


def _taken_out(text: str, at: int) -> str:
    """The text without the member that begins there: its line, or its place in a map on one line."""
    match = _MEMBER.match(text, at)
    if match is None:
        return text
    begins, ends = text.rfind("\n", 0, at) + 1, text.find("\n", match.end())
    if not text[begins:at].strip():
        return text[:begins] + text[ends + 1 :]
    before, after = text[:at], text[match.end() :]
    following = re.match(r"\s*,\s*", after)
    return before + after[following.end() :] if following else re.sub(r"\s*,\s*$", "", before) + after


def _put_in(text: str, member: str) -> str:
    """The text with a member before the document's name, in the form that the name has."""
    read = _only(text)
    if read is None or NAME not in read.marks:
        return text
    at = _offset(text, read, NAME)
    indent = text[text.rfind("\n", 0, at) + 1 : at]
    return f"{text[:at]}{member}{', ' if indent.strip() else f'{chr(10)}{indent}'}{text[at:]}"


def _offset(text: str, read: RawDocument, location: Location) -> int:
    line, column = read.marks[location]
    return sum(len(one) + 1 for one in text.split("\n")[: line - 1]) + column - 1


def _only(text: str) -> RawDocument | None:
    """The one document of a text."""
    try:
        documents = read_yaml(text)
    except Refused:
        return None
    return documents[0] if len(documents) == 1 else None


def _says(text: str, document: Mapping[str, Any]) -> bool:
    read = _only(text)
    return read is not None and read.data == document


def _without_revision(document: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {name: value for name, value in document["metadata"].items() if name != "revision"}
    return {**document, "metadata": metadata}
