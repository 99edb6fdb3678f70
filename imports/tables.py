"""Tables whose lines become parts of a document: each line's values by column, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imports.cells import Line, Wrong, beyond, clean
from imports.registry import Shape
from policies.faults import Fault

Filled = tuple[int, dict[str, str]]
"""A line's number and its cleaned values by column; what is not there is ""."""


def sorted_out(
    shape: Shape, lines: Iterable[Line], places: Mapping[str, int], width: int
) -> tuple[list[Filled], list[Fault]]:
    """The lines that can be read, and the others with the first thing that is wrong; a table has `width` columns."""
    filled: list[Filled] = []
    faults: list[Fault] = []
    for line in lines:
        found = _values(shape, line, places, width)
        if isinstance(found, Wrong):
            faults.append(Fault(line.number, found.code, found.text))
        else:
            filled.append((line.number, found))
    return filled, faults


def _values(shape: Shape, line: Line, places: Mapping[str, int], width: int) -> dict[str, str] | Wrong:
    surplus = beyond(line, width)
    if surplus is not None:
        return surplus
    values: dict[str, str] = {}
    for column in shape.columns:
        place = places.get(column.name, 0)
        cell = clean(line.cells[place - 1] if 0 < place <= len(line.cells) else "", column)
        if isinstance(cell, Wrong):
            return cell
        values[column.name] = cell
    return values
