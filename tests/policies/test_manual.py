"""The page for authors says what is so: its example applies, and it names every family."""

from __future__ import annotations

import re
from pathlib import Path

from policies.engine.actions import ACTIONS
from policies.language.group_query import FIELDS
from policies.language.kinds import KINDS
from policies.language.parse import parse
from policies.rules.registry import families

PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")


def test_the_example_of_the_page_is_read_whole_and_shows_every_kind_and_family() -> None:
    parsed = [d for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) for d in parse(block.encode())]
    assert {document.kind for document in parsed} == set(KINDS)
    policy = next(document for document in parsed if document.kind == "Policy")
    assert set(policy.data["spec"]) == set(families())


def test_the_page_has_the_order_of_actions_and_the_fields_of_queries() -> None:
    assert " > ".join(f"`{action}`" for action in reversed(ACTIONS)) in PAGE
    assert all(f"`{field}`" in PAGE for field in FIELDS)
