"""An unchanged policy compiles to the same bytes over releases: phones must not fetch what did not change.

When this fails the compiled form changed. Do not refresh the golden files unless every phone is meant to fetch anew.
"""

from __future__ import annotations

from pathlib import Path

from core.crypto.blobs import blob_key, open_blob, seal_blob
from policies.blobs import canonical
from policies.bundles import bundle_document
from policies.language.compile import calendar_document, keyword_set_document
from policies.language.kinds import Calendar, KeywordSet, Policy
from policies.language.parse import parse
from policies.rules.merging import compile_spec, merge, rules_of

GOLDEN = Path(__file__).parent / "golden"


def compiled() -> dict[str, bytes]:
    made: dict[str, bytes] = {}
    for document in parse((GOLDEN / "loan-sales.yaml").read_bytes()):
        if isinstance(document.model, Policy):
            rules = rules_of(merge([compile_spec(document.model.spec, document.name)]))
            made["bundle.json"] = canonical(bundle_document(rules, []))
        if isinstance(document.model, KeywordSet):
            made["keyword_set.json"] = canonical(keyword_set_document(document.name, document.model.spec))
        if isinstance(document.model, Calendar):
            made["calendar.json"] = canonical(calendar_document(document.name, document.model.spec))
    return made


def test_the_compiled_documents_are_byte_for_byte_what_they_were() -> None:
    made = compiled()
    assert set(made) == {"bundle.json", "keyword_set.json", "calendar.json"}
    for name, content in made.items():
        assert content == (GOLDEN / name).read_bytes(), name


def test_equal_content_is_an_equal_blob_and_another_installation_makes_another() -> None:
    document = compiled()["bundle.json"]
    secret, other = b"1" * 32, b"2" * 32
    assert seal_blob(secret, document) == seal_blob(secret, document)
    assert seal_blob(secret, document) != seal_blob(other, document)


def test_only_the_key_of_a_document_opens_its_blob() -> None:
    import hashlib

    document, secret = compiled()["bundle.json"], b"1" * 32
    blob = seal_blob(secret, document)
    key = blob_key(secret, hashlib.sha256(document).digest())
    assert open_blob(key, blob, 1 << 20) == document
    for wrong_key, wrong_blob in ((bytes(32), blob), (key, blob[:-1] + bytes([blob[-1] ^ 1]))):
        try:
            open_blob(wrong_key, wrong_blob, 1 << 20)
        except ValueError:
            continue
        raise AssertionError("opened")


def test_a_blob_that_unpacks_to_more_than_the_limit_is_refused() -> None:
    import hashlib

    import pytest

    document, secret = b"a" * 100_000, b"1" * 32
    key = blob_key(secret, hashlib.sha256(document).digest())
    with pytest.raises(ValueError, match="too_large"):
        open_blob(key, seal_blob(secret, document), 99_999)
