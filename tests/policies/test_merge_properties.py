"""Merging is commutative, associative and idempotent, for every family and over all that authors can write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from policies.engine import read_rules
from policies.rules import PolicySpec
from policies.rules.merging import Fragments, compile_spec, loosened, merge, origins, rules_of
from policies.rules.registry import families
from tests.policies.specs import SPECS

POLICIES = st.sampled_from(["first", "second", "third"])
quick = settings(max_examples=40, deadline=None)


def compiled(family: str, spec: Any, policy: str) -> Fragments:
    return compile_spec(PolicySpec.model_validate({family: spec}), policy)


def fragments(family: str) -> st.SearchStrategy[Fragments]:
    return st.builds(lambda spec, policy: compiled(family, spec, policy), SPECS[family], POLICIES)


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


every_family = pytest.mark.parametrize("family", sorted(SPECS))


def test_every_registered_family_has_specs_to_test_it_with() -> None:
    assert sorted(families()) == sorted(SPECS)


@every_family
def test_the_order_of_two_policies_does_not_matter(family: str) -> None:
    @quick
    @given(fragments(family), fragments(family))
    def check(a: Fragments, b: Fragments) -> None:
        assert text(merge([a, b])) == text(merge([b, a]))

    check()


@every_family
def test_the_grouping_of_three_policies_does_not_matter(family: str) -> None:
    @quick
    @given(fragments(family), fragments(family), fragments(family))
    def check(a: Fragments, b: Fragments, c: Fragments) -> None:
        assert text(merge([merge([a, b]), c])) == text(merge([a, merge([b, c])])) == text(merge([c, a, b]))

    check()


@every_family
def test_a_policy_merged_with_itself_stays_as_it_is(family: str) -> None:
    @quick
    @given(fragments(family), fragments(family))
    def check(a: Fragments, b: Fragments) -> None:
        both = merge([a, b])
        assert text(merge([a, a])) == text(a)
        assert text(merge([both, a, b, both])) == text(both)

    check()


@every_family
def test_another_policy_never_makes_anything_looser(family: str) -> None:
    @quick
    @given(fragments(family), fragments(family))
    def check(a: Fragments, b: Fragments) -> None:
        assert loosened(a, merge([a, b])) == []

    check()


@every_family
def test_each_effective_value_comes_from_a_policy_that_speaks_of_it(family: str) -> None:
    @quick
    @given(fragments(family), fragments(family))
    def check(a: Fragments, b: Fragments) -> None:
        for origin in origins(merge([a, b]), [a, b]):
            assert origin.sources
            assert set(origin.sources) <= {0, 1}

    check()


@every_family
def test_what_is_shipped_is_what_the_engine_reads(family: str) -> None:
    @quick
    @given(fragments(family), fragments(family))
    def check(a: Fragments, b: Fragments) -> None:
        rules = rules_of(merge([a, b]))
        assert set(read_rules(json.loads(json.dumps(rules))).outcome.values()) <= {"enforced"}

    check()


@every_family
def test_a_fragment_is_plain_json(family: str) -> None:
    @quick
    @given(fragments(family))
    def check(a: Fragments) -> None:
        assert json.loads(text(a)) == a

    check()


def test_the_types_of_all_families_can_be_described() -> None:
    for family in families().values():
        assert TypeAdapter(family.spec).json_schema()
