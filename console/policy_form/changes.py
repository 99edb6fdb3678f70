"""What somebody changed in the form, as edits of the document's text.

A form is compared with the text that it was drawn from, so only what was touched counts: the text may have moved on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic_core import PydanticCustomError

from console.policy_form.nodes import Node
from console.policy_form.values import code_of, word
from core.text import Text
from policies.engine.windows import WEEKDAYS
from policies.language.edit import Edit
from policies.rules.work_hours import days_of

Sent = Callable[[str], Sequence[str]]
"""The values that were sent for the name of an input; none where there was no such input."""
UNIT, DAYS = "~unit", "~days"
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_RUN = 3
MAX_VALUE = 2000


def edits(roots: Sequence[Node], sent: Sent) -> list[Edit]:
    """What differs from the nodes, in an order in which it can be carried out."""
    found = [edit for root in roots for node in root.walk() if not node.strange for edit in _of(node, sent)]
    places = ("put", "drop", "rename")
    ordered = {act: [edit for edit in found if edit.act == act] for act in places}
    return [*ordered["put"], *reversed(ordered["drop"]), *ordered["rename"]]


def added(node: Node, taken: Sequence[str] = ()) -> list[Edit]:
    """Something new in a list or a week; `taken` are names to choose from where one is asked for."""
    if node.shape.kind == "weekly":
        days = uncovered(node)
        return [Edit("put", (*node.location, days_text(days)), node.words.new)] if days else []
    new = node.words.new
    if isinstance(new, dict) and "id" in new:
        used = {child.value.get("id") for child in node.children if isinstance(child.value, dict)}
        number = next(n for n in range(1, len(used) + 2) if f"{new['id']}-{n}" not in used)
        new = {**new, "id": f"{new['id']}-{number}"}
    if isinstance(new, dict) and new.get("set") == "":
        used = {child.value.get("set") for child in node.children if isinstance(child.value, dict)}
        new = {**new, "set": next((name for name in taken if name not in used), "")}
    return [Edit("append", node.location, new)]


def dropped(node: Node) -> list[Edit]:
    """The node taken away, and with it what would stand empty around it."""
    while (
        node.parent
        and len(node.location) > 2
        and node.parent.shape.kind != "list"
        and len(node.parent.location) > 1
        and not node.parent.shape.required
        and isinstance(node.parent.value, dict)
        and len(node.parent.value) == 1
        and not node.parent.is_item
    ):
        node = node.parent
    parent = node.parent
    if parent and parent.shape.kind == "list" and not parent.shape.required and len(parent.value) == 1:
        return [Edit("drop", parent.location)] if not parent.is_item else [Edit("drop", node.location)]
    return [Edit("drop", node.location)]


def uncovered(node: Node) -> list[str]:
    """Days of the week that no row has; the working days alone where none of them is taken."""
    taken = {day for row in node.children for day in row_days(row)}
    left: list[str] = [day for day in WEEKDAYS if day not in taken]
    return left[:5] if len(left) == len(WEEKDAYS) else left


def row_days(row: Node) -> list[str]:
    """The days of a row; none where they are written wrongly."""
    try:
        return list(days_of(row.days))
    except PydanticCustomError:
        return []


def row_title(row: Node) -> Text:
    """The days of a row as people say them; what is written wrongly as it stands there."""
    days = row_days(row)
    if not days:
        return Text(row.days, row.days)
    runs = [[word("", day) for day in run] for run in _runs(days)]
    zh = "、".join(f"{run[0].zh}至{run[-1].zh}" if len(run) >= _RUN else "、".join(d.zh for d in run) for run in runs)
    en = ", ".join(f"{run[0].en}–{run[-1].en}" if len(run) >= _RUN else ", ".join(d.en for d in run) for run in runs)
    return Text(zh, en)


def days_text(days: Sequence[str]) -> str:
    """Days as an author writes them: three or more in a row as `mon-fri`."""
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) >= _RUN else ",".join(run) for run in _runs(days))


def _runs(days: Sequence[str]) -> list[list[str]]:
    """The days in the order of the week, those in a row together."""
    places = [place for place, day in enumerate(WEEKDAYS) if day in days]
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return [[WEEKDAYS[place] for place in run] for run in runs]


def _of(node: Node, sent: Sent) -> Iterator[Edit]:
    kind = node.shape.kind
    if node.parent and node.parent.shape.kind == "weekly":
        yield from _row(node, sent)
    elif kind == "ticks":
        yield from _ticks(node, sent)
    elif kind == "duration":
        yield from _single(node, "".join(node.duration), _joined(node, sent))
    elif kind in ("choice", "whole", "text"):
        yield from _single(node, node.shown, next(iter(sent(node.name)), None))


def _single(node: Node, shown: str, given: str | None) -> Iterator[Edit]:
    if given is None or given == shown or len(given) > MAX_VALUE:
        return
    if not given:
        yield from dropped(node)
    else:
        yield Edit("put", node.location, _raw(node, given))


def _joined(node: Node, sent: Sent) -> str | None:
    number, unit = next(iter(sent(node.name)), None), next(iter(sent(node.name + UNIT)), "")
    if number is None:
        return None
    if unit in node.shape.options:
        return unit
    return f"{number.strip()}{unit}" if number.strip() else "".join(node.duration) if not node.present else ""


def _raw(node: Node, given: str) -> Any:
    if node.shape.kind == "whole" and _WHOLE.fullmatch(given.strip()):
        return int(given)
    return next((one for one in node.shape.options if code_of(one) == given), given)


def _ticks(node: Node, sent: Sent) -> Iterator[Edit]:
    given = sent(node.name)
    ticked = [one for one in given if one]
    if not given or set(ticked) == set(node.chosen):
        return
    every = node.shape.every
    if every in ticked and every not in node.chosen:
        yield Edit("put", node.location, every)
        return
    kept = [one for one in node.chosen if one in ticked and one != every]
    new = [code for code, _ in node.choices() if code in ticked and code not in kept and code != every]
    yield Edit("put", node.location, [*kept, *new])


def _row(node: Node, sent: Sent) -> Iterator[Edit]:
    ticked = [day for day in sent(node.name + DAYS) if day in WEEKDAYS]
    if ticked and set(ticked) != set(row_days(node)):
        yield Edit("rename", node.location, days_text(ticked))
