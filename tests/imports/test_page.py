"""docs/imports.md against the code: run `python -m imports.reference` when this fails."""

from __future__ import annotations

from imports import reference


def test_the_table_of_columns_is_that_of_the_code() -> None:
    assert reference.PAGE.read_text("utf-8") == reference.render()
