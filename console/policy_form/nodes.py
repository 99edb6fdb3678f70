"""A document's values laid out by their shapes: what the page draws, and what a sent form is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from console.policy_form.shapes import Shape
from console.policy_form.values import code_of, word
from console.policy_form.words import ADD_WINDOW, FIELDS, Words
from core.text import Text
from policies.language.problems import Location, path_text

MAX_ITEMS = 100
"""Items of a list that the form shows; longer ones are edited as text."""
BARE = "term"
"""A term of a keyword set may stand as a text alone."""
UNITS = ("s", "m", "h", "d")
_UNIT_MEANT = "h"
_WINDOWS = Words(Text("时段", "Windows"), add=ADD_WINDOW, new="13:30-18:30")


@dataclass(slots=True)
class Node:
    """One member or item: where it stands, what may stand there, and what does.

    `name` names its inputs, `path` its words; `over` counts items that are not shown, `strange` says that what stands
    there has another form than the model's, so that only the text can show it.
    """

    name: str
    location: Location
    path: str
    shape: Shape
    words: Words
    value: Any
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    problems: list[Text] = field(default_factory=list)
    over: int = 0
    strange: bool = False

    @property
    def present(self) -> bool:
        """Whether the document says anything here."""
        return self.value is not None

    @property
    def is_item(self) -> bool:
        """Whether it is one of a list, or one row of a week."""
        return self.parent is not None and self.parent.shape.kind in ("list", "weekly")

    @property
    def shown(self) -> str:
        """A single value as its input holds it; inputs of one line hold no line breaks."""
        if self.value is None or isinstance(self.value, dict | list):
            return ""
        return code_of(self.value).replace("\r", "").replace("\n", "")

    @property
    def chosen(self) -> list[str]:
        """Ticked values of a list of words, those that are not known too."""
        return [code_of(one) for one in (self.value if isinstance(self.value, list) else [self.value]) if one]

    @property
    def days(self) -> str:
        """The days of a row of a week, as they are written."""
        return str(self.location[-1])

    @property
    def duration(self) -> tuple[str, str]:
        """Number and unit; a word that stands for a duration is its own unit, and what is neither stays whole."""
        text = self.shown
        if text in self.shape.options:
            return "", text
        if text[-1:] in UNITS and text[:-1].isdecimal():
            return text[:-1], text[-1]
        return text, _UNIT_MEANT if not text else ""

    def choices(self) -> list[tuple[str, Text]]:
        """Values to choose from with their words; what stands there and is not known comes last."""
        found = [(code_of(one), word(self.path, one)) for one in self.shape.options]
        if self.shape.every:
            found.insert(0, (self.shape.every, word(self.path, self.shape.every)))
        known = {code for code, _ in found}
        here = self.chosen if self.shape.kind == "ticks" else [self.shown] if self.shown else []
        return found + [(code, Text(f"{code}（未知）", f"{code} (unknown)")) for code in here if code not in known]

    def unset(self) -> Text:
        """What an absent value means."""
        if self.shape.default in (None, "") or isinstance(self.shape.default, dict):
            return Text("请选择", "Choose") if self.shape.required else Text("未设置", "Not set")
        meant = word(self.path, self.shape.default)
        return Text(f"未设置（{meant.zh}）", f"Not set ({meant.en})")

    def walk(self) -> Iterator[Node]:
        """This node and all below, in the order of the document."""
        yield self
        for child in self.children:
            yield from child.walk()

    def faults(self) -> int:
        """How many problems there are here and below."""
        return sum(len(node.problems) for node in self.walk())


def build(shape: Shape, value: Any, location: Location, path: str = "", parent: Node | None = None) -> Node:
    """The node of a value and all below it."""
    in_week = parent is not None and parent.shape.kind == "weekly"
    node = Node(_name(location, parent), location, path, shape, _WINDOWS if in_week else _words(path, location), value)
    node.parent = parent
    node.strange = value is not None and not _fits(shape, value, location)
    if not node.strange:
        for member, below, at, words in _below(node):
            node.children.append(build(member, below, at, words, node))
        items = len(value) if isinstance(value, dict | list) else 0
        node.over = max(0, items - MAX_ITEMS) if shape.item else 0
    return node


def _name(location: Location, parent: Node | None) -> str:
    """Items are named by their place: the days of a week's row change, and a bare term stands for its item."""
    if parent is None:
        return path_text(location)
    if parent.shape.item:
        return f"{parent.name}[{len(parent.children)}]"
    return f"{parent.name}.{list(parent.shape.members)[len(parent.children)]}"


def _below(node: Node) -> Iterator[tuple[Shape, Any, Location, str]]:
    """Shape, value, location and path of words of what is in a node."""
    shape, value = node.shape, node.value
    if shape.item:
        items = value.items() if isinstance(value, dict) else enumerate(value or ())
        yield from ((shape.item, item, (*node.location, key), node.path) for key, item in islice(items, MAX_ITEMS))
    for name, member in shape.members.items():
        words = f"{node.path}.{name}" if node.path else name
        if isinstance(value, str):
            bare = name == BARE
            yield member, value if bare else None, node.location if bare else (*node.location, name), words
        else:
            yield member, (value or {}).get(name), (*node.location, name), words


def _fits(shape: Shape, value: Any, location: Location) -> bool:
    if shape.kind == "group":
        bare = isinstance(value, str) and BARE in shape.members and isinstance(location[-1], int)
        return bare or isinstance(value, dict)
    if shape.kind == "weekly":
        return isinstance(value, dict)
    if shape.kind == "ticks" and value != shape.every:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(value, list) == (shape.kind == "list") and not isinstance(value, dict)


def _words(path: str, location: Location) -> Words:
    return FIELDS.get(path) or Words(word(path, str(location[-1])))
