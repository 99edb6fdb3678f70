"""Lists of keywords from files into a set: previewed, told what is odd, stored as a draft."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
import xlsxwriter

from tests.fleet.company import API
from tests.policies.conftest import office as office
from tests.policies.office import Office, document

ADDRESS = f"{API}/keyword-sets/fees/import"


def send(office: Office, content: bytes, **form: Any) -> Any:
    data = {"file": (io.BytesIO(content), "terms"), **form}
    return office.company.client.post(ADDRESS, headers=office.company.admin, data=data)


def sent(office: Office, content: bytes, **form: Any) -> Any:
    answer = send(office, content, **form)
    assert answer.status_code == 200, answer.json
    return answer.json


def stored(office: Office) -> Any:
    return office.company.get("/documents/KeywordSet/fees").json["document"]["spec"]


def workbook(rows: list[list[str]]) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        data = book.add_worksheet()
        for number, row in enumerate(rows):
            data.write_row(number, 0, row)
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "form", "encoding"),
    [
        ("加急费\n\n茶水费\r\n".encode(), "text", "utf-8"),
        ("加急费\n茶水费\n".encode("gb18030"), "text", "gb18030"),
        ("词条,例外\n加急费,\n茶水费,\n".encode("gb18030"), "csv", "gb18030"),
        (workbook([["敏感词"], ["加急费"], ["茶水费"]]), "xlsx", None),
        (workbook([["加急费"], ["茶水费"]]), "xlsx", None),
    ],
)
def test_every_form_of_a_list_reads_as_the_same_terms(
    office: Office, content: bytes, form: str, encoding: str | None
) -> None:
    told = sent(office, content)
    assert (told["form"], told["encoding"], told["added"], told["saved"]) == (form, encoding, 2, False)
    assert office.company.get("/documents").json["items"] == []
    assert sent(office, content, save="true")["revision"] == 1
    assert stored(office)["terms"] == ["加急费", "茶水费"]


def test_a_table_brings_exceptions_patterns_and_ids(office: Office) -> None:
    rows = 'Term,Except,Pattern,Id\n服务费,合同约定的服务费;代收服务费,,fee\n,,"加我.{0,2}微信",\n'
    sent(office, rows.encode(), save="true")
    assert stored(office)["terms"] == [
        {"term": "服务费", "id": "fee", "except": ["合同约定的服务费", "代收服务费"]},
        {"pattern": "加我.{0,2}微信"},
    ]


def test_terms_are_added_to_a_set_or_replace_its_own(office: Office) -> None:
    office.apply(document("KeywordSet", "fees", "{terms: [茶水费, 好处费], match: [width]}"), publish=False)
    told = sent(office, "茶水费\n加急费".encode())
    assert (told["terms"], told["added"], told["unchanged"], told["removed"]) == (3, 1, 1, 0)
    told = sent(office, "茶水费\n加急费".encode(), mode="replace", save="true", revision="1")
    assert (told["terms"], told["removed"], told["revision"]) == (2, 1, 2)
    assert stored(office) == {"terms": ["茶水费", "加急费"], "match": ["width"]}


def test_duplicates_and_contradictions_are_told(office: Office) -> None:
    rows = (
        "term,except\n服务费,合同约定的服务费\n合同约定的服务费,\n加急费,\n加急費,\n快速加急费,\n加急费,\n茶水,别的\n"
    )
    rows += "+v,\npay me,\n"
    told = sent(office, rows.encode())
    assert told["repeated"] == [7]
    assert {(hint["code"], hint["term"], hint["other"]) for hint in told["hints"]} == {
        ("is_an_exception", "合同约定的服务费", "服务费"),
        ("same_after_normalisation", "加急費", "加急费"),
        ("covered_by_shorter", "快速加急费", "加急费"),
        ("exception_without_term", "茶水", "别的"),
        ("sign_lost", "+v", "v"),
    }
    assert all("“" in hint["text"] for hint in told["hints"])


def test_faulty_lines_are_named_and_left_out(office: Office) -> None:
    rows = "term,pattern\n加急费,\n……,\n,a.*b\n甲,乙\n" + "长" * 65 + ",\n"
    told = sent(office, rows.encode(), save="true")
    assert [(fault["line"], fault["code"]) for fault in told["faults"]] == [
        (3, "term_empty"),
        (4, "pattern_unbounded"),
        (5, "term_or_pattern"),
        (6, "too_long"),
    ]
    assert stored(office)["terms"] == ["加急费"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_rows"),
        ("……\n".encode(), "no_terms"),
        (b"\xff\xfea\x00", "unknown_encoding"),
        (b"PK\x03\x04nonsense", "not_a_workbook"),
    ],
)
def test_what_is_no_list_is_refused_and_changes_nothing(office: Office, content: bytes, code: str) -> None:
    answer = send(office, content, save="true")
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert office.company.get("/documents").json["items"] == []


def test_a_stale_revision_loses_nothing(office: Office) -> None:
    sent(office, "甲".encode(), save="true")
    sent(office, "乙".encode(), save="true", revision="1")
    answer = send(office, "丙".encode(), save="true", revision="1")
    assert (answer.status_code, answer.json["code"]) == (409, "stale_revision")
    assert stored(office)["terms"] == ["甲", "乙"]


def test_fifty_thousand_terms_take_seconds(office: Office) -> None:
    digits = "零一二三四五六七八九"
    terms = ("词" + "".join(digits[int(digit)] for digit in f"{number:05d}") for number in range(50_000))
    began = time.monotonic()
    told = sent(office, "\n".join(terms).encode(), save="true")
    assert (told["terms"], told["odd"]) == (50_000, 0)
    assert time.monotonic() - began < 30


def tried(office: Office, **body: Any) -> Any:
    answer = office.company.post("/keyword-sets/try", body)
    assert answer.status_code == 200, answer.json
    return [(hit["term"], hit["start"], hit["end"], hit["piece"]) for hit in answer.json["hits"]], answer.json["hits"]


def test_trying_a_set_shows_what_hits_where_and_through_what(office: Office) -> None:
    text = document("KeywordSet", "fees", "{terms: [加急费], match: [width, traditional, symbols]}")
    office.apply(text, publish=False)
    places, hits = tried(office, set="fees", text="先交加*急費")
    assert places == [("加急费", 2, 6, "加*急費")]
    assert hits[0]["through"] == ["traditional", "symbols"]
    assert tried(office, document=text, text="没有")[0] == []
    across, hits = tried(office, document=text, text="费一百", before=["先交加急"])
    assert across == [("加急费", -2, 1, "加急费")]
    assert "split" in hits[0]["through"]


def test_trying_what_is_no_set_says_so(office: Office) -> None:
    def code(**body: Any) -> str:
        return str(office.company.post("/keyword-sets/try", {"text": "a", **body}).json["code"])

    assert code(set="nobody") == "no_such_document"
    assert code(document=document("Policy", "p", "{}")) == "no_keyword_set"
    assert code(document="kind: [") == "documents_invalid"
    assert code() == "invalid_input"


@pytest.mark.parametrize(
    "content",
    [
        "敏感词,例外\n加急费,,漏了表头\n茶水费,,\n".encode(),
        workbook([["敏感词", "例外"], ["加急费", "", "漏了表头"], ["茶水费"]]),
    ],
)
def test_a_cell_beyond_the_last_header_is_an_error_that_says_where(office: Office, content: bytes) -> None:
    told = sent(office, content)
    assert told["added"] == 1
    (fault,) = told["faults"]
    assert (fault["line"], fault["code"]) == (2, "too_many_cells")
    assert "3" in fault["text"] and "漏了表头" in fault["text"]


def test_without_headers_the_second_cell_of_a_workbook_is_no_term_and_not_ignored(office: Office) -> None:
    told = sent(office, workbook([["加急费"], ["茶水费", "备注"]]))
    assert (told["added"], [(fault["line"], fault["code"]) for fault in told["faults"]]) == (1, [(2, "too_many_cells")])
