"""What a stored password costs in life: the other tests run with a cheap hash."""

from __future__ import annotations

import runpy

from identity import passwords


def test_a_stored_password_costs_what_owasp_asks_for() -> None:
    stored = runpy.run_path(passwords.__file__)["hash_password"]("correct horse 42")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_cheaper_hash_is_to_be_made_anew() -> None:
    real = runpy.run_path(passwords.__file__)
    assert real["needs_rehash"](passwords.hash_password("correct horse 42"))
    assert not real["needs_rehash"](real["hash_password"]("correct horse 42"))
