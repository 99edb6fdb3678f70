"""Changes to a document's text that leave the rest of it as its author wrote it: comments, quotes, order.

The changes are made twice, on the plain values and on a tree that knows comments. The plain values are what counts:
where the commented tree reads back as anything else, the text is written anew without comments.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from policies.language.emit import emit, quoted
from policies.language.problems import Location
from policies.language.yaml_source import read_yaml

_WIDE = 4096


@dataclass(frozen=True, slots=True)
class Edit:
    """`put` a value at a location, `drop` what stands there, `rename` its key, or `append` to the list there."""

    act: Literal["put", "drop", "rename", "append"]
    location: Location
    value: Any = None


def rewrite(text: str, number: int, edits: Sequence[Edit]) -> str:
    """The text with edits made to its document of that number, from 0. What a location no longer has is passed over.

    Raises Refused when the text cannot be read.
    """
    expected = [copy.deepcopy(document.data) for document in read_yaml(text)]
    _make(expected[number], edits)
    try:
        written = _with_comments(text, number, edits)
        if [document.data for document in read_yaml(written)] == expected:
            return written
    except (YAMLError, ValueError, TypeError, AttributeError):
        pass
    return emit(expected)


def _with_comments(text: str, number: int, edits: Sequence[Edit]) -> str:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _WIDE
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    documents = [document for document in yaml.load_all(text) if document is not None]
    _make(documents[number], edits)
    out = io.StringIO()
    yaml.explicit_start = text.lstrip().startswith("---")
    yaml.dump_all(documents, out)
    return out.getvalue()


def _make(document: Any, edits: Sequence[Edit]) -> None:
    for edit in edits:
        try:
            {"put": _put, "drop": _drop, "rename": _rename, "append": _append}[edit.act](document, edit)
        except (KeyError, IndexError, TypeError):
            continue  # the author took it away in the text meanwhile


def _put(document: Any, edit: Edit) -> None:
    *way, last = edit.location
    place = document
    for depth, part in enumerate(way):
        place = _entered(place, part, list_next=isinstance(edit.location[depth + 1], int))
    place[last] = _fresh(edit.value, place)


def _entered(place: Any, part: Any, *, list_next: bool) -> Any:
    """What stands there; a map or list is begun where nothing does, and a bare term becomes a map around it."""
    found = place.get(part) if isinstance(place, dict) else place[part]
    if found is None:
        place[part] = _kind_of(place, [] if list_next else {})
    elif isinstance(found, str) and isinstance(place, list):
        place[part] = _kind_of(place, {"term": found}, flow=True)
    return place[part]


def _drop(document: Any, edit: Edit) -> None:
    *way, last = edit.location
    place = document
    for part in way:
        place = place[part]
    if isinstance(place, CommentedMap):
        _hand_on_comment(place, str(last))
    del place[last]


def _rename(document: Any, edit: Edit) -> None:
    *way, last = edit.location
    place = document
    for part in way:
        place = place[part]
    if edit.value in place or last not in place:
        return
    entries = list(place.items())
    place.clear()
    for key, value in entries:
        place[edit.value if key == last else key] = value


def _append(document: Any, edit: Edit) -> None:
    *way, last = edit.location
    place = document
    for part in way:
        place = _entered(place, part, list_next=False)
    if place.get(last) is None:
        place[last] = _kind_of(place, [])
    items = place[last]
    items.append(_fresh(edit.value, items))


def _hand_on_comment(place: CommentedMap, key: str) -> None:
    """A comment that stands after a member belongs to what follows it: the member before keeps it."""
    keys = list(place)
    at = keys.index(key)
    comment = place.ca.items.get(key)
    if comment and at and keys[at - 1] not in place.ca.items and isinstance(place[keys[at - 1]], str | int | bool):
        place.ca.items[keys[at - 1]] = comment


def _fresh(value: Any, beside: Any) -> Any:
    """A new value as it is written in the place where it comes."""
    return _kind_of(beside, quoted(value)) if isinstance(beside, CommentedMap | CommentedSeq) else copy.deepcopy(value)


def _kind_of(beside: Any, value: Any, *, flow: bool = False) -> Any:
    """Maps and lists that know comments beside their like; a list of words on one line, a map as its siblings are."""
    if not isinstance(beside, CommentedMap | CommentedSeq) or not isinstance(value, dict | list):
        return value
    if isinstance(value, dict):
        made: Any = CommentedMap({key: _kind_of(beside, one) for key, one in value.items()})
    else:
        made = CommentedSeq([_kind_of(beside, one) for one in value])
    siblings = beside if isinstance(beside, CommentedSeq) else ()
    like = next((one for one in siblings if isinstance(one, CommentedMap)), None)
    words = isinstance(value, list) and value and not any(isinstance(one, dict | list) for one in value)
    if flow or words or (like is not None and like.fa.flow_style()):
        made.fa.set_flow_style()
    return made
