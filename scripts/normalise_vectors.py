"""Writes docs/normalise-vectors.json: `python -m scripts.normalise_vectors`. A test keeps file and code equal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from policies import fold_tables
from policies.engine import Folder, KeywordSet, Scanner

FILE: Final = Path(__file__).resolve().parent.parent / "docs" / "normalise-vectors.json"
STEPS: Final = ["width", "case", "traditional", "digits", "homoglyphs", "symbols", "repeats"]
SOUND: Final = [*STEPS, "pinyin"]
SET: Final[dict[str, Any]] = {
    "set": "vectors",
    "terms": [
        {"id": "urgent", "term": "加急费", "except": []},
        {"id": "service", "term": "服务费", "except": ["合同约定的服务费"]},
        {"id": "private", "pattern": "加我?.{0,2}(微信|薇信|v信)", "except": ["企业微信"]},
        {"id": "vx", "term": "VX", "except": []},
        {"id": "daily", "term": "天天", "except": []},
        {"id": "number", "term": "138", "except": []},
        {"id": "rude", "term": "ass", "except": []},
        {"id": "credit", "term": "徵信", "except": []},
    ],
}
TEXTS: Final = (
    "先交点加 急*费", "加加急急费", "加\u200b急\ufe0f费", "服务费打我卡上", "合同约定的服务费见附件",
    "合同约定的服务费以外的服务费", "加我🅥信", "加 我 的 Ｖ 信", "加企业微信", "ѵХ", "ⓋⓍ详聊", "VX-100", "vxworks",
    "今天天气", "天", "天天", "天天天", "幺三八", "➀➂➇", "1️⃣3️⃣8️⃣", "⑴⑶⑻", "21380", "grass", "a-s s",
    "Smoking for SM", "不看征信", "jia ji fei", "加ji费", "加激费", "JJF", "jjfx",
)  # fmt: skip
SPLIT: Final = (
    (["先加"], "急费交一下"),
    (["加", "急"], "费"),
    (["加急"], "非常"),
    (["gr"], "ass"),
)


def vectors() -> dict[str, Any]:
    """All of them, made by the engine."""
    return {
        "set": {**SET, "steps": STEPS},
        "cases": [_case(text, STEPS) for text in TEXTS],
        "pinyin": [_case(text, SOUND) for text in TEXTS if text.isascii() or text.startswith("加")],
        "split": [{"before": before, "text": text, "hits": _hits(text, STEPS, before)} for before, text in SPLIT],
    }


def _case(text: str, steps: list[str]) -> dict[str, Any]:
    folded = Folder(steps, fold_tables.tables(steps)).fold(text)
    return {"text": text, "folded": folded, "hits": _hits(text, steps, [])}


def _hits(text: str, steps: list[str], before: list[str]) -> list[dict[str, Any]]:
    scanner = Scanner([KeywordSet.model_validate({**SET, "steps": steps})], fold_tables.tables(steps))
    found = scanner.scan(text, before)
    return [{"term": hit.term, "start": hit.start, "end": hit.end, "through": list(hit.through)} for hit in found]


def content() -> str:
    """The file's text."""
    return json.dumps(vectors(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(content(), "utf-8")
