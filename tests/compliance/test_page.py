"""docs/compliance.md against the code: run `python -m compliance.reference` when this fails."""

from __future__ import annotations

from compliance import reference
from compliance.registry import all_checks
from policies.engine.vocabulary import FindingCode


def test_the_table_of_checks_is_that_of_the_code() -> None:
    assert reference.PAGE.read_text("utf-8") == reference.render()


def test_every_word_of_a_ladder_means_some_check_and_every_checks_word_can_be_said() -> None:
    words = {check.ladder for check in all_checks() if check.ladder}
    assert words == set(FindingCode.__args__)  # type: ignore[attr-defined]


def test_every_reason_names_only_what_its_finding_says() -> None:
    for check in all_checks():
        for text in (check.reason.zh, check.reason.en):
            assert text.count("{") == text.count("}") <= 2
        assert "–" not in check.say({}).zh or "{" in check.reason.zh
