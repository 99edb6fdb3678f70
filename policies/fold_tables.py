"""The tables behind the steps of docs/normalise.md, made from Unicode, OpenCC and pypinyin when first needed."""

from __future__ import annotations

import importlib.util
import re
import runpy
import unicodedata
from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path

import opencc
import rfc8785

from policies.engine.folding import TABLE_STEPS

PINYIN = "pinyin"
HAN = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x323B0))
COMMON_HAN = ((0x4E00, 0xA000),)
SIGNS = frozenset("PSZCM")
"""First letters of the general categories that carry no word: punctuation, symbols, spaces, controls, marks."""
KEPT_CATEGORIES = frozenset({"Cn", "Co", "Cs"})
SPOKEN_DIGITS = {"零": "0", "〇": "0", "两": "2", "兩": "2", "俩": "2", "幺": "1", "仨": "3"}
LOOK_ALIKES: dict[str, str] = {
    **dict(zip("авеікмнорсстухѕјԁһԛԝѵ", "abeikmhopcctyxsjdhqwv", strict=True)),
    **dict(zip("αβγεηικνορτυχω", "abyeniknoptuxw", strict=True)),
}
"""Lower-case Cyrillic and Greek letters that are read as Latin ones."""
_LATIN = re.compile(
    r"(?:LATIN (?:SMALL |CAPITAL )?LETTER (?:SMALL CAPITAL )?|MODIFIER LETTER (?:SMALL |CAPITAL )"
    r"|NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER |REGIONAL INDICATOR SYMBOL LETTER )([A-Z])(?: WITH .*)?$"
)


ASSIGNED = ((0x0001, 0x20000), (0x2F800, 0x2FA20), (0xE0000, 0xE0200))
"""Where characters stand that some step changes. Between lie Han characters, which only `traditional` knows; U+0000
is in no text of the protocol."""


@cache
def _characters() -> list[str]:
    chars = [chr(code) for first, end in ASSIGNED for code in range(first, end)]
    return [char for char in chars if unicodedata.category(char) not in KEPT_CATEGORIES]


def _width() -> dict[str, str]:
    return {char: made for char in _characters() if (made := unicodedata.normalize("NFKC", char)) != char}


def _case() -> dict[str, str]:
    return {char: made for char in _characters() if (made := char.casefold()) != char}


def _traditional() -> dict[str, str]:
    chars = [chr(code) for first, end in HAN for code in range(first, end)]
    # One by one: what a word decides is left out, so that a character always becomes the same.
    converted = opencc.OpenCC("t2s").convert("\n".join(chars)).split("\n")
    return {char: made for char, made in zip(chars, converted, strict=True) if made != char and len(made) == 1}


def _digits() -> dict[str, str]:
    found = {}
    for char in _characters():
        value = unicodedata.numeric(char, -1.0)
        if value in range(10) and not "0" <= char <= "9":
            found[char] = str(int(value))
    return found | SPOKEN_DIGITS


def _homoglyphs() -> dict[str, str]:
    found = {}
    for char in _characters():
        match = _LATIN.match(unicodedata.name(char, ""))
        if match and not char.isascii():
            found[char] = match[1].lower()
    return found | LOOK_ALIKES


def _symbols() -> dict[str, str]:
    return {char: "" for char in _characters() if unicodedata.category(char)[0] in SIGNS}


def _pinyin() -> dict[str, str]:
    # The package itself would load its dictionary of phrases too, 50 MB in every process; only its table is read here.
    package = importlib.util.find_spec("pypinyin")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("pypinyin")
    readings = runpy.run_path(str(Path(package.submodule_search_locations[0]) / "pinyin_dict.py"))["pinyin_dict"]
    codes = (code for first, end in COMMON_HAN for code in range(first, end) if code in readings)
    found = {chr(code): _plain_syllable(readings[code].split(",")[0]) for code in codes}
    return {char: syllable for char, syllable in found.items() if syllable.isascii()}


def _plain_syllable(reading: str) -> str:
    """Without its tone: `lǜ` becomes `lv`."""
    decomposed = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    return "".join(char for char in decomposed if not unicodedata.combining(char))


_MAKERS: Mapping[str, Callable[[], dict[str, str]]] = {
    "width": _width,
    "case": _case,
    "traditional": _traditional,
    "digits": _digits,
    "homoglyphs": _homoglyphs,
    "symbols": _symbols,
    PINYIN: _pinyin,
}
STEPS_WITH_TABLES = (*TABLE_STEPS, PINYIN)


@cache
def table(step: str) -> Mapping[str, str]:
    """The table of one step, by character."""
    return _MAKERS[step]()


def with_tables(steps: Collection[str]) -> list[str]:
    """Those of the steps that are tables, in the order in which they are done."""
    return [step for step in STEPS_WITH_TABLES if step in steps]


def tables(steps: Collection[str]) -> dict[str, Mapping[str, str]]:
    """The tables of those of the steps that have one."""
    return {step: table(step) for step in with_tables(steps)}


@cache
def content(step: str) -> bytes:
    """The `fold_table` document of a step: canonical JSON (RFC 8785)."""
    return rfc8785.dumps({"table": step, "folds": dict(table(step))})
