"""Terms are found through evasions, with where they stand in the original; what must stay silent stays silent."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt.contract import codec
from mqtt.contract.limits import BLOB_UNPACKED_MAX
from policies import fold_tables
from policies.engine import Folder, FoldTable, KeywordSet, Scanner
from policies.engine.folding import MAX_TEXT
from policies.engine.patterns import folded_pattern
from scripts import normalise_vectors

STEPS = normalise_vectors.STEPS


def scanner(*terms: str | dict[str, Any], steps: list[str] | None = None) -> Scanner:
    listed = [{"id": one, "term": one} if isinstance(one, str) else one for one in terms]
    chosen = STEPS if steps is None else steps
    made = KeywordSet.model_validate({"set": "s", "terms": listed, "steps": chosen})
    return Scanner([made], fold_tables.tables(chosen))


def found(scan: Scanner, text: str, before: tuple[str, ...] = ()) -> list[str]:
    return [hit.term for hit in scan.scan(text, before)]


def test_the_vectors_are_those_of_the_code() -> None:
    stored = normalise_vectors.FILE.read_text("utf-8")
    assert stored == normalise_vectors.content(), "run: python -m scripts.normalise_vectors"


def test_the_vectors_show_every_step_at_work() -> None:
    vectors = json.loads(normalise_vectors.content())
    hits = [hit for part in ("cases", "pinyin", "split") for case in vectors[part] for hit in case["hits"]]
    through = {step for hit in hits for step in hit["through"]}
    assert through == {*STEPS, "pinyin", "split"} - {"traditional"}


@pytest.mark.parametrize(
    "text", ["路口交通", "大麻烦", "Smoking for SM", "grass", "合同约定的服务费", "V领", "企业微信"]
)
def test_ordinary_texts_stay_silent(text: str) -> None:
    scan = scanner(
        "交通费", "大麻", "sm码", "ass",
        {"id": "fee", "term": "服务费", "except": ["合同约定的服务费"]},
        {"id": "wx", "term": "微信", "except": ["企业微信"]},
        {"id": "dama", "term": "大麻", "except": ["大麻烦"]},
        "v信",
    )  # fmt: skip
    assert found(scan, text) == (["大麻"] if text == "大麻烦" else []), "only the term without an exception speaks"


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_a_hit_quotes_the_original_and_folds_to_the_term(noise: str) -> None:
    scan, folder = scanner("加急费"), Folder(STEPS, fold_tables.tables(STEPS))
    text = f"{noise}加 Ⅎ急*费{noise}".replace("Ⅎ", "")
    hits = scan.scan(text)
    assert hits
    for hit in hits:
        assert folder.fold(text[hit.start : hit.end]) == "加急费"


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_folding_twice_changes_nothing_more_and_the_way_back_is_whole(text: str) -> None:
    folder = Folder(STEPS, fold_tables.tables(STEPS))
    folded = folder.fold(text)
    assert folder.fold(folded) == folded
    with_origins = folder.fold_with_origins(text)
    assert with_origins.text == folded
    spans = [with_origins.original(at, at + 1) for at in range(len(folded))]
    assert spans == sorted(spans)
    assert all(0 <= start < end <= len(text) for start, end in spans)


def test_words_over_two_and_three_messages_are_found_once() -> None:
    scan = scanner("加急费")
    assert found(scan, "费", ("加", "急")) == ["加急费"]
    assert found(scan, "急费", ("先不说", "加")) == ["加急费"]
    assert found(scan, "费", ("加", "急", "停")) == [], "only consecutive ones"
    assert scan.scan("加急费", ("加急",))[0].through == ()


def test_only_the_first_20_000_characters_are_looked_at() -> None:
    scan = scanner("加急费")
    assert found(scan, "。" * (MAX_TEXT - 3) + "加急费") == ["加急费"]
    assert found(scan, "。" * (MAX_TEXT - 2) + "加急费") == []


def test_two_sets_with_other_steps_do_not_meet() -> None:
    plain = KeywordSet.model_validate({"set": "plain", "terms": [{"id": "p", "term": "VX"}], "steps": []})
    folded = KeywordSet.model_validate({"set": "folded", "terms": [{"id": "f", "term": "VX"}], "steps": ["case"]})
    scan = Scanner([plain, folded])
    assert [(hit.set, hit.term) for hit in scan.scan("加vx")] == [("folded", "f")]
    assert [(hit.set, hit.term) for hit in scan.scan("加VX")] == [("folded", "f"), ("plain", "p")]


@pytest.mark.parametrize(
    ("pattern", "folded"),
    [
        ("加我?.{0,2}(微信|V信)", "加我?.{0,2}(微信|v信)"),
        (r"\D{0,3}\p{Han}Ａ[Ｂ-Ｄ]", r"\D{0,3}\p{Han}a[b-d]"),
        ("(?i:徵信)[[:Alpha:]]", "(?i:征信)[[:Alpha:]]"),
        ("三{2,3}", "3{2,3}"),
    ],
)
def test_letters_of_patterns_are_folded_and_their_signs_are_not(pattern: str, folded: str) -> None:
    assert folded_pattern(pattern, Folder(STEPS, fold_tables.tables(STEPS)).character) == folded


def test_a_phrase_that_excuses_a_pattern_is_cut_out_before_it_is_searched() -> None:
    scan = scanner({"id": "p", "pattern": "微信.{0,3}转", "except": ["企业微信"]})
    assert found(scan, "微 信 上 转") == ["p"]
    assert found(scan, "企业微信上转") == []


def test_fifty_thousand_terms_are_compiled_and_found() -> None:
    terms = [f"词{number:05d}条" for number in range(50_000)]
    scan = scanner(*terms)
    assert found(scan, "这里有词４２ ４２４条") == ["词42424条"]


@pytest.mark.parametrize("step", fold_tables.STEPS_WITH_TABLES)
def test_each_table_is_a_document_that_a_phone_reads(step: str) -> None:
    read = codec.decode_object(fold_tables.content(step), limit=BLOB_UNPACKED_MAX)
    assert FoldTable.model_validate(read).folds == fold_tables.table(step)


def test_tables_hold_each_character_once_folded_by_nothing_but_its_step() -> None:
    assert all(unicodedata.normalize("NFKC", char) == made for char, made in fold_tables.table("width").items())
    assert set(fold_tables.table("digits").values()) == set("0123456789")
    assert set(fold_tables.table("symbols").values()) == {""}
    assert all("a" <= made <= "z" for made in fold_tables.table("homoglyphs").values())
